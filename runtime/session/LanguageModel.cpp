//===- LanguageModel.cpp - the functions of a language model --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/LanguageModel.h"

#include "runtime/session/Checks.h"

#include <algorithm>
#include <cmath>

using namespace m1;

void RaggedBatch::clear() {
  Tokens.clear();
  Positions.clear();
  CuSeqlens.assign(1, 0);
  Slots.clear();
  Blocks.clear();
}

void RaggedBatch::add(int32_t Slot, int64_t Begin,
                      std::span<const int64_t> Piece,
                      std::span<const int32_t> Row) {
  for (size_t I = 0; I < Piece.size(); ++I) {
    Tokens.push_back(static_cast<int32_t>(Piece[I]));
    Positions.push_back(static_cast<int32_t>(Begin + I));
  }
  CuSeqlens.push_back(static_cast<int32_t>(Tokens.size()));
  Slots.push_back(Slot);
  Blocks.insert(Blocks.end(), Row.begin(), Row.end());
}

void Sampling::clear() {
  Temperature.clear();
  TopP.clear();
  TopK.clear();
  Seeds.clear();
  Positions.clear();
  MinP.clear();
  Adjustments.clear();
  Bias = Repetition = {};
}

void Sampling::add(float RowTemperature, float RowTopP, int32_t RowTopK,
                   int64_t Seed, int32_t Position, float RowMinP,
                   int32_t Adjustment) {
  Temperature.push_back(RowTemperature);
  TopP.push_back(RowTopP);
  TopK.push_back(RowTopK);
  Seeds.push_back(Seed);
  Positions.push_back(Position);
  MinP.push_back(RowMinP);
  Adjustments.push_back(Adjustment);
}

namespace {
constexpr std::string_view FieldNames[] = {
    "tokens",    "positions",        "cu_seqlens",      "slots",
    "blocks",    "temperature",      "top_p",           "top_k",
    "seeds",     "sample_positions", "min_p",           "adjustments",
    "bias",      "repetition",       "targets",         "sampled",
    "log_probs", "logits",           "policy_log_probs"};
} // namespace

absl::StatusOr<const plan::Model *>
m1::languageModelOf(const LoadedPlan &Plan) {
  if (const plan::Model *Model = Plan->model())
    return Model;
  return makeError(Plan.name(), ": not a language model's plan; run its "
                                "functions with m1run call");
}

absl::StatusOr<std::unique_ptr<LanguageModel>>
LanguageModel::create(Executor &Program) {
  std::unique_ptr<LanguageModel> Result(new LanguageModel(Program));
  M1_ASSIGN_OR_RETURN(const plan::Model *Model,
                      languageModelOf(Program.plan()));
  Result->Vocabulary = Model->vocabulary();
  Result->MaxLength = Model->max_length();
  Result->MaxSequences = Model->slots();
  Result->MaxTokens = INT32_MAX;
  Result->CacheBlocks = Model->cache_blocks();
  Result->BlockPositions = Model->block_positions();
  Result->ChunkPositions = Model->chunk();
  M1_RETURN_IF_ERROR(Result->bind("next", Result->Next));
  M1_RETURN_IF_ERROR(Result->bind("score", Result->Score));
  M1_RETURN_IF_ERROR(Result->bind("logits", Result->Logits));
  if (!Result->Next && !Result->Score && !Result->Logits)
    return makeError(Program.plan().name(),
                     ": has none of the functions next, score and logits");
  Result->MaxSequences = std::min(Result->MaxSequences, Result->MaxTokens);
  return Result;
}

absl::Status LanguageModel::bind(std::string_view Name,
                                 std::optional<Entry> &Result) {
  const plan::Function *Function = Program.plan().function(Name);
  if (!Function)
    return absl::OkStatus();
  const std::string &Where = Program.plan().name();
  Entry E;
  M1_ASSIGN_OR_RETURN(E.Function, Program.find(Name));
  constexpr uint64_t ServingInputs =
      1u << MinP | 1u << Adjustments | 1u << Bias | 1u << Repetition;
  // What a call sets; other tensors would have no memory.
  uint64_t Inputs = 1u << Tokens | 1u << Positions | 1u << CuSeqlens |
                    1u << Slots | (CacheBlocks ? 1u << Blocks : 0),
           Outputs = 1u << LogitsOut;
  if (Name == "next") {
    Inputs |= 1u << Temperature | 1u << TopP | 1u << TopK | 1u << Seeds |
              1u << SamplePositions | ServingInputs;
    Outputs |= 1u << SampledOut | 1u << LogProbsOut | 1u << PolicyLogProbsOut;
  } else if (Name == "score") {
    Inputs |= 1u << Targets;
    Outputs = 1u << LogProbsOut;
  }
  uint64_t Seen = 0;
  auto fieldOf = [&](const plan::Tensor &Tensor,
                     uint64_t Known) -> absl::StatusOr<Field> {
    for (int I = 0; I < FieldCount; ++I)
      if ((Known >> I & 1) && view(Tensor.name()) == FieldNames[I]) {
        Seen |= 1u << I;
        return static_cast<Field>(I);
      }
    return makeError(Where, ": function '", Name, "' has the unknown tensor '",
                     view(Tensor.name()), "'");
  };
  for (uint32_t I = 0; I < length(Function->inputs()); ++I) {
    const plan::Tensor &Input = *Function->inputs()->Get(I);
    M1_ASSIGN_OR_RETURN(Field F, fieldOf(Input, Inputs));
    E.InputFields.push_back(F);
    if (F == Blocks)
      M1_RETURN_IF_ERROR(bindBlocks(Name, Input));
    // Bounds of the plan's symbols.
    if (F == Tokens || F == Slots) {
      const plan::Expr *Extent =
          length(Input.shape()) == 1 ? Input.shape()->Get(0) : nullptr;
      if (!Extent || Extent->symbol() < 0 || Extent->add() != 0)
        return makeError(Where, ": input '", FieldNames[F], "' of function '",
                         Name, "' should have one extent, a symbol");
      int64_t Max = (*Program.plan()).symbols()->Get(Extent->symbol())->max();
      int64_t &Limit = F == Tokens ? MaxTokens : MaxSequences;
      Limit = std::min(Limit, Max);
    }
  }
  for (uint32_t I = 0; I < length(Function->outputs()); ++I) {
    M1_ASSIGN_OR_RETURN(Field F,
                        fieldOf(*Function->outputs()->Get(I), Outputs));
    E.OutputFields.push_back(F);
  }
  uint64_t Required =
      1u << Tokens | 1u << Positions | 1u << CuSeqlens | 1u << Slots;
  if (Name == "next")
    Required |= 1u << SampledOut | 1u << LogProbsOut;
  else if (Name == "score")
    Required |= 1u << Targets | 1u << LogProbsOut;
  else
    Required |= 1u << LogitsOut;
  if (Seen & ServingInputs)
    Required |= ServingInputs;
  for (int I = 0; I < FieldCount; ++I)
    if ((Required & ~Seen) >> I & 1)
      return makeError(Where, ": function '", Name, "' lacks '", FieldNames[I],
                       "'");
  E.Inputs.resize(E.InputFields.size());
  E.Outputs.resize(E.OutputFields.size());
  Result = std::move(E);
  return absl::OkStatus();
}

/// All functions have tables with the same number of columns.
absl::Status LanguageModel::bindBlocks(std::string_view Function,
                                       const plan::Tensor &Input) {
  const plan::Expr *Columns =
      length(Input.shape()) == 2 ? Input.shape()->Get(1) : nullptr;
  const int64_t Count = Columns && Columns->symbol() < 0 ? Columns->add() : 0;
  if (Count < 1 || Columns->divide() != 1 ||
      (BlocksPerSequence && Count != BlocksPerSequence) ||
      Count < (MaxLength + BlockPositions - 1) / BlockPositions)
    return makeError(Program.plan().name(), ": input 'blocks' of function '",
                     Function, "' should have a column for each block of ",
                     BlockPositions, " of ", MaxLength, " positions");
  BlocksPerSequence = Count;
  return absl::OkStatus();
}

void LanguageModel::Entry::set(Field Which, const void *Data, ElementType Type,
                               std::initializer_list<int64_t> Shape) {
  auto setIn = [&](std::span<const Field> Fields,
                   std::vector<HostTensor> &Tensors) {
    for (size_t I = 0; I < Fields.size(); ++I) {
      if (Fields[I] != Which)
        continue;
      // Functions only read their inputs.
      Tensors[I].Data = const_cast<void *>(Data);
      Tensors[I].Type = Type;
      Tensors[I].Shape = Shape;
    }
  };
  setIn(InputFields, Inputs);
  setIn(OutputFields, Outputs);
}
void LanguageModel::Entry::set(Field Which, std::span<const int32_t> Values) {
  set(Which, Values.data(), ElementType::I32,
      {static_cast<int64_t>(Values.size())});
}
void LanguageModel::Entry::set(Field Which, std::span<const int64_t> Values) {
  set(Which, Values.data(), ElementType::I64,
      {static_cast<int64_t>(Values.size())});
}
void LanguageModel::Entry::set(Field Which, std::span<const float> Values) {
  set(Which, Values.data(), ElementType::F32,
      {static_cast<int64_t>(Values.size())});
}

/// The batch's table, or, if it has none, the one with blocks of its own for
/// each slot.
absl::StatusOr<std::span<const int32_t>>
LanguageModel::blocksOf(const RaggedBatch &Given) {
  const size_t Count = Given.Slots.size() * BlocksPerSequence;
  if (!Given.Blocks.empty()) {
    if (Given.Blocks.size() != Count)
      return makeError("a batch of ", Given.Slots.size(), " sequences with ",
                       Given.Blocks.size(), " numbers of blocks, expected ",
                       Count);
    return Given.Blocks;
  }
  return blocksOfSlots(Given.Slots);
}

absl::StatusOr<std::span<const int32_t>>
LanguageModel::blocksOfSlots(std::span<const int32_t> Of) {
  const int64_t Needed = MaxSequences * BlocksPerSequence;
  if (CacheBlocks < Needed)
    return makeError(Program.plan().name(), ": ", CacheBlocks,
                     " cache blocks (m1c --cache-blocks), expected ", Needed,
                     ": ", BlocksPerSequence, " for each of ", MaxSequences,
                     " slots; with fewer, only an engine that assigns blocks "
                     "can run the plan");
  OwnBlocks.clear();
  for (int32_t Slot : Of)
    for (int64_t Column = 0; Column < BlocksPerSequence; ++Column)
      OwnBlocks.push_back(
          static_cast<int32_t>(Slot * BlocksPerSequence + Column));
  return OwnBlocks;
}

absl::Status LanguageModel::set(Entry &Callee, const RaggedBatch &Given) {
  Callee.set(Tokens, Given.Tokens);
  Callee.set(Positions, Given.Positions);
  Callee.set(CuSeqlens, Given.CuSeqlens);
  Callee.set(Slots, Given.Slots);
  if (!BlocksPerSequence)
    return absl::OkStatus();
  M1_ASSIGN_OR_RETURN(std::span<const int32_t> Table, blocksOf(Given));
  Callee.set(Blocks, Table.data(), ElementType::I32,
             {static_cast<int64_t>(Given.Slots.size()), BlocksPerSequence});
  return absl::OkStatus();
}

absl::Status LanguageModel::missing(const char *Name) const {
  return makeError(Program.plan().name(), ": has no function '", Name, "'");
}

absl::Status LanguageModel::invoke(const Entry &Callee) {
  return Program.call(Callee.Function, Callee.Inputs, Callee.Outputs);
}

bool LanguageModel::Entry::has(Field Which) const {
  return std::count(InputFields.begin(), InputFields.end(), Which) +
             std::count(OutputFields.begin(), OutputFields.end(), Which) >
         0;
}

/// The inputs of `next` of plans for serving.
absl::Status LanguageModel::setAdjustments(const Sampling &How) {
  const bool AreUsed =
      std::any_of(How.MinP.begin(), How.MinP.end(),
                  [](float P) { return P != 0; }) ||
      std::any_of(How.Adjustments.begin(), How.Adjustments.end(),
                  [](int32_t Row) { return Row >= 0; });
  if (!adjustsLogits())
    return AreUsed ? makeError(Program.plan().name(),
                               ": function 'next' has no 'min_p' and no "
                               "'bias'; compile the model with --serve")
                   : absl::OkStatus();
  std::span<const float> Added = How.Bias, Factors = How.Repetition;
  if (Added.empty()) {
    NoBias.resize(Vocabulary, 0);
    NoRepetition.resize(Vocabulary, 1);
    Added = NoBias;
    Factors = NoRepetition;
  }
  const auto Rows = static_cast<int64_t>(Added.size()) / Vocabulary;
  Next->set(MinP, How.MinP);
  Next->set(Adjustments, How.Adjustments);
  Next->set(Bias, Added.data(), ElementType::F32, {Rows, Vocabulary});
  Next->set(Repetition, Factors.data(), ElementType::F32, {Rows, Vocabulary});
  return absl::OkStatus();
}

absl::Status LanguageModel::next(const RaggedBatch &Given, const Sampling &How,
                                 std::span<int32_t> Sampled,
                                 std::span<float> LogProbs,
                                 bool AtTemperature) {
  return AtTemperature ? next(Given, How, {Sampled, {}, LogProbs, {}})
                       : next(Given, How, {Sampled, LogProbs, {}, {}});
}

absl::Status LanguageModel::next(const RaggedBatch &Given, const Sampling &How,
                                 const NextResults &Results) {
  if (!Next)
    return missing("next");
  if (!Results.PolicyLogProbs.empty() && !hasPolicyLogProbs())
    return makeError(Program.plan().name(),
                     ": function 'next' has no 'policy_log_probs'; compile "
                     "the model with --train or --serve");
  M1_RETURN_IF_ERROR(set(*Next, Given));
  Next->set(Temperature, How.Temperature);
  Next->set(TopP, How.TopP);
  Next->set(TopK, How.TopK);
  Next->set(Seeds, How.Seeds);
  Next->set(SamplePositions, How.Positions);
  M1_RETURN_IF_ERROR(setAdjustments(How));
  Next->set(SampledOut, Results.Sampled);
  Next->set(LogProbsOut, Results.LogProbs);
  Next->set(PolicyLogProbsOut, Results.PolicyLogProbs);
  Next->set(LogitsOut, Results.Logits.data(), ElementType::F32,
            {static_cast<int64_t>(Given.Slots.size()), Vocabulary});
  return invoke(*Next);
}

absl::Status LanguageModel::score(const RaggedBatch &Given,
                                  std::span<const int32_t> Wanted,
                                  std::span<float> LogProbs) {
  if (!Score)
    return missing("score");
  M1_RETURN_IF_ERROR(set(*Score, Given));
  Score->set(Targets, Wanted);
  Score->set(LogProbsOut, LogProbs);
  M1_RETURN_IF_ERROR(invoke(*Score));
  for (size_t I = 0; I < LogProbs.size(); ++I)
    if (!std::isfinite(LogProbs[I]))
      return notFinite("score: the log-probability", Wanted[I]);
  return absl::OkStatus();
}

absl::Status LanguageModel::logits(const RaggedBatch &Given,
                                   std::span<float> Out) {
  if (!Logits)
    return missing("logits");
  M1_RETURN_IF_ERROR(set(*Logits, Given));
  Logits->set(LogitsOut, Out.data(), ElementType::F32,
              {Given.tokens(), Vocabulary});
  M1_RETURN_IF_ERROR(invoke(*Logits));
  auto Bad = std::find_if_not(Out.begin(), Out.end(),
                              [](float Logit) { return std::isfinite(Logit); });
  return Bad == Out.end()
             ? absl::OkStatus()
             : notFinite("logits: the logit", (Bad - Out.begin()) % Vocabulary);
}

absl::Status m1::checkTokens(const plan::Model &Model,
                             std::span<const int64_t> Tokens,
                             const std::string &Where) {
  if (Tokens.empty())
    return makeError(Where, ": no tokens");
  if (static_cast<int64_t>(Tokens.size()) > Model.max_length())
    return makeError(Where, ": ", Tokens.size(),
                     " tokens, the plan was compiled for sequences of at most ",
                     Model.max_length());
  for (size_t I = 0; I < Tokens.size(); ++I)
    if (Tokens[I] < 0 || Tokens[I] >= Model.vocabulary())
      return makeError(Where, ": token ", Tokens[I], " at index ", I,
                       " is outside the vocabulary of ", Model.vocabulary());
  return absl::OkStatus();
}
