//===- Parameters.cpp - where a plan's parameters come from ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Parameters.h"

#include "runtime/weights/Random.h"
#include "runtime/weights/VerifyWeights.h"

#include <algorithm>
#include <cstring>
#include <set>

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
    uint64_t Bytes = bytesOf(Parameter);
    if (!Values[Index]) {
      Values[Index] = allocateAligned(Bytes);
      fillRandom(Seed, view(Parameter.name()), Type, Shape,
                 Values[Index].get());
    }
    return std::span<const std::byte>(Values[Index].get(), Bytes);
  }
  void release(uint32_t Index) override { Values[Index].reset(); }

private:
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
m1::checkpointParameters(const LoadedPlan &Plan, const std::string &Path,
                         const CheckpointOptions &Options) {
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
  if (Options.Note && !Weights.note().empty())
    Options.Note(Weights.note());
  if (Options.Verify)
    M1_RETURN_IF_ERROR(
        verifyWeights(Weights, Options.Digests, Options.Hash).status());
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
