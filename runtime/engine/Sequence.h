//===- Sequence.h - a choice of a request -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_SEQUENCE_H
#define M1C_RUNTIME_ENGINE_SEQUENCE_H

#include "runtime/engine/PrefixCache.h"
#include "runtime/engine/RuleRows.h"

#include <map>
#include <memory>
#include <tuple>

namespace m1 {

/// The state of a sequence in host memory.
struct HostState {
  int64_t Fed = 0; ///< tokens that the model has seen
  SlotBytes Slot;
  /// Blocks of the pool that the state uses: those of its first positions.
  std::vector<int32_t> Shared;
  /// The contents of the blocks after them, one after the other.
  std::vector<std::byte> Blocks;

  int64_t bytes() const {
    return static_cast<int64_t>(Slot.size() + Blocks.size());
  }
};

/// What the mask of a request says of a choice's next token.
struct Mask {
  absl::Status Error; ///< ends the choice
  Permit What = Permit::Any;
  std::vector<uint32_t> Words; ///< if What is Listed; else of any contents
};

/// A request that has not ended, common to its choices.
struct Group {
  uint64_t Id = 0;
  Request Given;
  UpdateFunction OnUpdate;
  uint64_t Seed = 0; ///< of choice 0
  Times::Point Arrival;
  int32_t Open = 0; ///< choices that have not ended

  // Of the prompt's tokens from the second on: those that are known and have
  // not been reported; and how many are known.
  std::vector<float> PromptLogProbs;
  std::vector<TopTokens> PromptTop;
  int64_t Scored = 0;

  /// Choice 0 computes the prompt up to its last token; then the others copy
  /// its state. Those that cannot start at that time do so from `Origin`.
  bool IsForked = false;
  int64_t CachedTokens = 0; ///< of choice 0
  int32_t Unforked = 0;     ///< choices that wait for that or for `Origin`
  std::unique_ptr<HostState> Origin;
};

/// A choice of a request, from its arrival to its end.
struct Sequence {
  std::shared_ptr<Group> Of;
  int32_t Choice = 0;
  std::vector<int64_t> Tokens; ///< prompt and response
  int64_t Fed = 0;             ///< tokens that the model has seen
  int64_t Limit = 0;           ///< the most tokens, prompt and response
  bool WaitsForFork = false;   ///< takes the prompt's state from choice 0

  // While it runs.
  int32_t Slot = -1;
  std::vector<int32_t> Blocks;  ///< of its positions, in order
  std::unique_ptr<RuleRow> Row; ///< null if the request needs none
  /// After it gave way; null if it starts from its first token.
  std::unique_ptr<HostState> Saved;

  /// Ends of chunks at which others could go on, ahead of `Fed`, ascending; and
  /// the last one at which they can.
  std::vector<int64_t> Wanted;
  int64_t LastKept = 0;
  int64_t CachedTokens = 0; ///< at its first start

  /// For Request::NextMask: the mask for the token after the first MaskedAt of
  /// the response; -1: none yet.
  Mask Next;
  int64_t MaskedAt = -1;

  Forcing Closing;
  int64_t ConfidentRun = 0; ///< for Request::EarlyStopCount
  Times When;
  bool HasStarted = false;
  Update News; ///< for the end of the step

  explicit Sequence(std::shared_ptr<Group> Of)
      : Of(std::move(Of)), Closing(this->Of->Given.Force) {}

  const Request &request() const { return Of->Given; }
  int64_t size() const { return static_cast<int64_t>(Tokens.size()); }
  int64_t promptTokens() const {
    return static_cast<int64_t>(Of->Given.Prompt.size());
  }
  int64_t newTokens() const { return size() - promptTokens(); }
  /// Tokens that the model has not seen. The last one is followed by a draw.
  int64_t pending() const { return size() - Fed; }
  /// Whether the response may have any token.
  bool draws() const { return Limit > promptTokens(); }
  /// Whether the prompt's log-probabilities are wanted, of this choice.
  bool scores() const { return request().PromptLogProbs >= 0 && Choice == 0; }
  /// Positions of the prompt after which log-probabilities are known.
  int64_t scored() const { return Of->Scored; }
  /// Choice 0, as long as others wait for its state.
  bool leads() const { return Choice == 0 && request().N > 1 && !Of->IsForked; }
  /// Whether there is no mask for the next token yet, although one is needed.
  bool lacksMask() const {
    return request().NextMask && draws() && MaskedAt != newTokens();
  }
  /// Whether the mask ends the response instead of a draw.
  bool endsByMask() const {
    return request().NextMask && MaskedAt == newTokens() &&
           (!Next.Error.ok() || Next.What == Permit::End);
  }
};

/// The order in which sequences are served: by priority, then by arrival.
using SequenceKey = std::tuple<int32_t, uint64_t, int32_t>;
inline SequenceKey keyOf(const Sequence &S) {
  return {S.request().Priority, S.Of->Id, S.Choice};
}
using Sequences = std::map<SequenceKey, std::unique_ptr<Sequence>>;

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_SEQUENCE_H
