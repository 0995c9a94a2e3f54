//===- Parameters.cpp - where a plan's parameters come from ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Parameters.h"

#include "runtime/session/RankSlice.h"
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
  /// A parameter, and what the rank reads of its tensor.
  struct Part {
    const TensorInfo *Tensor;
    RankSlice Slice;
    AlignedBytes Copy; ///< if it cannot be read where it is
  };
  std::unique_ptr<Checkpoint> Weights;
  std::vector<Part> Parts;

  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    Part &P = Parts[Index];
    const uint64_t Element = byteSize(P.Tensor->Type);
    const uint64_t Bytes = P.Slice.size() * Element;
    if (P.Copy)
      return std::span<const std::byte>(P.Copy.get(), Bytes);
    M1_ASSIGN_OR_RETURN(std::span<const std::byte> Data,
                        Weights->data(*P.Tensor));
    Read += P.Slice.held() * Element;
    // The format does not guarantee alignment; most writers provide it.
    const bool IsAligned =
        reinterpret_cast<uintptr_t>(Data.data()) % Element == 0;
    if (std::optional<int64_t> Begin = P.Slice.range(); Begin && IsAligned)
      return Data.subspan(*Begin * Element, Bytes);
    P.Copy = allocateAligned(Bytes);
    if (P.Slice.held() != P.Slice.size())
      std::memset(P.Copy.get(), 0, Bytes);
    P.Slice.forEachRun([&](int64_t From, int64_t To, int64_t Count) {
      std::memcpy(P.Copy.get() + To * Element, Data.data() + From * Element,
                  Count * Element);
    });
    Weights->release(*P.Tensor);
    return std::span<const std::byte>(P.Copy.get(), Bytes);
  }
  void release(uint32_t Index) override {
    if (Parts[Index].Copy)
      Parts[Index].Copy.reset();
    else
      Weights->release(*Parts[Index].Tensor);
  }
  uint64_t bytesRead() const override { return Read; }

private:
  uint64_t Read = 0;
};

class RandomParameters : public ParameterSource {
public:
  RandomParameters(const LoadedPlan &Plan, uint64_t Seed,
                   std::span<const int64_t> Coordinates)
      : Plan(Plan), Seed(Seed),
        Coordinates(Coordinates.begin(), Coordinates.end()),
        Values(length(Plan->parameters())) {}

  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(Index);
    const uint64_t Bytes = localBytes(Parameter);
    if (!Values[Index]) {
      Values[Index] = allocateAligned(Bytes);
      fill(Parameter, Values[Index].get(), Bytes);
    }
    return std::span<const std::byte>(Values[Index].get(), Bytes);
  }
  void release(uint32_t Index) override { Values[Index].reset(); }

private:
  void fill(const plan::Parameter &Parameter, std::byte *Out, uint64_t Bytes) {
    const std::vector<int64_t> Shape = shapeOf(Parameter);
    const ElementType Type = elementType(Parameter.dtype());
    const std::string_view Name = tensorName(Parameter, Coordinates);
    if (!length(Parameter.slices()))
      return fillRandom(Seed, Name, Type, Shape, Out);
    std::memset(Out, 0, Bytes);
    RankSlice(Parameter, Coordinates)
        .forEachRun([&](int64_t From, int64_t To, int64_t Count) {
          fillRandomRange(Seed, Name, Type, Shape, From, From + Count,
                          Out + To * byteSize(Type));
        });
  }

  const LoadedPlan &Plan;
  uint64_t Seed;
  std::vector<int64_t> Coordinates;
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

/// The checkpoint's tensor of this name, which is as the parameter says.
absl::StatusOr<const TensorInfo *> findTensor(const LoadedPlan &Plan,
                                              const plan::Parameter &Parameter,
                                              std::string_view Name,
                                              const Checkpoint &Weights,
                                              const std::string &Path) {
  const TensorInfo *Tensor = Weights.find(Name);
  if (!Tensor)
    return makeError(Path, ": no tensor '", Name, "', which ", Plan.name(),
                     " needs");
  const ElementType Type = elementType(Parameter.dtype());
  const std::vector<int64_t> Shape = shapeOf(Parameter);
  if (Tensor->Type != Type || Tensor->Shape != Shape)
    return makeError(Weights.fileOf(*Tensor), ": tensor '", Name, "' is ",
                     name(Tensor->Type), " ", formatShape(Tensor->Shape), ", ",
                     Plan.name(), " expects ", name(Type), " ",
                     formatShape(Shape));
  return Tensor;
}
} // namespace

absl::StatusOr<std::unique_ptr<ParameterSource>>
m1::checkpointParameters(const LoadedPlan &Plan, const std::string &Path,
                         const CheckpointOptions &Options) {
  M1_RETURN_IF_ERROR(checkCoordinates(Plan, Options.Coordinates));
  auto Result = std::make_unique<CheckpointParameters>();
  M1_ASSIGN_OR_RETURN(Result->Weights, Checkpoint::open(Path));
  Checkpoint &Weights = *Result->Weights;
  std::set<std::string_view> Used;
  for (uint32_t I = 0; I < length(Plan->parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(I);
    // All of a list are there, whichever the rank reads: each rank finds the
    // same errors.
    for (uint32_t J = 0; J < length(Parameter.names()); ++J) {
      const std::string_view Name = view(Parameter.names()->Get(J));
      M1_RETURN_IF_ERROR(
          findTensor(Plan, Parameter, Name, Weights, Path).status());
      Used.insert(Name);
    }
    const std::string_view Name = tensorName(Parameter, Options.Coordinates);
    M1_ASSIGN_OR_RETURN(const TensorInfo *Tensor,
                        findTensor(Plan, Parameter, Name, Weights, Path));
    Used.insert(Name);
    Result->Parts.push_back(
        {Tensor, RankSlice(Parameter, Options.Coordinates), nullptr});
  }
  for (const auto &[Name, Tensor] : Weights.tensors())
    if (!Used.count(Name) && !isDerived(Plan, Name))
      return makeError(Weights.fileOf(Tensor), ": tensor '", Name,
                       "' is not in ", Plan.name(), " (",
                       Weights.tensors().size(), " tensors found, ",
                       Used.size(), " expected)");
  if (Options.Note && !Weights.note().empty())
    Options.Note(Weights.note());
  if (Options.Verify)
    M1_RETURN_IF_ERROR(
        verifyWeights(Weights, Options.Digests, Options.Hash).status());
  return Result;
}

absl::StatusOr<std::unique_ptr<ParameterSource>>
m1::randomParameters(const LoadedPlan &Plan, uint64_t Seed,
                     std::span<const int64_t> Coordinates) {
  M1_RETURN_IF_ERROR(checkCoordinates(Plan, Coordinates));
  for (uint32_t I = 0; I < length(Plan->parameters()); ++I) {
    const plan::Parameter &Parameter = *Plan->parameters()->Get(I);
    if (Parameter.dtype() > plan::DType::F64)
      return makeError(Plan.name(), ": parameter '", view(Parameter.name()),
                       "' is ", name(elementType(Parameter.dtype())),
                       ": only floats can be random");
  }
  return std::make_unique<RandomParameters>(Plan, Seed, Coordinates);
}
