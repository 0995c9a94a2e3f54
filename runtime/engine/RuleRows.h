//===- RuleRows.h - rules that change logits --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_RULEROWS_H
#define M1C_RUNTIME_ENGINE_RULEROWS_H

#include "runtime/engine/Request.h"

#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace m1 {

/// The inputs `bias` and `repetition` of the function `next`, [N, V] each, with
/// a row for each running sequence whose rules need one. N grows with the
/// number of rows in use.
class RuleRows {
public:
  explicit RuleRows(int64_t Vocabulary) : Vocabulary(Vocabulary) {}

  /// The lowest row that is not in use; it has any contents.
  int32_t take();
  void giveBack(int32_t Row) { Taken[Row] = false; }
  /// A row, [V], until another one is taken.
  std::span<float> bias(int32_t Row) { return rowOf(Biases, Row); }
  std::span<float> repetition(int32_t Row) { return rowOf(Repetitions, Row); }

  /// The number of rows to pass, at least 1; and their memory, [N, V].
  int64_t count() const;
  std::span<const float> biases();
  std::span<const float> repetitions();

private:
  std::span<float> rowOf(std::vector<float> &Matrix, int32_t Row) {
    return std::span(Matrix).subspan(Row * Vocabulary, Vocabulary);
  }
  void grow(int64_t Rows);

  const int64_t Vocabulary;
  std::vector<bool> Taken;
  std::vector<float> Biases, Repetitions;
};

/// The 32-bit words of a mask with a bit for each token.
constexpr int64_t maskWords(int64_t Vocabulary) {
  return (Vocabulary + 31) / 32;
}

/// What the rules of one response do to the logits of tokens: the repetition
/// penalty divides or multiplies each, then a bias is added. Both depend on the
/// request, its mask and the tokens of the sequence alone, so that a row can be
/// made anew at any time. A new token changes one element, a new mask those
/// whose words it changes.
class RuleRow {
public:
  /// Whether a request needs a row.
  static bool isNeededBy(const Request &Given);

  /// Takes a row of `Rows` and fills it for the prompt and the response so far.
  /// `Rows` and `Given` must outlive this.
  RuleRow(RuleRows &Rows, const Request &Given,
          std::span<const int64_t> Response);
  ~RuleRow() { Rows.giveBack(Row); }
  RuleRow(const RuleRow &) = delete;
  RuleRow &operator=(const RuleRow &) = delete;

  int32_t number() const { return Row; }
  /// The response has another token.
  void append(int64_t Token);
  /// Only this token can be drawn next; undone by append().
  void force(int64_t Token);
  /// Only tokens whose bits in `Words` are 1 can be drawn, if Permit says so;
  /// until the next call. Only for requests with a NextMask.
  void mask(Permit What, std::span<const uint32_t> Words);
  /// Whether the rules and the mask leave any token to draw. Only for requests
  /// with a NextMask.
  bool leavesAny() const { return Left > 0; }

private:
  /// The bias of a token at this point of the response, but for the mask.
  float biasOf(int64_t Token) const;
  void update(int64_t Token);
  void setWord(int64_t Index, uint32_t Bits);

  RuleRows &Rows;
  const Request &Given;
  const int32_t Row;
  std::unordered_map<int64_t, float> Added; ///< LogitBias
  /// AllowedTokens; and the stop tokens that MinTokens masks.
  std::unordered_set<int64_t> Allowed, Stops;
  std::unordered_map<int64_t, int64_t> Counts; ///< in the response
  int64_t Length = 0;                          ///< of the response
  std::optional<int64_t> ForcedToken;

  // With a mask; else empty.
  std::vector<float> Unmasked; ///< the row without the mask, [V]
  std::vector<uint32_t> Words; ///< the mask
  int64_t Left = 0;            ///< tokens that can be drawn
};

/// Looks for a sequence of tokens in a response.
class Search {
public:
  /// `Pattern` must outlive this. The response is empty.
  explicit Search(const std::vector<int64_t> &Pattern) : Pattern(Pattern) {}

  void append(int64_t Token);
  /// How many tokens of the pattern, from the first on, are at the response's
  /// end; all of them once the pattern has occurred.
  size_t matched() const { return Matched; }
  bool hasOccurred() const {
    return Matched == Pattern.size() && !Pattern.empty();
  }

private:
  const std::vector<int64_t> &Pattern;
  size_t Matched = 0;
};

/// Follows a response to see when Request::Force applies.
class Forcing {
public:
  /// `How` must outlive this. The response is empty.
  explicit Forcing(const Forced &How)
      : How(How), Tokens(How.Tokens),
        Closing(How.Closing.empty() ? How.Tokens : How.Closing) {}

  void append(int64_t Token);
  /// The token that has to come next, if any.
  std::optional<int64_t> next() const;

private:
  const Forced &How;
  int64_t Length = 0; ///< of the response
  Search Tokens, Closing;
  bool IsForced = false; ///< the budget was reached with the block open
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_RULEROWS_H
