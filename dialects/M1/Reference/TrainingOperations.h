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

/// Gradients in q, k and v, of their shapes.
struct AttentionGradients {
  Tensor Dq, Dk, Dv;
};

/// Those of lightningAttention(). `CuSeqlens` [B+1] divides the tokens into
/// sequences that begin at position 0; `Slopes` has one entry per head.
AttentionGradients
lightningAttentionGradient(const Tensor &Dy, const Tensor &Q, const Tensor &K,
                           const Tensor &V, const Tensor &CuSeqlens,
                           const std::vector<double> &Slopes);

/// Those of softmaxAttention(), whose result was `Result`.
AttentionGradients softmaxAttentionGradient(const Tensor &Dy, const Tensor &Q,
                                            const Tensor &K, const Tensor &V,
                                            const Tensor &Result,
                                            const Tensor &CuSeqlens,
                                            double Scale);

//===----------------------------------------------------------------------===//
// Gradients of routing, experts and products
//===----------------------------------------------------------------------===//

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
