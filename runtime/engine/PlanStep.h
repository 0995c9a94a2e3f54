//===- PlanStep.h - which tokens a step computes ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_PLANSTEP_H
#define M1C_RUNTIME_ENGINE_PLANSTEP_H

#include "runtime/engine/Sequence.h"

namespace m1 {

/// Tokens of a sequence that a step computes, from Sequence::Fed on.
struct Piece {
  Sequence *S = nullptr;
  int64_t Count = 0;
  /// How many of them, the first ones, go to `score`; the others to `next`.
  int64_t Scored = 0;
  /// Whether the last token is the sequence's: a draw follows it.
  bool Draws = false;

  // What came of the draw.
  int32_t Token = 0;
  float LogProb = 0;
  TopTokens Top;
};

struct StepBounds {
  int64_t Tokens = 0; ///< of all pieces; at least the number of sequences
  /// Rows of logits that leave the device for the prompts' most probable
  /// tokens; >= 1
  int64_t PromptLogits = 0;
  int64_t Chunk = 64; ///< the unit of states that are kept
  /// After so many others, a token takes twice the operations of a prompt's
  /// first ones: attention to those before it takes the rest. 0: all tokens
  /// take the same.
  int64_t DoublingContext = 0;
};

/// Chooses pieces for running sequences. Those with one token left, which
/// decode, come first. What remains of the bound goes to prompts, by priority;
/// those of the same priority share it evenly, so that a short prompt does not
/// wait for a long one. A sequence without a piece has to wait for a step.
///
/// While others decode, a prompt's token after C others counts as
/// 1 + C / DoublingContext tokens, so that their next tokens do not come later
/// and later while a long prompt is computed.
std::vector<Piece> planStep(const Sequences &Running, const StepBounds &Bounds);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_PLANSTEP_H
