//===- Score.cpp - log-probabilities of given tokens ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Score.h"

#include "runtime/session/Pieces.h"

#include <algorithm>

using namespace m1;

namespace {
constexpr int64_t LogitsInMemory = int64_t(64) << 20; // bytes

int64_t tokensPerCall(const LanguageModel &Model, const ScoreOptions &Options) {
  return Options.MaxTokensPerCall > 0
             ? std::min(Options.MaxTokensPerCall, Model.maxTokens())
             : Model.maxTokens();
}

absl::Status checkCancelled(const ScoreOptions &Options) {
  return Options.Cancelled && Options.Cancelled()
             ? absl::CancelledError("interrupted")
             : absl::OkStatus();
}

void fill(RaggedBatch &Given, std::span<const Piece> Pieces,
          std::span<const std::vector<int64_t>> Sequences) {
  Given.clear();
  for (const Piece &P : Pieces)
    Given.add(P.Slot, P.Begin,
              std::span(Sequences[P.Sequence]).subspan(P.Begin, P.Count));
}
} // namespace

absl::Status m1::score(LanguageModel &Model,
                       std::span<const std::vector<int64_t>> Sequences,
                       const ScoreOptions &Options, const LogProbSink &Sink) {
  std::vector<int64_t> Lengths;
  for (const std::vector<int64_t> &Sequence : Sequences)
    Lengths.push_back(static_cast<int64_t>(Sequence.size()) - 1);
  RaggedBatch Given;
  std::vector<int32_t> Targets;
  std::vector<float> LogProbs;
  // Pieces come in the order of sequences: one is unfinished at a time.
  size_t Current = 0;
  std::vector<float> OfCurrent;
  auto passFinished = [&]() -> absl::Status {
    while (Current < Lengths.size() &&
           static_cast<int64_t>(OfCurrent.size()) == Lengths[Current]) {
      M1_RETURN_IF_ERROR(Sink(Current, OfCurrent));
      OfCurrent.clear();
      ++Current;
    }
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(passFinished()); // sequences of one token
  return feedSequences(
      Lengths, tokensPerCall(Model, Options), Model.maxSequences(),
      [&](std::span<const Piece> Pieces) {
        M1_RETURN_IF_ERROR(checkCancelled(Options));
        fill(Given, Pieces, Sequences);
        Targets.clear();
        for (const Piece &P : Pieces)
          for (int64_t I = 0; I < P.Count; ++I)
            Targets.push_back(Sequences[P.Sequence][P.Begin + I + 1]);
        LogProbs.resize(Targets.size());
        M1_RETURN_IF_ERROR(Model.score(Given, Targets, LogProbs));
        const float *From = LogProbs.data();
        for (const Piece &P : Pieces) {
          OfCurrent.insert(OfCurrent.end(), From, From + P.Count);
          From += P.Count;
          M1_RETURN_IF_ERROR(passFinished());
        }
        if (Options.Progress)
          Options.Progress(Given.tokens());
        return absl::OkStatus();
      });
}

absl::Status m1::computeLogits(LanguageModel &Model,
                               std::span<const std::vector<int64_t>> Sequences,
                               const ScoreOptions &Options,
                               const LogitsSink &Sink) {
  std::vector<int64_t> Lengths;
  for (const std::vector<int64_t> &Sequence : Sequences)
    Lengths.push_back(Sequence.size());
  int64_t Limit = std::clamp<int64_t>(LogitsInMemory / (4 * Model.vocabulary()),
                                      1, tokensPerCall(Model, Options));
  RaggedBatch Given;
  std::vector<float> Logits;
  return feedSequences(Lengths, Limit, Model.maxSequences(),
                       [&](std::span<const Piece> Pieces) {
                         M1_RETURN_IF_ERROR(checkCancelled(Options));
                         fill(Given, Pieces, Sequences);
                         Logits.resize(Given.tokens() * Model.vocabulary());
                         M1_RETURN_IF_ERROR(Model.logits(Given, Logits));
                         const float *From = Logits.data();
                         for (const Piece &P : Pieces) {
                           M1_RETURN_IF_ERROR(Sink(P.Sequence, From, P.Count));
                           From += P.Count * Model.vocabulary();
                         }
                         if (Options.Progress)
                           Options.Progress(Given.tokens());
                         return absl::OkStatus();
                       });
}
