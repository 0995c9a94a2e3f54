//===- Batching.h - sequences to micro-batches ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_BATCHING_H
#define M1C_RUNTIME_TRAINING_BATCHING_H

#include "runtime/support/Error.h"
#include "runtime/training/Policy.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace m1 {

/// A prompt and its response, ready to be trained on. The lengths say what is
/// prompt and response, never the values of tokens: a response may end in a
/// token that is used as padding elsewhere.
struct TrainingSequence {
  /// Its number in the update. Gradients are summed in the order of numbers.
  int64_t Number = 0;
  std::vector<int64_t> Tokens; ///< prompt and response
  int64_t PromptTokens = 0;    ///< at least 1
  double Advantage = 1;
  /// Of the response's tokens. Old log-probabilities may be left out, for a
  /// loss that does not use them.
  std::vector<float> OldLogProbs, Weights;
};

struct BatchLimits {
  int64_t Tokens = 0, Sequences = 0; ///< of a micro-batch
  int64_t Vocabulary = 0;
  int64_t MaxLength = 0; ///< tokens of a sequence
};
/// What a policy can take, with at most `MicroBatchTokens` tokens (0: as many
/// as it can take).
BatchLimits batchLimitsOf(const PolicyLimits &Limits, int64_t MicroBatchTokens);

struct MicroBatch {
  TrainingBatch Batch;
  /// The numbers of its sequences, in order.
  std::vector<int64_t> Numbers;
};

/// Cuts sequences into micro-batches: in the order of their numbers, each as
/// many as the limits allow. Values at tokens of weight 0 become 0.
///
/// Errors name the sequence: one that is longer than a micro-batch or than
/// MaxLength, has no prompt or no token after it, a token outside the
/// vocabulary, or log-probabilities or weights that are not one for each token
/// of its response; a number that is used twice.
absl::StatusOr<std::vector<MicroBatch>>
makeMicroBatches(std::span<const TrainingSequence> Sequences,
                 const BatchLimits &Limits);

/// Divides `Count` responses into the mini-batches of `Parts` updates: begin
/// and end of each, consecutive and as equal as possible, larger ones first.
/// No part is empty: there are fewer than `Parts` if `Count` is less.
std::vector<std::pair<size_t, size_t>> miniBatchRanges(size_t Count,
                                                       size_t Parts);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_BATCHING_H
