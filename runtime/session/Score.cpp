//===- Score.cpp - log-probabilities of given tokens ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Score.h"

#include "runtime/session/Checks.h"
#include "runtime/session/Pieces.h"

#include <algorithm>
#include <cmath>
#include <optional>

using namespace m1;

namespace {
constexpr int64_t LogitsInMemory = int64_t(64) << 20; // bytes

int64_t tokensPerCall(const LanguageModel &Model, const ScoreOptions &Options) {
  return Options.MaxTokensPerCall > 0
             ? std::min(Options.MaxTokensPerCall, Model.maxTokens())
             : Model.maxTokens();
}

absl::Status beforeStep(const ScoreOptions &Options) {
  return Options.BeforeStep ? Options.BeforeStep() : absl::OkStatus();
}

/// The index of the first value that is not finite, or the size.
int64_t finitePrefix(std::span<const float> Values) {
  return std::find_if_not(Values.begin(), Values.end(),
                          [](float Value) { return std::isfinite(Value); }) -
         Values.begin();
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
  absl::Status Failure; // of the current one
  auto passFinished = [&]() -> absl::Status {
    while (Current < Lengths.size() &&
           static_cast<int64_t>(OfCurrent.size()) == Lengths[Current]) {
      if (Failure.ok())
        M1_RETURN_IF_ERROR(Sink(Current, OfCurrent));
      else
        M1_RETURN_IF_ERROR(Sink(Current, Failure));
      OfCurrent.clear();
      Failure = absl::OkStatus();
      ++Current;
    }
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(passFinished()); // sequences of one token
  return feedSequences(
      Lengths, tokensPerCall(Model, Options), Model.maxSequences(),
      [&](std::span<const Piece> Pieces) {
        M1_RETURN_IF_ERROR(beforeStep(Options));
        fill(Given, Pieces, Sequences);
        Targets.clear();
        for (const Piece &P : Pieces)
          for (int64_t I = 0; I < P.Count; ++I)
            Targets.push_back(Sequences[P.Sequence][P.Begin + I + 1]);
        LogProbs.resize(Targets.size());
        absl::Status Status = Model.score(Given, Targets, LogProbs);
        if (!Status.ok() && !absl::IsDataLoss(Status))
          return Status;
        const float *From = LogProbs.data();
        for (const Piece &P : Pieces) {
          if (int64_t Finite =
                  Status.ok() ? P.Count : finitePrefix({From, From + P.Count});
              Finite < P.Count && Failure.ok()) {
            const int64_t Index = P.Begin + Finite + 1;
            Failure = notFinite("score: the log-probability",
                                Sequences[P.Sequence][Index],
                                concat(" at index ", Index));
          }
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
  std::optional<size_t> Failed; // the last sequence that failed
  return feedSequences(
      Lengths, Limit, Model.maxSequences(), [&](std::span<const Piece> Pieces) {
        M1_RETURN_IF_ERROR(beforeStep(Options));
        fill(Given, Pieces, Sequences);
        Logits.resize(Given.tokens() * Model.vocabulary());
        absl::Status Status = Model.logits(Given, Logits);
        if (!Status.ok() && !absl::IsDataLoss(Status))
          return Status;
        std::span<const float> Left = Logits;
        for (const Piece &P : Pieces) {
          std::span<const float> Rows =
              Left.first(P.Count * Model.vocabulary());
          Left = Left.subspan(Rows.size());
          if (Failed == P.Sequence)
            continue;
          const int64_t Finite = Status.ok() ? Rows.size() : finitePrefix(Rows);
          if (Finite == static_cast<int64_t>(Rows.size())) {
            M1_RETURN_IF_ERROR(Sink(P.Sequence, Rows));
            continue;
          }
          Failed = P.Sequence;
          M1_RETURN_IF_ERROR(
              Sink(P.Sequence,
                   notFinite("logits: the logit", Finite % Model.vocabulary(),
                             concat(" after index ",
                                    P.Begin + Finite / Model.vocabulary()))));
        }
        if (Options.Progress)
          Options.Progress(Given.tokens());
        return absl::OkStatus();
      });
}
