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
/// dy [T, D], experts and weights [T, K], gate and up [T, K, F]
ExpertsGradient expertsGradient(const Tensor &Dy, const Tensor &Experts,
                                const Tensor &Weights, const Tensor &Gate,
                                const Tensor &Up, const ExpertWeights &Of);
/// left [T, N] or [T, J, N], right [T, K] or [T, J, K], experts [T, J],
/// to [E, N, K]
void expertsWeightGradient(const Tensor &Left, const Tensor &Right,
                           const Tensor &Experts, Tensor &To);

//===----------------------------------------------------------------------===//
// Gradients of ops on rows
//===----------------------------------------------------------------------===//

/// dy [T, D], tokens [T], to [V, D]
void embeddingGradient(const Tensor &Dy, const Tensor &Tokens, Tensor &To);
/// dy and x [T, N], weight [N] -> [T, N]
Tensor rmsNormGradient(const Tensor &Dy, const Tensor &X, const Tensor &Weight,
                       double Eps);
/// dy and x [T, N], to [N]
void rmsNormWeightGradient(const Tensor &Dy, const Tensor &X, double Eps,
                           Tensor &To);
/// Elementwise, any shape.
Tensor scale(const Tensor &X, double Factor);
Tensor siluGradient(const Tensor &Dy, const Tensor &X);
Tensor sigmoidGateGradient(const Tensor &Dy, const Tensor &X,
                           const Tensor &Gate);
Tensor siluMulGradient(const Tensor &Dy, const Tensor &A, const Tensor &B);
/// dy, moe and shared [T, D], coefficient [T, 1] -> the gradients of the three
std::array<Tensor, 3> sharedMixGradient(const Tensor &Dy, const Tensor &Moe,
                                        const Tensor &Shared,
                                        const Tensor &Coefficient);
/// q, k and v [T, H, d] -> [T, 3Hd]
Tensor mergeQKV(const Tensor &Q, const Tensor &K, const Tensor &V);

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

double squaredSum(const Tensor &Of);

/// A norm, the factor that clips it, and whether the step is made.
struct ClippedNorm {
  double Norm = 0.0, Scale = 0.0;
  bool Applied = false;
};
ClippedNorm clipNorm(const std::vector<double> &Sums, double MaxNorm,
                     bool Enabled);

/// What AdamW updates, four tensors of one shape.
struct AdamWStates {
  Tensor &Master, &First, &Second, &Gradient;
};
/// The numbers of one step that all parameters share.
struct AdamWHyperparameters {
  double Beta1, Beta2, Epsilon, Correction1, Correction2;
};
void adamW(AdamWStates Of, double Scale, bool Applied, double LearningRate,
           double WeightDecay, const AdamWHyperparameters &With);

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_TRAININGOPERATIONS_H
