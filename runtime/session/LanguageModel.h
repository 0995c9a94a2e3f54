//===- LanguageModel.h - the functions of a language model ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_LANGUAGEMODEL_H
#define M1C_RUNTIME_SESSION_LANGUAGEMODEL_H

#include "runtime/session/Executor.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace m1 {

/// A ragged batch: pieces of sequences, concatenated.
struct RaggedBatch {
  std::vector<int32_t> Tokens;       ///< [T]
  std::vector<int32_t> Positions;    ///< [T]
  std::vector<int32_t> CuSeqlens{0}; ///< [B+1]
  std::vector<int32_t> Slots;        ///< [B]
  /// [B, M] for a plan with cache blocks: which of them each sequence has.
  /// Empty: the blocks from slot · M on, if the plan has as many.
  std::vector<int32_t> Blocks;

  void clear();
  /// Appends consecutive tokens of the sequence in `Slot`, the first at
  /// position `Begin`. Position 0 starts a new sequence in the slot. `Row` [M]
  /// is the sequence's row of `Blocks`; if one sequence of a batch has a row,
  /// all have.
  void add(int32_t Slot, int64_t Begin, std::span<const int64_t> Piece,
           std::span<const int32_t> Row = {});
  int64_t tokens() const { return Tokens.size(); }
};

/// Sampling parameters per sequence of a batch; see m1.sample.
struct Sampling {
  std::vector<float> Temperature, TopP; ///< [B]
  std::vector<int32_t> TopK;            ///< [B]
  std::vector<int64_t> Seeds;           ///< [B]
  std::vector<int32_t> Positions;       ///< [B], of the tokens to be drawn
  // For plans for serving (m1c --serve); others cannot use them.
  std::vector<float> MinP;          ///< [B]; 0: off
  std::vector<int32_t> Adjustments; ///< [B]: a row of the following, -1: none
  /// How logits are adjusted, [N, V] each: one above 0 is divided by
  /// `Repetition`, another multiplied, then `Bias` is added. Empty if no
  /// sequence has a row.
  std::span<const float> Bias, Repetition;

  void clear();
  void add(float RowTemperature, float RowTopP, int32_t RowTopK, int64_t Seed,
           int32_t Position, float RowMinP = 0, int32_t Adjustment = -1);
};

/// Where a call of `next` puts its results. Empty: not wanted.
struct NextResults {
  std::span<int32_t> Sampled; ///< [B]
  std::span<float> LogProbs;  ///< [B], at temperature 1, of the model's logits
  /// [B], of the adjusted logits, at the temperature of the draw; of plans for
  /// training or serving.
  std::span<float> PolicyLogProbs;
  std::span<float> Logits; ///< [B, V], of the model
};

/// A plan's functions `next`, `score` and `logits`; their tensors are found by
/// name.
class LanguageModel {
public:
  /// An error if the plan is not a language model's. A missing function is
  /// reported when it is called.
  static absl::StatusOr<std::unique_ptr<LanguageModel>>
  create(Executor &Program);

  Executor &program() const { return Program; }
  int64_t vocabulary() const { return Vocabulary; }
  int64_t maxLength() const { return MaxLength; }
  /// Maximum number of tokens per call.
  int64_t maxTokens() const { return MaxTokens; }
  /// Maximum number of sequences at a time.
  int64_t maxSequences() const { return MaxSequences; }
  /// Blocks that hold keys and values: their number N, the positions P in a
  /// block, and the blocks M of a sequence of maxLength(). All 0 if the plan
  /// has no such blocks: every slot then has memory for a sequence of
  /// maxLength().
  int64_t cacheBlocks() const { return CacheBlocks; }
  int64_t blockPositions() const { return BlockPositions; }
  int64_t blocksPerSequence() const { return BlocksPerSequence; }
  /// Positions in a chunk: the state that a slot has after p tokens serves any
  /// sequence with the same tokens that goes on at the last end of a chunk, or
  /// between there and p.
  int64_t chunkPositions() const { return ChunkPositions; }
  /// The table [B, M] in which each of `Of` has blocks of its own. An error if
  /// the plan has too few of them. Valid until the next call.
  absl::StatusOr<std::span<const int32_t>>
  blocksOfSlots(std::span<const int32_t> Of);

  /// Feeds the batch and samples one token after each piece. `Sampled` and
  /// `LogProbs` [B]: the tokens and their log-probabilities, at temperature 1
  /// or, `AtTemperature`, at that of the draw, which plans for training know.
  /// The function's third result, the logits [B, V], stays on the device. A
  /// logit that is NaN or plus infinity is a "data loss" error: `Sampled` then
  /// has -1 - t for the sequence, where t is a token with such a logit, and
  /// what belongs to other sequences is valid.
  absl::Status next(const RaggedBatch &Given, const Sampling &How,
                    std::span<int32_t> Sampled, std::span<float> LogProbs,
                    bool AtTemperature = false);
  /// The same with all results of the function.
  absl::Status next(const RaggedBatch &Given, const Sampling &How,
                    const NextResults &Results);
  /// Whether `next` takes Sampling::MinP and what follows it; and whether it
  /// has NextResults::PolicyLogProbs.
  bool adjustsLogits() const { return Next && Next->has(Bias); }
  bool hasPolicyLogProbs() const {
    return Next && Next->has(PolicyLogProbsOut);
  }
  bool hasNext() const { return Next.has_value(); }
  bool hasScore() const { return Score.has_value(); }
  bool hasLogits() const { return Logits.has_value(); }
  /// Feeds the batch; LogProbs[t] is the log-probability of Targets[t] after
  /// the tokens up to t. Both [T]. Non-finite values are a "data loss" error:
  /// those of other sequences are valid.
  absl::Status score(const RaggedBatch &Given, std::span<const int32_t> Targets,
                     std::span<float> LogProbs);
  /// Feeds the batch; `Logits` [T, V]. Non-finite values are a "data loss"
  /// error, as for `score`.
  absl::Status logits(const RaggedBatch &Given, std::span<float> Logits);

private:
  /// All tensors that the functions may have.
  enum Field : uint8_t {
    Tokens,
    Positions,
    CuSeqlens,
    Slots,
    Blocks,
    Temperature,
    TopP,
    TopK,
    Seeds,
    SamplePositions,
    MinP,
    Adjustments,
    Bias,
    Repetition,
    Targets,
    SampledOut,
    LogProbsOut,
    LogitsOut,
    PolicyLogProbsOut,
    FieldCount
  };
  /// A function with its tensors in order. Outputs that are not set stay
  /// without data and are not returned.
  struct Entry {
    uint32_t Function;
    std::vector<Field> InputFields, OutputFields;
    std::vector<HostTensor> Inputs, Outputs;

    void set(Field Which, const void *Data, ElementType Type,
             std::initializer_list<int64_t> Shape);
    void set(Field Which, std::span<const int32_t> Values);
    void set(Field Which, std::span<const int64_t> Values);
    void set(Field Which, std::span<const float> Values);
    bool has(Field Which) const;
  };

  explicit LanguageModel(Executor &Program) : Program(Program) {}
  absl::Status bind(std::string_view Name, std::optional<Entry> &Result);
  absl::Status bindBlocks(std::string_view Function, const plan::Tensor &Input);
  absl::Status missing(const char *Name) const;
  absl::Status setAdjustments(const Sampling &How);
  absl::Status set(Entry &Callee, const RaggedBatch &Given);
  absl::StatusOr<std::span<const int32_t>> blocksOf(const RaggedBatch &Given);
  absl::Status invoke(const Entry &Callee);

  Executor &Program;
  int64_t Vocabulary = 0, MaxLength = 0, MaxTokens = 0, MaxSequences = 0;
  int64_t CacheBlocks = 0, BlockPositions = 0, BlocksPerSequence = 0;
  int64_t ChunkPositions = 0;
  std::vector<float> NoBias, NoRepetition; ///< [1, V], of a batch without rows
  std::vector<int32_t> OwnBlocks;          ///< of a batch without `Blocks`
  std::optional<Entry> Next, Score, Logits;
};

/// A plan's bounds on token ids and sequences; an error if the plan is not a
/// language model's.
absl::StatusOr<const plan::Model *> languageModelOf(const LoadedPlan &Plan);

/// Checks token ids against the vocabulary and 1 <= length <= max_length;
/// errors begin with `Where`.
absl::Status checkTokens(const plan::Model &Model,
                         std::span<const int64_t> Tokens,
                         const std::string &Where);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_LANGUAGEMODEL_H
