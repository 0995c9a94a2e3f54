//===- Score.h - log-probabilities of given tokens --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_SCORE_H
#define M1C_RUNTIME_SESSION_SCORE_H

#include "runtime/session/LanguageModel.h"

#include <functional>

namespace m1 {

struct ScoreOptions {
  int64_t MaxTokensPerCall = 0; ///< 0: the plan's maximum
  /// Called before each call; an error from it ends the run.
  std::function<absl::Status()> BeforeStep;
  /// Called after each call with the number of tokens fed.
  std::function<void(int64_t)> Progress;
};

/// Receives a sequence's log-probabilities: LogProbs[t] is that of token t + 1
/// after the tokens before it, [length - 1]; or the error of a sequence of
/// which one is not finite, which does not affect the others.
using LogProbSink = std::function<absl::Status(
    size_t Sequence, absl::StatusOr<std::span<const float>> LogProbs)>;

/// Passes the log-probabilities of each sequence to `Sink` when it is finished,
/// in order; only those of unfinished sequences are in memory. An error from
/// `Sink` ends the run.
absl::Status score(LanguageModel &Model,
                   std::span<const std::vector<int64_t>> Sequences,
                   const ScoreOptions &Options, const LogProbSink &Sink);

/// Receives the next rows of a sequence's logits, [rows, V]; or the error of a
/// sequence of which one is not finite, and then no more of it.
using LogitsSink = std::function<absl::Status(
    size_t Sequence, absl::StatusOr<std::span<const float>> Logits)>;

/// Passes the logits after every token to `Sink`, about 64 MiB at a time.
absl::Status computeLogits(LanguageModel &Model,
                           std::span<const std::vector<int64_t>> Sequences,
                           const ScoreOptions &Options, const LogitsSink &Sink);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_SCORE_H
