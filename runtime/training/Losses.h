//===- Losses.h - bounds, weights and values of losses ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_LOSSES_H
#define M1C_RUNTIME_TRAINING_LOSSES_H

#include "runtime/training/Policy.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace m1 {

// With r = exp(log-prob - old log-prob), A the response's advantage and w the
// token's weight:
enum class LossType : uint8_t {
  Cispo,       ///< -clip(r, RatioMin, RatioMax) A log-prob w; clip is constant
  Grpo,        ///< -min(r A, clip(r, RatioMin, RatioMax) A) w, as PPO's
  Dapo,        ///< as Grpo; its weights differ
  DrGrpo,      ///< as Grpo; its weights differ
  CrossEntropy ///< -log-prob w
};

/// What the weights of an update's tokens are. n_i is the number of tokens of
/// response i that are not masked, N their sum, S the number of responses with
/// n_i > 0.
enum class LossNormalization : uint8_t {
  Token,           ///< 1 / N
  Sequence,        ///< 1 / (S n_i)
  SampleThenToken, ///< (1 / N + 1 / (S n_i)) / 2
  Constant         ///< 1 / (C times the number of all responses)
};

struct LossSettings {
  LossType Type = LossType::Cispo;
  /// Of Cispo the bounds of the clipped ratio, of the PPO-like losses 1 -
  /// epsilon and 1 + epsilon_high.
  double RatioMin = 0, RatioMax = 5;
  /// Of Cispo, the bounds of equations 6 and 7 of the MiniMax-M1 report: a
  /// token is masked where A > 0 and r > MaskAbove, or A < 0 and r < MaskBelow.
  std::optional<double> MaskBelow, MaskAbove;
  LossNormalization Normalization = LossNormalization::Token;
  double Constant = 1; ///< C
  bool MaskTruncated = false;
};

/// What the policy computes gradients with. The gradient of min(r A, clip(r) A)
/// in the log-probability is r A or, where the clipped product is the smaller,
/// 0: the ratio without bounds, and a mask.
LossBounds boundsOf(const LossSettings &Settings);

/// The response of a sequence in an update.
struct ResponseInfo {
  int64_t Tokens = 0;     ///< of the response, the stop token included
  bool Truncated = false; ///< it ended by a limit
  bool Masked = false;    ///< it is left out, for example without a reward
  /// Empty: no token is masked. Otherwise, for each token of the response,
  /// whether it counts.
  std::vector<bool> Counts;
};

/// The weights of the tokens of all responses of an update, each [Tokens]: 0
/// for masked tokens, and all 0 if every token is masked. They do not depend on
/// micro-batches.
std::vector<std::vector<float>>
tokenWeights(std::span<const ResponseInfo> Responses,
             const LossSettings &Settings);

/// The loss and figures of an update, in f64. Tokens of weight 0 are left out,
/// whatever their values are.
struct LossTotals {
  double Loss = 0;
  int64_t Tokens = 0;
  double EntropySum = 0;
  /// Of r - 1 - log r, which is nowhere negative: its mean estimates the KL
  /// divergence of the policy from the one that sampled.
  double KlSum = 0;
  double RatioSum = 0;
  double RatioMin = std::numeric_limits<double>::infinity();
  double RatioMax = -std::numeric_limits<double>::infinity();
  /// Tokens of positive advantage whose ratio is above the upper bound, and of
  /// negative advantage below the lower: without gradient in PPO-like losses.
  int64_t ClippedHigh = 0, ClippedLow = 0;
  /// Tokens whose ratio is outside the bounds.
  int64_t RatioClipped = 0;
  /// Tokens whose gradient the mask of the unified form removed.
  int64_t Masked = 0;
  /// Of |log-prob - old log-prob|.
  double DifferenceSum = 0, DifferenceMax = 0;
  /// Of -log-prob; its mean's exponential is the perplexity.
  double NegativeLogProbSum = 0;

  /// Adds the tokens of a call of Policy::addGradients.
  void add(const TrainingBatch &Batch, const TokenResults &Results,
           const LossSettings &Settings);
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_LOSSES_H
