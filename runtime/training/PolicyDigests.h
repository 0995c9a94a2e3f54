//===- PolicyDigests.h - the bits of a model in training --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_POLICYDIGESTS_H
#define M1C_RUNTIME_TRAINING_POLICYDIGESTS_H

#include "runtime/training/Policy.h"
#include "runtime/weights/Digests.h"

namespace m1 {

/// Digests of all that an update changes, over all tensors in their order, with
/// their names, types and shapes: two policies have the same ones if they agree
/// in every bit.
struct PolicyDigests {
  TensorDigest Weights;   ///< the master values
  TensorDigest Optimizer; ///< both moments
  bool operator==(const PolicyDigests &Other) const = default;
};

/// Reads every tensor once, in place where it can. If that is everywhere, the
/// two digests are computed at the same time; otherwise it takes the memory of
/// the largest tensor, in f32.
absl::StatusOr<PolicyDigests> digestsOf(Policy &Model);

/// The elements of a trained tensor; an error if its shape is none.
absl::StatusOr<int64_t> elementsOf(const TrainedTensor &Tensor);
/// What Policy::read copies: in place where it can be, otherwise read into
/// `Buffer`.
absl::StatusOr<std::span<const float>> valuesOf(Policy &Model, size_t Tensor,
                                                OptimizerTensor Kind,
                                                std::vector<float> &Buffer);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_POLICYDIGESTS_H
