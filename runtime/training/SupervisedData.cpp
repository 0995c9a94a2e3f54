//===- SupervisedData.cpp - prompts with responses to learn ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/SupervisedData.h"

#include "runtime/support/StopSignals.h"
#include "runtime/training/environments/Environment.h"
#include "runtime/weights/Npy.h"

using namespace m1;

void SupervisedData::append(std::span<const int64_t> Prompt,
                            std::span<const int64_t> Response) {
  Tokens.insert(Tokens.end(), Prompt.begin(), Prompt.end());
  Tokens.insert(Tokens.end(), Response.begin(), Response.end());
  Mask.resize(Mask.size() + Prompt.size(), 0);
  Mask.resize(Mask.size() + Response.size(), 1);
  CuSeqlens.push_back(static_cast<int64_t>(Tokens.size()));
}

absl::StatusOr<SupervisedData> m1::solve(Environment &E, uint64_t First,
                                         uint64_t Count) {
  SupervisedData Result;
  for (uint64_t Number = First; Number - First < Count; ++Number) {
    if (stopSignal())
      return absl::CancelledError(
          concat("stopped after ", Number - First, " of ", Count, " prompts"));
    M1_ASSIGN_OR_RETURN(Prompt P, E.makePrompt(Number));
    if (P.Solution.empty())
      return makeError("environment ", E.name(), ": prompt ", Number,
                       " has no solution");
    Result.append(P.Tokens, P.Solution);
  }
  return Result;
}

static std::string tokensFile(const std::string &Directory) {
  return Directory + "/tokens.npy";
}
static std::string maskFile(const std::string &Directory) {
  return Directory + "/mask.npy";
}
static std::string cuSeqlensFile(const std::string &Directory) {
  return Directory + "/cu_seqlens.npy";
}

absl::StatusOr<OutputFiles>
m1::prepareSupervised(const SupervisedData &Data,
                      const std::string &Directory) {
  const auto Rows = static_cast<int64_t>(Data.Tokens.size());
  const auto Ends = static_cast<int64_t>(Data.CuSeqlens.size());
  OutputFiles Files;
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      prepareNpy(tokensFile(Directory), ElementType::I64,
                                 std::span(&Rows, 1), Data.Tokens.data()));
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      prepareNpy(maskFile(Directory), ElementType::U8,
                                 std::span(&Rows, 1), Data.Mask.data()));
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      prepareNpy(cuSeqlensFile(Directory), ElementType::I64,
                                 std::span(&Ends, 1), Data.CuSeqlens.data()));
  return Files;
}

absl::StatusOr<SupervisedData>
m1::readSupervised(const std::string &Directory) {
  SupervisedData Data;
  const std::string TokensPath = tokensFile(Directory),
                    MaskPath = maskFile(Directory),
                    EndsPath = cuSeqlensFile(Directory);
  M1_ASSIGN_OR_RETURN(Data.Tokens, readTokens(TokensPath));
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Mask, readTokens(MaskPath));
  M1_ASSIGN_OR_RETURN(Data.CuSeqlens, readTokens(EndsPath));
  const auto Count = static_cast<int64_t>(Data.Tokens.size());
  for (int64_t I = 0; I < Count; ++I)
    if (Data.Tokens[I] < 0)
      return makeError(TokensPath, ": token ", I, " is ", Data.Tokens[I],
                       ", expected 0 or more");
  if (Mask.size() != Data.Tokens.size())
    return makeError(MaskPath, ": ", Mask.size(), " elements, expected ", Count,
                     ", as many as there are tokens");
  for (size_t I = 0; I < Mask.size(); ++I)
    if (Mask[I] != 0 && Mask[I] != 1)
      return makeError(MaskPath, ": element ", I, " is ", Mask[I],
                       ", expected 0 or 1");
  Data.Mask.assign(Mask.begin(), Mask.end());
  const std::vector<int64_t> &Ends = Data.CuSeqlens;
  if (Ends.empty() || Ends.front() != 0 || Ends.back() != Count)
    return makeError(EndsPath, ": expected numbers from 0 to ", Count,
                     ", the number of tokens");
  for (size_t I = 1; I < Ends.size(); ++I)
    if (Ends[I] <= Ends[I - 1])
      return makeError(EndsPath, ": sequence ", I - 1, " is from ", Ends[I - 1],
                       " to ", Ends[I], ", expected at least one token");
  return Data;
}
