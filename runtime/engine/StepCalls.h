//===- StepCalls.h - the calls of a step ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_STEPCALLS_H
#define M1C_RUNTIME_ENGINE_STEPCALLS_H

#include "runtime/engine/PlanStep.h"
#include "runtime/session/LanguageModel.h"

namespace m1 {

/// Feeds the pieces of a step to the plan's functions. Errors are those of the
/// device; a sequence whose logits or log-probabilities are not finite has its
/// own, and does not affect others.
class StepCalls {
public:
  StepCalls(Executor &Program, LanguageModel &Model, RuleRows &Rows)
      : Program(Program), Model(Model), Rows(Rows) {}

  /// Computes the log-probabilities of prompts, as Piece::Scored says.
  absl::Status score(std::span<Piece> Pieces);
  /// Computes the rest of all pieces, and draws after those that say so:
  /// Piece::Token, LogProb and Top.
  absl::Status draw(std::span<Piece> Pieces);

  double seconds() const { return Seconds; } ///< in calls, in all
  int64_t tokens() const { return Tokens; }  ///< fed, in all

private:
  void addPiece(const Piece &P, int64_t Begin, int64_t Count);
  void addRules(const Piece &P);
  absl::Status findTopOfPrompts(std::span<Piece> Pieces);
  void takeScores(std::span<Piece> Pieces, bool AllFinite);
  void takeDraw(Piece &P, size_t Row);

  Executor &Program;
  LanguageModel &Model;
  RuleRows &Rows;
  double Seconds = 0;
  int64_t Tokens = 0;

  // The current call; members so that they are allocated once.
  RaggedBatch Given;
  Sampling How;
  std::vector<int32_t> Table, Targets, Sampled;
  std::vector<float> LogProbs, PolicyLogProbs, Logits;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_STEPCALLS_H
