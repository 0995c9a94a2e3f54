//===- TrainingOperations.h - reference of training ops ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of M1TrainingOps.td in their plainest form, one function each; see
// Operations.h. Gradients of parameters are added to the tensor `To`.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_TRAININGOPERATIONS_H
#define M1C_DIALECTS_M1_REFERENCE_TRAININGOPERATIONS_H

#include "dialects/M1/Reference/Operations.h"

namespace m1::reference {

//===----------------------------------------------------------------------===//
// Gradients of attention
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// Gradients of routing, experts and products
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// Gradients of ops on rows
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// The output head with its loss
//===----------------------------------------------------------------------===//

/// What m1.policy_head is given for each of its tokens, all [T].
struct PolicyTokens {
  const Tensor &Targets, &OldLogProbs, &Advantages, &Weights;
};

/// The derivative of the loss in a token's log-probability. `Bounds` holds
/// ratio_min, ratio_max, mask_below and mask_above.
double policyDerivative(double LogProb, double OldLogProb, double Advantage,
                        double Weight, const double *Bounds);

/// The results of m1.policy_head without the gradient of its weight.
struct PolicyHead {
  Tensor LogProbs, Entropy, XGradient;
};
/// x [T, D], weight [V, D], `To` [V, D]
PolicyHead policyHead(const Tensor &X, const Tensor &Weight,
                      const PolicyTokens &Tokens, double Temperature,
                      const double *Bounds, Tensor &To);

//===----------------------------------------------------------------------===//
// The optimiser
//===----------------------------------------------------------------------===//

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_TRAININGOPERATIONS_H
