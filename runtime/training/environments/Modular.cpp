//===- Modular.cpp - calculate modulo a number, step by step --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "M7+5*3-8%10=" is answered by the result of each step, from left to right:
// "2,6,8".
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Alphabet.h"
#include "runtime/training/environments/Task.h"

#include <algorithm>
#include <vector>

using namespace m1;

namespace {
constexpr std::string_view Operators = "+-*";
constexpr int64_t MaxModulus = 1000;

struct Step {
  char Operator;
  int64_t Operand;
};
struct Calculation {
  int64_t First = 0, Modulus = 1;
  std::vector<Step> Steps;
};

bool isDigit(char C) { return C >= '0' && C <= '9'; }

/// Takes a number of at most 4 digits, without leading zeros, from the front.
std::optional<int64_t> takeNumber(std::string_view &Text) {
  size_t Digits = 0;
  int64_t Number = 0;
  for (; Digits < Text.size() && Digits < 4 && isDigit(Text[Digits]); ++Digits)
    Number = 10 * Number + (Text[Digits] - '0');
  if (Digits == 0 || (Text[0] == '0' && Digits > 1))
    return std::nullopt;
  Text.remove_prefix(Digits);
  return Number;
}

std::optional<Calculation> parse(std::string_view Prompt) {
  std::optional<std::string_view> Text = between(Prompt, 'M');
  if (!Text)
    return std::nullopt;
  Calculation Result;
  std::optional<int64_t> Number = takeNumber(*Text);
  if (!Number)
    return std::nullopt;
  Result.First = *Number;
  while (!Text->empty()) {
    const char Operator = Text->front();
    Text->remove_prefix(1);
    Number = takeNumber(*Text);
    if (!Number)
      return std::nullopt;
    if (Operator == '%') {
      Result.Modulus = *Number;
      return Text->empty() && *Number > 0 ? std::optional(Result)
                                          : std::nullopt;
    }
    if (Operators.find(Operator) == Operators.npos)
      return std::nullopt;
    Result.Steps.push_back({Operator, *Number});
  }
  return std::nullopt;
}

int64_t apply(int64_t Value, Step S, int64_t Modulus) {
  const int64_t Result = S.Operator == '+'   ? Value + S.Operand
                         : S.Operator == '-' ? Value - S.Operand
                                             : Value * S.Operand;
  return (Result % Modulus + Modulus) % Modulus;
}

class Modular : public Task {
public:
  Modular(Lengths Steps, int64_t Modulus, std::string Used)
      : Steps(Steps), Modulus(Modulus), Used(std::move(Used)) {}

  std::string prompt(Draws &D) const override {
    std::string Text = concat("M", D.below(Modulus));
    for (int64_t Left = Steps.draw(D); Left > 0; --Left) {
      Text += Used[D.below(Used.size())];
      Text += std::to_string(D.below(Modulus));
    }
    return concat(Text, "%", Modulus, "=");
  }

  std::optional<std::string> solve(std::string_view Prompt) const override {
    std::optional<Calculation> C = parse(Prompt);
    if (!C)
      return std::nullopt;
    std::string Result;
    int64_t Value = C->First;
    for (Step S : C->Steps) {
      Value = apply(Value, S, C->Modulus);
      Result += (Result.empty() ? "" : ",") + std::to_string(Value);
    }
    return Result;
  }

  /// The share of steps that follow from the step before, as it was written;
  /// the end counts as a step, and so do steps too many.
  double share(std::string_view Prompt, std::string_view Response,
               std::string_view Solution) const override {
    if (Response == std::string(Solution) + EndCharacter)
      return 1;
    const Calculation C = *parse(Prompt);
    const size_t End = std::min(Response.find(EndCharacter), Response.size());
    const bool Ended = End + 1 == Response.size();
    size_t Written = 0, Right = 0;
    std::optional<int64_t> Previous = C.First;
    for (size_t Begin = 0; Begin <= End && !Response.empty(); ++Written) {
      const size_t Comma = std::min(Response.find(',', Begin), End);
      std::string_view Text = Response.substr(Begin, Comma - Begin);
      std::optional<int64_t> Value = takeNumber(Text);
      if (!Text.empty())
        Value.reset();
      Right += Written < C.Steps.size() && Previous && Value &&
               *Value == apply(*Previous, C.Steps[Written], C.Modulus);
      Previous = Value;
      Begin = Comma + 1;
    }
    const size_t Units = std::max(C.Steps.size(), Written) + 1;
    const bool EndIsRight = Ended && Written == C.Steps.size();
    // What comes after the end makes the response wrong, however right it was.
    const size_t Points = std::min(Right + EndIsRight, Units - 1);
    return static_cast<double>(Points) / Units;
  }

private:
  Lengths Steps;
  int64_t Modulus;
  std::string Used; ///< operators
};
} // namespace

std::unique_ptr<Task> m1::createModular(OptionReader &Options) {
  Lengths Steps = readLengths(Options, {1, 3}, 1024, "steps");
  const int64_t Modulus = Options.integer("modulus", 10, 2, MaxModulus,
                                          "what is calculated modulo");
  std::string Used =
      Options.text("operators", "+-*", "those that appear: some of +-*");
  if (Used.empty() || Used.find_first_not_of(Operators) != Used.npos) {
    Options.reject("operators", "some of \"+-*\"");
    Used = Operators;
  }
  return std::make_unique<Modular>(Steps, Modulus, Used);
}
