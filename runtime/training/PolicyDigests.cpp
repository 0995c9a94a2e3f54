//===- PolicyDigests.cpp - the bits of a model in training ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/PolicyDigests.h"

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

absl::StatusOr<PolicyDigests> m1::digestsOf(Policy &Model) {
  TensorHasher Weights, Optimizer;
  std::vector<float> Values;
  for (size_t I = 0; I < Model.tensors().size(); ++I) {
    const TrainedTensor &Tensor = Model.tensors()[I];
    M1_ASSIGN_OR_RETURN(const int64_t Count, elementsOf(Tensor));
    const std::string Heading = concat(Tensor.Name, "\n", name(Tensor.Type),
                                       formatShape(Tensor.Shape), "\n");
    Values.resize(Count);
    auto Add = [&](TensorHasher &Hasher, OptimizerTensor Kind) {
      absl::Status Status = Model.read(I, Kind, Values);
      Hasher.add(std::as_bytes(std::span(Values)));
      return Status;
    };
    Weights.add(Heading);
    M1_RETURN_IF_ERROR(Add(Weights, OptimizerTensor::Master));
    Optimizer.add(Heading);
    M1_RETURN_IF_ERROR(Add(Optimizer, OptimizerTensor::First));
    M1_RETURN_IF_ERROR(Add(Optimizer, OptimizerTensor::Second));
  }
  return PolicyDigests{Weights.finish(), Optimizer.finish()};
}
