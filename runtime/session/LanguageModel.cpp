//===- LanguageModel.cpp - the functions of a language model ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/LanguageModel.h"

#include <algorithm>
#include <cmath>

using namespace m1;

void Batch::clear() {
  Tokens.clear();
  Positions.clear();
  CuSeqlens.assign(1, 0);
  Slots.clear();
}

void Batch::add(int32_t Slot, int64_t Begin, std::span<const int64_t> Piece) {
  for (size_t I = 0; I < Piece.size(); ++I) {
    Tokens.push_back(static_cast<int32_t>(Piece[I]));
    Positions.push_back(static_cast<int32_t>(Begin + I));
  }
  CuSeqlens.push_back(static_cast<int32_t>(Tokens.size()));
  Slots.push_back(Slot);
}

void Sampling::clear() {
  Temperature.clear();
  TopP.clear();
  TopK.clear();
  Seeds.clear();
  Positions.clear();
}

void Sampling::add(float RowTemperature, float RowTopP, int32_t RowTopK,
                   int64_t Seed, int32_t Position) {
  Temperature.push_back(RowTemperature);
  TopP.push_back(RowTopP);
  TopK.push_back(RowTopK);
  Seeds.push_back(Seed);
  Positions.push_back(Position);
}

namespace {
constexpr std::string_view FieldNames[] = {
    "tokens",  "positions",   "cu_seqlens",
    "slots",   "temperature", "top_p",
    "top_k",   "seeds",       "sample_positions",
    "targets", "sampled",     "log_probs",
    "logits"};

template <typename T>
HostTensor vectorTensor(std::span<const T> Values, ElementType Type) {
  // Functions only read their inputs.
  return {const_cast<T *>(Values.data()),
          Type,
          {static_cast<int64_t>(Values.size())}};
}
HostTensor tensorOf(std::span<const int32_t> V) {
  return vectorTensor(V, ElementType::I32);
}
HostTensor tensorOf(std::span<const int64_t> V) {
  return vectorTensor(V, ElementType::I64);
}
HostTensor tensorOf(std::span<const float> V) {
  return vectorTensor(V, ElementType::F32);
}

absl::Status damaged(const char *What, int64_t Token) {
  return makeError(What, " of token ", Token,
                   " is not a number or is infinite; the weights are damaged "
                   "or do not suit the model");
}
} // namespace

absl::StatusOr<std::unique_ptr<LanguageModel>>
LanguageModel::create(Executor &Program) {
  std::unique_ptr<LanguageModel> Result(new LanguageModel(Program));
  const plan::Plan &Plan = *Program.plan();
  const plan::Model *Model = Plan.model();
  if (!Model)
    return makeError(Program.plan().name(),
                     ": not a language model's plan; "
                     "run its functions with m1run call");
  Result->Vocabulary = Model->vocabulary();
  Result->MaxLength = Model->max_length();
  Result->MaxSequences = Model->slots();
  Result->MaxTokens = INT32_MAX;
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
  uint64_t Seen = 0;
  auto fieldOf = [&](const plan::Tensor &Tensor) -> absl::StatusOr<Field> {
    for (int I = 0; I < FieldCount; ++I)
      if (view(Tensor.name()) == FieldNames[I]) {
        Seen |= 1u << I;
        return static_cast<Field>(I);
      }
    return makeError(Where, ": function '", Name, "' has the unknown tensor '",
                     view(Tensor.name()), "'");
  };
  for (uint32_t I = 0; I < length(Function->inputs()); ++I) {
    const plan::Tensor &Input = *Function->inputs()->Get(I);
    M1_ASSIGN_OR_RETURN(Field F, fieldOf(Input));
    E.Inputs.push_back(F);
    // The bounds that the plan was compiled for.
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
    M1_ASSIGN_OR_RETURN(Field F, fieldOf(*Function->outputs()->Get(I)));
    E.Outputs.push_back(F);
  }
  uint64_t Required =
      1u << Tokens | 1u << Positions | 1u << CuSeqlens | 1u << Slots;
  if (Name == "next")
    Required |= 1u << SampledOut | 1u << LogProbsOut;
  else if (Name == "score")
    Required |= 1u << Targets | 1u << LogProbsOut;
  else
    Required |= 1u << LogitsOut;
  for (int I = 0; I < FieldCount; ++I)
    if ((Required & ~Seen) >> I & 1)
      return makeError(Where, ": function '", Name, "' lacks '", FieldNames[I],
                       "'");
  Result = std::move(E);
  return absl::OkStatus();
}

void LanguageModel::setBatch(Tensors &T, const Batch &Given) {
  T[Tokens] = tensorOf(Given.Tokens);
  T[Positions] = tensorOf(Given.Positions);
  T[CuSeqlens] = tensorOf(Given.CuSeqlens);
  T[Slots] = tensorOf(Given.Slots);
}

absl::Status LanguageModel::invoke(const std::optional<Entry> &Callee,
                                   const char *Name, const Tensors &T) {
  if (!Callee)
    return makeError(Program.plan().name(), ": has no function '", Name, "'");
  std::vector<HostTensor> Inputs, Outputs;
  for (Field F : Callee->Inputs)
    Inputs.push_back(T[F]);
  for (Field F : Callee->Outputs)
    Outputs.push_back(T[F]);
  return Program.call(Callee->Function, Inputs, Outputs);
}

absl::Status LanguageModel::next(const Batch &Given, const Sampling &How,
                                 std::span<int32_t> Sampled,
                                 std::span<float> LogProbs) {
  Tensors T;
  setBatch(T, Given);
  T[Temperature] = tensorOf(How.Temperature);
  T[TopP] = tensorOf(How.TopP);
  T[TopK] = tensorOf(How.TopK);
  T[Seeds] = tensorOf(How.Seeds);
  T[SamplePositions] = tensorOf(How.Positions);
  T[SampledOut] = tensorOf(std::span<const int32_t>(Sampled));
  T[LogProbsOut] = tensorOf(std::span<const float>(LogProbs));
  NextLogits.resize(
      std::max<size_t>(NextLogits.size(), Given.sequences() * Vocabulary));
  T[LogitsOut] = {
      NextLogits.data(), ElementType::F32, {Given.sequences(), Vocabulary}};
  return invoke(Next, "next", T);
}

absl::Status LanguageModel::score(const Batch &Given,
                                  std::span<const int32_t> Wanted,
                                  std::span<float> LogProbs) {
  Tensors T;
  setBatch(T, Given);
  T[Targets] = tensorOf(Wanted);
  T[LogProbsOut] = tensorOf(std::span<const float>(LogProbs));
  M1_RETURN_IF_ERROR(invoke(Score, "score", T));
  for (size_t I = 0; I < LogProbs.size(); ++I)
    if (!std::isfinite(LogProbs[I]))
      return damaged("score: the log-probability", Wanted[I]);
  return absl::OkStatus();
}

absl::Status LanguageModel::logits(const Batch &Given, std::span<float> Out) {
  Tensors T;
  setBatch(T, Given);
  T[LogitsOut] = {Out.data(), ElementType::F32, {Given.tokens(), Vocabulary}};
  M1_RETURN_IF_ERROR(invoke(Logits, "logits", T));
  auto Bad = std::find_if_not(Out.begin(), Out.end(),
                              [](float Logit) { return std::isfinite(Logit); });
  return Bad == Out.end()
             ? absl::OkStatus()
             : damaged("logits: the logit", (Bad - Out.begin()) % Vocabulary);
}

absl::Status m1::checkTokens(const LanguageModel &Model,
                             std::span<const int64_t> Tokens,
                             const std::string &Where) {
  if (Tokens.empty())
    return makeError(Where, ": no tokens");
  if (static_cast<int64_t>(Tokens.size()) > Model.maxLength())
    return makeError(Where, ": ", Tokens.size(),
                     " tokens, the plan was compiled for sequences of at most ",
                     Model.maxLength());
  for (size_t I = 0; I < Tokens.size(); ++I)
    if (Tokens[I] < 0 || Tokens[I] >= Model.vocabulary())
      return makeError(Where, ": token ", Tokens[I], " at index ", I,
                       " is outside the vocabulary of ", Model.vocabulary());
  return absl::OkStatus();
}
