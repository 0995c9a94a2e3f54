//===- Balance.h - the auxiliary loss of routers ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_BALANCE_H
#define M1C_RUNTIME_TRAINING_BALANCE_H

#include <cstdint>
#include <span>
#include <vector>

namespace m1 {

// The auxiliary loss of an update is α E Σ_e f_e P_e, pooled over all layers
// and all tokens together: f_e is the number of choices of expert e divided by
// tokens times layers, summed over the K choices of a token, and P_e the mean
// of its probability in the routers' softmax over all E experts. f_e is a
// constant of the loss, so the counts of the whole update are needed before its
// first gradient.

/// α E f_e / (Tokens * layers) for each expert e, from `Counts`, [layers *
/// Experts]: what Policy::addGradients takes, which sums it times the
/// probabilities over tokens and layers. Zeros if there are no tokens.
std::vector<float> balanceCoefficients(std::span<const int64_t> Counts,
                                       int64_t Experts, int64_t Tokens,
                                       double Alpha);

/// The auxiliary loss from its tokens' parts (TokenResults::Balance), summed in
/// f64; call it for each micro-batch and add.
double balanceLoss(std::span<const float> TokenParts);

/// How unequally tokens are divided, from `Counts`, [layers * Experts].
struct ExpertLoad {
  /// The largest number of choices of one expert in one layer, divided by the
  /// mean of the layer: 1 is balanced. 0 without choices.
  double Max = 0;
  /// The share of the experts of all layers that nothing was sent to.
  double Unused = 0;
};
ExpertLoad expertLoadOf(std::span<const int64_t> Counts, int64_t Experts);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_BALANCE_H
