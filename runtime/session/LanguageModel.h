//===- LanguageModel.h - the functions of a language model ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_SESSION_LANGUAGEMODEL_H
#define M1_RUNTIME_SESSION_LANGUAGEMODEL_H

#include "runtime/session/Executor.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace m1 {

/// A ragged batch: pieces of sequences laid end to end.
struct RaggedBatch {
  std::vector<int32_t> Tokens;       ///< [T]
  std::vector<int32_t> Positions;    ///< [T]
  std::vector<int32_t> CuSeqlens{0}; ///< [B+1]
  std::vector<int32_t> Slots;        ///< [B]

  void clear();
  /// Adds consecutive tokens of the sequence in `Slot`, the first at position
  /// `Begin` of it. Position 0 starts the sequence in that slot anew.
  void add(int32_t Slot, int64_t Begin, std::span<const int64_t> Piece);
  int64_t tokens() const { return Tokens.size(); }
  int64_t sequences() const { return Slots.size(); }
};

/// How the next token of each sequence of a batch is drawn; see m1.sample.
struct Sampling {
  std::vector<float> Temperature, TopP; ///< [B]
  std::vector<int32_t> TopK;            ///< [B]
  std::vector<int64_t> Seeds;           ///< [B]
  std::vector<int32_t> Positions;       ///< [B], of the tokens to be drawn

  void clear();
  void add(float RowTemperature, float RowTopP, int32_t RowTopK, int64_t Seed,
           int32_t Position);
};

/// A plan's functions `next`, `score` and `logits`, with their inputs found by
/// name.
class LanguageModel {
public:
  /// An error where the plan is not a language model's. Functions that it lacks
  /// are reported when they are called.
  static absl::StatusOr<std::unique_ptr<LanguageModel>>
  create(Executor &Program);

  int64_t vocabulary() const { return Vocabulary; }
  int64_t maxLength() const { return MaxLength; }
  /// Tokens that one call takes at most.
  int64_t maxTokens() const { return MaxTokens; }
  /// Sequences that can be under way at once.
  int64_t maxSequences() const { return MaxSequences; }

  /// Feeds the batch and draws one token after each piece. `Sampled` and
  /// `LogProbs` [B]: the tokens and their log-probabilities at temperature 1.
  /// The function's third result, the logits [B, V], stays on the device.
  absl::Status next(const RaggedBatch &Given, const Sampling &How,
                    std::span<int32_t> Sampled, std::span<float> LogProbs);
  /// Feeds the batch; LogProbs[t] is that of Targets[t] after the tokens up to
  /// t. Both [T]. One that is no finite number is an error, as it is in `next`.
  absl::Status score(const RaggedBatch &Given, std::span<const int32_t> Targets,
                     std::span<float> LogProbs);
  /// Feeds the batch; `Logits` [T, V]. One that is no finite number is an
  /// error.
  absl::Status logits(const RaggedBatch &Given, std::span<float> Logits);

private:
  /// Every tensor that one of the functions may have.
  enum Field : uint8_t {
    Tokens,
    Positions,
    CuSeqlens,
    Slots,
    Temperature,
    TopP,
    TopK,
    Seeds,
    SamplePositions,
    Targets,
    SampledOut,
    LogProbsOut,
    LogitsOut,
    FieldCount
  };
  /// One of the functions, with its tensors in order. Those that no caller
  /// gives stay without data.
  struct Entry {
    uint32_t Function;
    std::vector<Field> InputFields, OutputFields;
    std::vector<HostTensor> Inputs, Outputs;

    void set(Field Which, const void *Data, ElementType Type,
             std::initializer_list<int64_t> Shape);
    void set(Field Which, std::span<const int32_t> Values);
    void set(Field Which, std::span<const int64_t> Values);
    void set(Field Which, std::span<const float> Values);
    void set(const RaggedBatch &Given);
  };

  explicit LanguageModel(Executor &Program) : Program(Program) {}
  absl::Status bind(std::string_view Name, std::optional<Entry> &Result);
  absl::Status missing(const char *Name) const;
  absl::Status invoke(const Entry &Callee);

  Executor &Program;
  int64_t Vocabulary = 0, MaxLength = 0, MaxTokens = 0, MaxSequences = 0;
  std::optional<Entry> Next, Score, Logits;
};

/// Checks token ids against the vocabulary and the sequence's length against
/// 1 <= length <= max_length; errors begin with `Where`.
absl::Status checkTokens(const LanguageModel &Model,
                         std::span<const int64_t> Tokens,
                         const std::string &Where);

} // namespace m1

#endif // M1_RUNTIME_SESSION_LANGUAGEMODEL_H
