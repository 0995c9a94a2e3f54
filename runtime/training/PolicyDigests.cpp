//===- PolicyDigests.cpp - the bits of a model in training ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/PolicyDigests.h"

#include "runtime/support/ThreadPool.h"
#include "runtime/training/WriteCheckpoint.h"
#include "runtime/weights/TensorHasher.h"

#include <optional>

using namespace m1;

absl::StatusOr<int64_t> m1::elementsOf(const TrainedTensor &Tensor) {
  const std::optional<int64_t> Count = elementCount(Tensor.Shape);
  if (!Count)
    return makeError("tensor '", Tensor.Name, "': shape ",
                     formatShape(Tensor.Shape), " is too large");
  return *Count;
}

absl::StatusOr<std::span<const float>>
m1::valuesOf(Policy &Model, size_t Tensor, OptimizerTensor Kind,
             std::vector<float> &Buffer) {
  M1_ASSIGN_OR_RETURN(std::span<const float> InPlace,
                      Model.inPlace(Tensor, Kind));
  if (!InPlace.empty())
    return InPlace;
  M1_ASSIGN_OR_RETURN(const int64_t Count, elementsOf(Model.tensors()[Tensor]));
  Buffer.resize(Count);
  M1_RETURN_IF_ERROR(Model.read(Tensor, Kind, Buffer));
  return std::span<const float>(Buffer);
}

/// The digest of what the optimiser keeps, of `Kinds`, for every tensor.
static absl::StatusOr<TensorDigest>
digestOf(Policy &Model, std::span<const OptimizerTensor> Kinds) {
  TensorHasher Hasher;
  std::vector<float> Buffer;
  for (size_t I = 0; I < Model.tensors().size(); ++I) {
    const TrainedTensor &Tensor = Model.tensors()[I];
    Hasher.add(concat(Tensor.Name, "\n", name(Tensor.Type),
                      formatShape(Tensor.Shape), "\n"));
    for (OptimizerTensor Kind : Kinds) {
      M1_ASSIGN_OR_RETURN(std::span<const float> Values,
                          valuesOf(Model, I, Kind, Buffer));
      Hasher.add(std::as_bytes(Values));
    }
  }
  return Hasher.finish();
}

/// Whether no tensor must be read: then threads may hash at the same time.
static absl::StatusOr<bool> isInPlace(Policy &Model) {
  for (size_t I = 0; I < Model.tensors().size(); ++I)
    for (OptimizerTensor Kind : SavedKinds) {
      M1_ASSIGN_OR_RETURN(std::span<const float> Found, Model.inPlace(I, Kind));
      if (Found.empty())
        return false;
    }
  return true;
}

absl::StatusOr<PolicyDigests> m1::digestsOf(Policy &Model) {
  constexpr OptimizerTensor Weights[] = {OptimizerTensor::Master};
  constexpr OptimizerTensor Moments[] = {OptimizerTensor::First,
                                         OptimizerTensor::Second};
  const std::span<const OptimizerTensor> Kinds[] = {Moments, Weights};
  M1_ASSIGN_OR_RETURN(const bool InPlace, isInPlace(Model));
  const bool TwoThreads = InPlace && Model.threads() > 1;
  M1_ASSIGN_OR_RETURN(std::unique_ptr<ThreadPool> Threads,
                      ThreadPool::create(TwoThreads ? 2 : 1));
  absl::StatusOr<TensorDigest> Found[2];
  Threads->parallelFor(2, 1, [&](int64_t Begin, int64_t End, unsigned) {
    for (int64_t I = Begin; I < End; ++I)
      Found[I] = digestOf(Model, Kinds[I]);
  });
  M1_ASSIGN_OR_RETURN(const TensorDigest OfMoments, Found[0]);
  M1_ASSIGN_OR_RETURN(const TensorDigest OfWeights, Found[1]);
  return PolicyDigests{OfWeights, OfMoments};
}
