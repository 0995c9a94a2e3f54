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
  /// Called before each call; true stops with a "cancelled" error.
  std::function<bool()> Cancelled;
  /// Called after each call with the number of tokens fed.
  std::function<void(int64_t)> Progress;
};

/// Receives a sequence's log-probabilities: LogProbs[t] is that of token t + 1
/// after the tokens before it, [length - 1].
using LogProbSink = std::function<absl::Status(
    size_t Sequence, std::span<const float> LogProbs)>;

/// Passes the log-probabilities of each sequence to `Sink` when it is finished,
/// in order; only those of unfinished sequences are in memory. An error from
/// `Sink` ends the run.
absl::Status score(LanguageModel &Model,
                   std::span<const std::vector<int64_t>> Sequences,
                   const ScoreOptions &Options, const LogProbSink &Sink);

/// Receives the next `Rows` rows of a sequence's logits, [Rows, V].
using LogitsSink = std::function<absl::Status(
    size_t Sequence, const float *Logits, int64_t Rows)>;

/// Passes the logits after every token to `Sink`, about 64 MiB at a time.
absl::Status computeLogits(LanguageModel &Model,
                           std::span<const std::vector<int64_t>> Sequences,
                           const ScoreOptions &Options, const LogitsSink &Sink);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_SCORE_H
