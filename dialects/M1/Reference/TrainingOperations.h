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

/// dy [T, N], weight [N, K] -> [T, K]
Tensor linearTransposed(const Tensor &Dy, const Tensor &Weight);
/// dy [T, N], x [T, K], to [N, K]
void linearWeightGradient(const Tensor &Dy, const Tensor &X, Tensor &To);
/// dweights, experts and weights [T, K] -> [T, E] of `Count` experts
Tensor routerGradient(const Tensor &Dweights, const Tensor &Experts,
                      const Tensor &Weights, int64_t Count);
/// x [T, D], weight [E, D], coefficients [E] -> loss [T] and gradient [T, E]
std::pair<Tensor, Tensor> routerBalance(const Tensor &X, const Tensor &Weight,
                                        const Tensor &Coefficients);

/// The results of expertsGradient().
struct ExpertsGradient {
  Tensor Dx;                 ///< [T, D]
  Tensor Dweights;           ///< [T, K]
  Tensor Hidden, Dgate, Dup; ///< [T, K, F]
};
/// dy and x [T, D], experts and weights [T, K], w1 and w3 [E, F, D],
/// w2 [E, D, F]
ExpertsGradient expertsGradient(const Tensor &Dy, const Tensor &X,
                                const Tensor &Experts, const Tensor &Weights,
                                const Tensor &W1, const Tensor &W3,
                                const Tensor &W2);
/// left [T, N] or [T, J, N], right [T, K] or [T, J, K], experts [T, J],
/// to [E, N, K]
void expertsWeightGradient(const Tensor &Left, const Tensor &Right,
                           const Tensor &Experts, Tensor &To);

//===----------------------------------------------------------------------===//
// Gradients of ops on rows
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// The output head with its loss
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// The optimiser
//===----------------------------------------------------------------------===//

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_TRAININGOPERATIONS_H
