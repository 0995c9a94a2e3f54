//===- PromptFile.cpp - prompts from a file -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/PromptFile.h"

#include "runtime/support/File.h"
#include "runtime/support/Json.h"
#include "runtime/training/environments/Draws.h"
#include "runtime/weights/Npy.h"

#include <algorithm>
#include <numeric>

using namespace m1;
using nlohmann::json;

/// Most bytes of a file of prompts.
static constexpr uint64_t MaxFileBytes = uint64_t(4) << 30;

/// The tokens in member `Name`.
static absl::StatusOr<std::vector<int64_t>>
parseTokens(const json &Value, const char *Name, const std::string &Where) {
  auto It = Value.find(Name);
  const bool IsList = It != Value.end() && It->is_array() &&
                      std::all_of(It->begin(), It->end(), [](const json &T) {
                        return T.is_number_integer();
                      });
  if (!IsList)
    return makeError(Where, ": expected \"", Name, "\" with a list of tokens");
  return It->get<std::vector<int64_t>>();
}

absl::StatusOr<Prompt> m1::parsePrompt(const json &Value,
                                       const std::string &Where) {
  if (!Value.is_object())
    return makeError(Where, ": found ", Value.type_name(),
                     ", expected an object");
  Prompt Result;
  M1_ASSIGN_OR_RETURN(Result.Tokens, parseTokens(Value, "prompt", Where));
  if (Result.Tokens.empty())
    return makeError(Where, ": the prompt is empty");
  auto IsGiven = [&](const char *Name) {
    return Value.contains(Name) && !Value[Name].is_null();
  };
  if (IsGiven("solution")) {
    M1_ASSIGN_OR_RETURN(Result.Solution, parseTokens(Value, "solution", Where));
  }
  if (IsGiven("metadata"))
    Result.Metadata = Value["metadata"];
  if (!Result.Metadata.is_object())
    return makeError(Where, ": \"metadata\" is ", Result.Metadata.type_name(),
                     ", expected an object");
  return Result;
}

absl::Status m1::checkPrompt(const Prompt &P, int64_t Vocabulary,
                             const std::string &Where) {
  for (const std::vector<int64_t> *Tokens : {&P.Tokens, &P.Solution})
    for (size_t I = 0; I < Tokens->size(); ++I)
      if ((*Tokens)[I] < 0 || (*Tokens)[I] >= Vocabulary)
        return makeError(Where, ": token ", I, " of the ",
                         Tokens == &P.Tokens ? "prompt" : "solution", " is ",
                         (*Tokens)[I], ", expected 0 to ", Vocabulary - 1);
  return absl::OkStatus();
}

static std::string wherePrompt(const std::string &Path, size_t Index) {
  return concat(Path, ": prompt ", Index);
}

static absl::StatusOr<std::vector<Prompt>> readRows(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(NpyArray Array, readNpy(Path));
  if (Array.Shape.size() != 2)
    return makeError(Path, ": prompts are an array [prompts, length], found ",
                     Array.Shape.size(), " axes");
  M1_ASSIGN_OR_RETURN(Array, convert(std::move(Array), ElementType::I64, Path));
  const int64_t Length = Array.Shape[1];
  std::vector<Prompt> Prompts(Array.Shape[0]);
  for (size_t I = 0; I < Prompts.size(); ++I) {
    std::span<const int64_t> Row =
        std::as_const(Array).as<int64_t>().subspan(I * Length, Length);
    while (!Row.empty() && Row.back() < 0)
      Row = Row.first(Row.size() - 1);
    if (Row.empty())
      return makeError(wherePrompt(Path, I), ": the prompt is empty");
    Prompts[I].Tokens.assign(Row.begin(), Row.end());
  }
  return Prompts;
}

static absl::StatusOr<std::vector<Prompt>> readLines(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(std::string Text, readWholeFile(Path, MaxFileBytes));
  std::vector<Prompt> Prompts;
  for (size_t Begin = 0, End; Begin < Text.size(); Begin = End + 1) {
    End = std::min(Text.find('\n', Begin), Text.size());
    const std::string_view Line =
        std::string_view(Text).substr(Begin, End - Begin);
    if (Line.find_first_not_of(" \t\r") == Line.npos)
      continue;
    const std::string Where = wherePrompt(Path, Prompts.size());
    M1_ASSIGN_OR_RETURN(json Value, parseJson(Line, Where));
    M1_ASSIGN_OR_RETURN(Prompt P, parsePrompt(Value, Where));
    Prompts.push_back(std::move(P));
  }
  return Prompts;
}

absl::StatusOr<PromptFile> PromptFile::read(const std::string &Path,
                                            uint64_t Seed) {
  PromptFile Result;
  Result.Path = Path;
  Result.Seed = Seed;
  M1_ASSIGN_OR_RETURN(Result.Prompts, Path.ends_with(".npy") ? readRows(Path)
                                                             : readLines(Path));
  if (Result.Prompts.empty())
    return makeError(Path, ": has no prompts");
  return Result;
}

absl::Status PromptFile::check(int64_t Vocabulary) const {
  for (size_t I = 0; I < Prompts.size(); ++I)
    M1_RETURN_IF_ERROR(
        checkPrompt(Prompts[I], Vocabulary, wherePrompt(Path, I)));
  return absl::OkStatus();
}

const Prompt &PromptFile::at(uint64_t Number) {
  if (const uint64_t Wanted = Number / Prompts.size(); Wanted != Epoch) {
    Epoch = Wanted;
    Order.resize(Prompts.size());
    std::iota(Order.begin(), Order.end(), 0);
    Draws(Seed, "prompts", Epoch).shuffle(Order);
  }
  return Prompts[Order[Number % Prompts.size()]];
}
