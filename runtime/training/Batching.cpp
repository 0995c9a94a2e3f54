//===- Batching.cpp - sequences to micro-batches --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Batching.h"

#include <algorithm>

using namespace m1;

BatchLimits m1::batchLimitsOf(const PolicyLimits &Limits,
                              int64_t MicroBatchTokens) {
  BatchLimits Result;
  Result.Tokens = MicroBatchTokens > 0
                      ? std::min(MicroBatchTokens, Limits.TrainTokens)
                      : Limits.TrainTokens;
  Result.Sequences = Limits.TrainSequences;
  Result.Vocabulary = Limits.Vocabulary;
  Result.MaxLength = Limits.MaxLength;
  return Result;
}

namespace {
absl::Status check(const TrainingSequence &Sequence,
                   const BatchLimits &Limits) {
  auto Fail = [&](const auto &...Parts) {
    return makeError("training: sequence ", Sequence.Number, ": ", Parts...);
  };
  const auto Length = static_cast<int64_t>(Sequence.Tokens.size());
  const int64_t Response = Length - Sequence.PromptTokens;
  if (Sequence.PromptTokens < 1 || Response < 1)
    return Fail(Length, " tokens with a prompt of ", Sequence.PromptTokens,
                "; expected a prompt and at least one token after it");
  if (Length > Limits.MaxLength)
    return Fail(Length, " tokens; the plan's sequences have at most ",
                Limits.MaxLength);
  if (Length > Limits.Tokens)
    return Fail(Length, " tokens; a micro-batch has at most ", Limits.Tokens);
  if (static_cast<int64_t>(Sequence.Weights.size()) != Response)
    return Fail(Sequence.Weights.size(), " weights for a response of ",
                Response, " tokens");
  if (!Sequence.OldLogProbs.empty() &&
      static_cast<int64_t>(Sequence.OldLogProbs.size()) != Response)
    return Fail(Sequence.OldLogProbs.size(),
                " log-probabilities for a response of ", Response, " tokens");
  for (int64_t T = 0; T < Length; ++T)
    if (Sequence.Tokens[T] < 0 || Sequence.Tokens[T] >= Limits.Vocabulary)
      return Fail("token ", T, " is ", Sequence.Tokens[T], "; expected 0 to ",
                  Limits.Vocabulary - 1);
  return absl::OkStatus();
}

/// Adds a sequence at the end of the batch.
void append(MicroBatch &To, const TrainingSequence &Sequence) {
  TrainingBatch &Batch = To.Batch;
  const size_t Length = Sequence.Tokens.size();
  const auto Prompt = static_cast<size_t>(Sequence.PromptTokens);
  for (size_t T = 0; T < Length; ++T) {
    Batch.Tokens.push_back(static_cast<int32_t>(Sequence.Tokens[T]));
    const size_t Next = T + 1;
    Batch.Targets.push_back(
        Next < Length ? static_cast<int32_t>(Sequence.Tokens[Next]) : 0);
    const float Weight = Next >= Prompt && Next < Length
                             ? Sequence.Weights[Next - Prompt]
                             : 0.0F;
    const bool Counts = Weight != 0;
    Batch.Weights.push_back(Weight);
    Batch.Advantages.push_back(Counts ? static_cast<float>(Sequence.Advantage)
                                      : 0.0F);
    Batch.OldLogProbs.push_back(Counts && !Sequence.OldLogProbs.empty()
                                    ? Sequence.OldLogProbs[Next - Prompt]
                                    : 0.0F);
  }
  Batch.CuSeqlens.push_back(static_cast<int32_t>(Batch.Tokens.size()));
  To.Numbers.push_back(Sequence.Number);
}
} // namespace

absl::StatusOr<std::vector<MicroBatch>>
m1::makeMicroBatches(std::span<const TrainingSequence> Sequences,
                     const BatchLimits &Limits) {
  std::vector<const TrainingSequence *> Ordered;
  for (const TrainingSequence &Sequence : Sequences) {
    M1_RETURN_IF_ERROR(check(Sequence, Limits));
    Ordered.push_back(&Sequence);
  }
  auto NumberOf = [](const TrainingSequence *S) { return S->Number; };
  std::ranges::sort(Ordered, {}, NumberOf);
  if (auto Twice = std::ranges::adjacent_find(Ordered, {}, NumberOf);
      Twice != Ordered.end())
    return makeError("training: sequence ", (*Twice)->Number,
                     ": two sequences have this number");

  std::vector<MicroBatch> Result;
  for (const TrainingSequence *Sequence : Ordered) {
    const size_t Length = Sequence->Tokens.size();
    const bool Fits =
        !Result.empty() &&
        static_cast<int64_t>(Result.back().Batch.Tokens.size() + Length) <=
            Limits.Tokens &&
        static_cast<int64_t>(Result.back().Numbers.size()) < Limits.Sequences;
    if (!Fits) {
      Result.emplace_back();
      Result.back().Batch.CuSeqlens.push_back(0);
    }
    append(Result.back(), *Sequence);
  }
  return Result;
}

std::vector<std::pair<size_t, size_t>> m1::miniBatchRanges(size_t Count,
                                                           size_t Parts) {
  std::vector<std::pair<size_t, size_t>> Ranges;
  Parts = std::min(Parts, Count);
  size_t Begin = 0;
  for (size_t P = 0; P < Parts; ++P) {
    const size_t End = Begin + Count / Parts + (P < Count % Parts ? 1 : 0);
    Ranges.emplace_back(Begin, End);
    Begin = End;
  }
  return Ranges;
}
