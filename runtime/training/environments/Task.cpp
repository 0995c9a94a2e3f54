//===- Task.cpp - what the built-in environments share --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Task.h"

#include "runtime/training/environments/Alphabet.h"

#include <algorithm>

using namespace m1;

Task::~Task() = default;

static constexpr TaskKind Kinds[] = {
    {"copy", "repeat a list of digits", createCopy},
    {"parity", "whether the number of ones is odd", createParity},
    {"digit_sum", "the sum of a list of digits", createDigitSum},
    {"sorting", "sort a list of digits", createSorting},
    {"brackets", "close the brackets that are open", createBrackets},
    {"cipher", "replace letters by a table in the prompt", createCipher},
    {"modular", "calculate modulo a number, step by step", createModular},
};

std::span<const TaskKind> m1::taskKinds() { return Kinds; }

double m1::equalShare(std::string_view A, std::string_view B) {
  const size_t Longer = std::max(A.size(), B.size());
  size_t Equal = 0;
  for (size_t I = 0; I < std::min(A.size(), B.size()); ++I)
    Equal += A[I] == B[I];
  return Longer == 0 ? 1 : static_cast<double>(Equal) / Longer;
}

double Task::share(std::string_view Prompt, std::string_view Response,
                   std::string_view Solution) const {
  return equalShare(Response, std::string(Solution) + EndCharacter);
}

Lengths m1::readLengths(OptionReader &Options, Lengths Default, int64_t Limit,
                        const char *Unit) {
  Lengths Result = {
      Options.integer("min_length", Default.Min, 1, Limit,
                      concat("the fewest ", Unit, " of a prompt")),
      Options.integer("max_length", Default.Max, 1, Limit,
                      concat("the most ", Unit, " of a prompt"))};
  if (Result.Min <= Result.Max)
    return Result;
  Options.reject("min_length",
                 concat("at most max_length, which is ", Result.Max));
  return Default;
}

std::optional<std::string_view> m1::between(std::string_view Prompt,
                                            char Mark) {
  if (Prompt.size() < 2 || Prompt.front() != Mark || Prompt.back() != '=')
    return std::nullopt;
  return Prompt.substr(1, Prompt.size() - 2);
}
