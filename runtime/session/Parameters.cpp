//===- Parameters.cpp - where a plan's parameters come from ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Parameters.h"

#include <Random123/boxmuller.hpp>
#include <Random123/philox.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

using namespace m1;

ParameterSource::~ParameterSource() = default;

namespace {
/// Uninitialised memory, aligned to 64 bytes.
struct AlignedDelete {
  void operator()(std::byte *Data) const {
    ::operator delete[](Data, std::align_val_t(64));
  }
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedDelete>;
AlignedBytes allocateAligned(uint64_t Bytes) {
  return AlignedBytes(static_cast<std::byte *>(
      ::operator new[](std::max<uint64_t>(Bytes, 1), std::align_val_t(64))));
}

class CheckpointParameters : public ParameterSource {
public:
  std::unique_ptr<Checkpoint> Weights;
  std::vector<const TensorInfo *> Tensors;
  std::vector<AlignedBytes> Copies;

  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    const TensorInfo &Tensor = *Tensors[Index];
    M1_ASSIGN_OR_RETURN(std::span<const std::byte> Data, Weights->data(Tensor));
    uint64_t Alignment = byteSize(Tensor.Type);
    if (reinterpret_cast<uintptr_t>(Data.data()) % Alignment == 0)
      return Data;
    // The format does not guarantee alignment; most writers provide it.
    if (!Copies[Index]) {
      Copies[Index] = allocateAligned(Data.size());
      std::memcpy(Copies[Index].get(), Data.data(), Data.size());
      Weights->release(Tensor);
    }
    return std::span<const std::byte>(Copies[Index].get(), Data.size());
  }
  void release(uint32_t Index) override {
    if (Copies[Index])
      Copies[Index].reset();
    else
      Weights->release(*Tensors[Index]);
  }
};

class RandomParameters : public ParameterSource {
public:
  RandomParameters(const LoadedPlan &Plan, uint64_t Seed)
      : Plan(Plan), Seed(Seed), Values(length(Plan->parameters())) {}

  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(Index);
    std::vector<int64_t> Shape = shapeOf(Parameter);
    ElementType Type = elementType(Parameter.dtype());
    int64_t Count = *elementCount(Shape);
    uint64_t Bytes = Count * byteSize(Type);
    if (!Values[Index]) {
      Values[Index] = allocateAligned(Bytes);
      generate(Index, Count, Type, Shape.size() == 1, Values[Index].get());
    }
    return std::span<const std::byte>(Values[Index].get(), Bytes);
  }
  void release(uint32_t Index) override { Values[Index].reset(); }

private:
  /// Each group of four elements has its own counter: values do not depend on
  /// the number of threads.
  void generate(uint32_t Index, int64_t Count, ElementType Type, bool IsNorm,
                std::byte *Out) {
    constexpr int64_t Grain = int64_t(1) << 20; // elements worth a thread
    int64_t Threads =
        std::clamp<int64_t>(std::thread::hardware_concurrency(), 1,
                            std::max<int64_t>(1, Count / Grain));
    int64_t Share = (Count / Threads + 4) / 4 * 4;
    std::vector<std::thread> Workers;
    for (int64_t Begin = 0; Begin < Count; Begin += Share)
      Workers.emplace_back([=, this] {
        generateRange(Index, Begin, std::min(Begin + Share, Count), Type,
                      IsNorm, Out);
      });
    for (std::thread &Worker : Workers)
      Worker.join();
  }

  /// Elements Begin <= i < End; Begin is a multiple of 4.
  void generateRange(uint32_t Index, int64_t Begin, int64_t End,
                     ElementType Type, bool IsNorm, std::byte *Out) {
    r123::Philox4x32 Philox;
    r123::Philox4x32::key_type Key = {
        {static_cast<uint32_t>(Seed), static_cast<uint32_t>(Seed >> 32)}};
    float Mean = IsNorm ? 1.0f : 0.0f;
    for (int64_t I = Begin; I < End; I += 4) {
      uint64_t Block = I / 4;
      r123::Philox4x32::ctr_type Counter = {{static_cast<uint32_t>(Block),
                                             static_cast<uint32_t>(Block >> 32),
                                             Index, 0}};
      r123::Philox4x32::ctr_type R = Philox(Counter, Key);
      r123::float2 A = r123::boxmuller(R[0], R[1]);
      r123::float2 B = r123::boxmuller(R[2], R[3]);
      const float Normal[4] = {A.x, A.y, B.x, B.y};
      for (int64_t J = 0; J < 4 && I + J < End; ++J)
        store(Type, Out, I + J, Mean + 0.02f * Normal[J]);
    }
  }
  static void store(ElementType Type, std::byte *Out, int64_t I, float Value) {
    auto put = [&](auto Converted) {
      std::memcpy(Out + I * sizeof Converted, &Converted, sizeof Converted);
    };
    switch (Type) {
    case ElementType::F64:
      return put(static_cast<double>(Value));
    case ElementType::BF16:
      return put(bf16FromFloat(Value));
    case ElementType::F16:
      return put(f16FromFloat(Value));
    default:
      return put(Value);
    }
  }

  const LoadedPlan &Plan;
  uint64_t Seed;
  std::vector<AlignedBytes> Values;
};

/// Whether the checkpoint may hold this tensor although no parameter uses it.
bool isDerived(const LoadedPlan &Plan, std::string_view Name) {
  const plan::Model *Model = Plan->model();
  if (!Model)
    return false;
  for (uint32_t I = 0; I < length(Model->derived()); ++I)
    if (Name.ends_with(view(Model->derived()->Get(I))))
      return true;
  return false;
}
} // namespace

absl::StatusOr<std::unique_ptr<ParameterSource>>
m1::checkpointParameters(const LoadedPlan &Plan, const std::string &Path) {
  auto Result = std::make_unique<CheckpointParameters>();
  M1_ASSIGN_OR_RETURN(Result->Weights, Checkpoint::open(Path));
  Checkpoint &Weights = *Result->Weights;
  std::set<std::string_view> Used;
  for (uint32_t I = 0; I < length(Plan->parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(I);
    std::string_view Name = view(Parameter.name());
    const TensorInfo *Tensor = Weights.find(Name);
    if (!Tensor)
      return makeError(Path, ": no tensor '", Name, "', which ", Plan.name(),
                       " needs");
    ElementType Type = elementType(Parameter.dtype());
    std::vector<int64_t> Shape = shapeOf(Parameter);
    if (Tensor->Type != Type || Tensor->Shape != Shape)
      return makeError(Weights.fileOf(*Tensor), ": tensor '", Name, "' is ",
                       name(Tensor->Type), " ", formatShape(Tensor->Shape),
                       ", ", Plan.name(), " expects ", name(Type), " ",
                       formatShape(Shape));
    Used.insert(Name);
    Result->Tensors.push_back(Tensor);
  }
  for (const auto &[Name, Tensor] : Weights.tensors())
    if (!Used.count(Name) && !isDerived(Plan, Name))
      return makeError(Weights.fileOf(Tensor), ": tensor '", Name,
                       "' is not in ", Plan.name(), " (",
                       Weights.tensors().size(), " tensors found, ",
                       Used.size(), " expected)");
  Result->Copies.resize(Result->Tensors.size());
  return Result;
}

absl::StatusOr<std::unique_ptr<ParameterSource>>
m1::randomParameters(const LoadedPlan &Plan, uint64_t Seed) {
  for (uint32_t I = 0; I < length(Plan->parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(I);
    if (Parameter.dtype() > plan::DType::F64)
      return makeError(Plan.name(), ": parameter '", view(Parameter.name()),
                       "' is ", name(elementType(Parameter.dtype())),
                       ": only floats can be random");
  }
  return std::make_unique<RandomParameters>(Plan, Seed);
}
