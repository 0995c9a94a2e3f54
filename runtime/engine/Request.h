//===- Request.h - what the engine is asked, and what it answers *- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REQUEST_H
#define M1C_RUNTIME_ENGINE_REQUEST_H

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace m1 {

/// How tokens are drawn. The logits of the model are changed in this order:
/// repetition penalty; logit bias, presence and frequency penalty, the masks of
/// AllowedTokens, Request::MinTokens and Request::NextMask; temperature; min_p;
/// top_k; top_p.
struct Rules {
  /// 0: the most probable token, the lowest id among equals. Finite, >= 0.
  float Temperature = 1;
  float TopP = 1;   ///< 0 < p <= 1
  int32_t TopK = 0; ///< 0: no limit. >= 0
  /// Tokens less than this times as probable as the most probable one are not
  /// drawn. 0 <= p <= 1; 0: off.
  float MinP = 0;
  /// The logit of a token that occurs in the prompt or in the response is
  /// divided by this if it is positive, and multiplied otherwise, however often
  /// it occurs. Finite, > 0; 1: off.
  float RepetitionPenalty = 1;
  /// Subtracted from the logit of a token of the response, once or as often as
  /// it occurs there. At most kMaxLogitBias in magnitude; 0: off.
  float PresencePenalty = 0, FrequencyPenalty = 0;
  /// Added to the logits of these tokens, each at most once: at most
  /// kMaxLogitBias in magnitude, or minus infinity: never drawn.
  std::vector<std::pair<int64_t, float>> LogitBias;
  /// Only these are drawn. Empty: all are.
  std::vector<int64_t> AllowedTokens;
};
inline constexpr float kMaxLogitBias = 1e4f;

/// Closes a block of the response, such as the thinking of a model, by force:
/// if the response has not closed it in its first AfterTokens tokens, the next
/// ones are `Tokens`. They count as tokens of the response, and a forced stop
/// token ends it.
struct Forced {
  int64_t AfterTokens = 0;     ///< >= 0
  std::vector<int64_t> Tokens; ///< empty: nothing is forced
  /// Where these occur one after the other, the response has closed the block;
  /// empty: `Tokens`. They are fewer if the model may close it in other ways.
  std::vector<int64_t> Closing;
};

/// What a mask says of the next token of a response.
enum class Permit : uint8_t {
  Any,    ///< nothing is banned
  Listed, ///< only tokens whose bits are 1 can be drawn
  End     ///< there is no next token: the response ends, with Stop
};

/// Called for each token of a response before it is drawn, on the engine's
/// thread, which waits for it: with the number of the choice and the tokens
/// that it has got since the last call for it, forced ones included; none at
/// its first. Says what the next one may be; for Listed, fills `Words`: the bit
/// of token t is bit t % 32 of word t / 32. `Words` have any contents before.
/// Choices are asked for independently of each other. Never called again for
/// tokens that a sequence has after it gave way to others. An error, one line,
/// ends the choice.
using MaskFunction = std::function<absl::StatusOr<Permit>(
    int32_t Choice, std::span<const int64_t> New, std::span<uint32_t> Words)>;

/// A prompt and how to continue it.
struct Request {
  std::vector<int64_t> Prompt; ///< token ids, at least one
  /// Responses to the prompt, the choices. Each is that of a request with N 1
  /// and the seed Seed + its number; the prompt is computed once. >= 1
  int32_t N = 1;
  /// Requests with a lower number come first; among equals, the earlier.
  int32_t Priority = 0;
  /// Tokens of a response, at most. A response also ends where the sequence
  /// reaches Engine::maxLength(). 0: only the prompt is computed.
  int64_t MaxTokens = 16;
  /// Stop tokens are not drawn before the response has so many tokens.
  int64_t MinTokens = 0;
  /// A response ends after any of these; it is kept at its end.
  std::vector<int64_t> StopTokens;
  bool IgnoreStop = false; ///< draw stop tokens like any other
  Rules Sampling;
  /// The draw of a token depends on this, on its position in the sequence and
  /// on its logits alone. Absent: a random one.
  std::optional<uint64_t> Seed;
  /// Log-probabilities of the response: -1: none; 0: each token's own; k: also
  /// those of the k most probable tokens. At most kMaxTopLogProbs.
  int32_t TopLogProbs = -1;
  /// The same for the tokens of the prompt, after the first. Such a request
  /// does not start from a cached prefix, whose log-probabilities are unknown.
  int32_t PromptLogProbs = -1;
  /// Log-probabilities of the response, the most probable tokens included, are
  /// those of the distribution that tokens are drawn from, before min_p, top_k
  /// and top_p: with penalties, biases and masks, at the temperature, or at 1
  /// if that is 0. Otherwise they are the model's own, at temperature 1, and no
  /// rule changes them.
  bool PolicyLogProbs = false;
  Forced Force;
  /// A mask that changes from token to token, or null. It is one more of those
  /// of Rules: a token is drawn if all permit it. If they leave none, that is
  /// an error of the choice. Forced tokens come whatever it says. Where the
  /// steps of several ranks are made from the same requests, the first one's is
  /// called; of the others', it only matters that there is one.
  MaskFunction NextMask;
  /// Start from the longest cached prefix of the prompt, and keep this
  /// sequence's for others. Changes no bit of the result.
  bool UsePrefixCache = true;
  /// A response ends after this many consecutive tokens each of probability
  /// above EarlyStopProbability (MiniMax-M1 report, section 5), with Stop. 0:
  /// never.
  int64_t EarlyStopCount = 0;
  double EarlyStopProbability = 0.99;
};
inline constexpr int32_t kMaxTopLogProbs = 1024;

enum class Finish : uint8_t {
  Stop,   ///< see Update::StopToken
  Length, ///< MaxTokens, or Engine::maxLength()
  Abort,  ///< by abort() or stop()
  Error   ///< see Update::Error
};
/// "stop", "length", "abort", "error".
const char *name(Finish Reason);

/// The most probable tokens at a position, in descending order, the lower id
/// first among equals.
struct TopTokens {
  std::vector<int32_t> Ids;
  std::vector<float> LogProbs;
};

/// When a choice has reached what; absent until then.
struct Times {
  using Point = std::chrono::steady_clock::time_point;
  Point Arrival; ///< of the request
  std::optional<Point> FirstScheduled, FirstToken, LastToken;
};

/// News about a choice. Updates of a choice arrive in order; the last one, and
/// only it, has a FinishReason.
struct Update {
  uint64_t Id = 0;
  int32_t Choice = 0;
  /// New tokens of the response, a stop token included. Empty in an update that
  /// only ends the choice, or only has PromptLogProbs.
  std::vector<int64_t> Tokens;
  /// Of each of `Tokens`; empty if Request::TopLogProbs is negative.
  std::vector<float> LogProbs;
  /// Of each of `Tokens`; empty unless Request::TopLogProbs is positive. A
  /// token need not be among the most probable ones at its position.
  std::vector<TopTokens> Top;
  /// Of the prompt's tokens from the second on, in one update of choice 0,
  /// before or with its first token; empty otherwise.
  std::vector<float> PromptLogProbs;
  std::vector<TopTokens> PromptTop;
  /// Of the prompt, that came from the prefix cache.
  int64_t CachedTokens = 0;
  std::optional<Finish> FinishReason;
  /// The stop token that ended the choice, if FinishReason is Stop; absent
  /// after an early stop.
  std::optional<int64_t> StopToken;
  absl::Status Error; ///< one line, if FinishReason is Error
  Times When;
};

/// Called on the engine's thread, which waits for it: it should only hand the
/// update over. It may call submit() and abort(), nothing else of the engine.
using UpdateFunction = std::function<void(Update &&)>;

/// What a plan can do for requests; see checkRequest().
struct Abilities {
  int64_t Vocabulary = 0;
  int64_t MaxLength = 0; ///< of a sequence: the plan's bound, or the pool's
  bool Serving = false;  ///< `next` has the inputs of a plan for serving
  bool Policy = false;   ///< ... and the result `policy_log_probs`
  bool Score = false, Logits = false; ///< has the functions
};

/// An error, one line, if the request is not well-formed or the plan cannot
/// execute it: the field, what was found and what was expected. Without
/// `Serving`, the rules are temperature, top_p and top_k; prompt
/// log-probabilities need `score`, those of the most probable tokens `logits`.
absl::Status checkRequest(const Request &Given, const Abilities &Plan);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_REQUEST_H
