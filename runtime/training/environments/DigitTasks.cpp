//===- DigitTasks.cpp - copy, parity, digit_sum, sorting ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prompts are a mark, digits and "=": "S3171=".
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Task.h"

#include <algorithm>
#include <functional>

using namespace m1;

namespace {
constexpr int64_t MaxDigits = 4096;

/// The digits 0 to `Kinds` - 1 of a prompt.
class DigitTask : public Task {
public:
  DigitTask(char Mark, Lengths Length, int64_t Kinds)
      : Mark(Mark), Length(Length), Kinds(Kinds) {}

  std::string prompt(Draws &D) const override {
    std::string Text(1, Mark);
    for (int64_t Left = Length.draw(D); Left > 0; --Left)
      Text += static_cast<char>('0' + D.below(Kinds));
    return Text + '=';
  }

  std::optional<std::string> solve(std::string_view Prompt) const override {
    std::optional<std::string_view> Digits = between(Prompt, Mark);
    auto IsDigit = [this](char C) { return C >= '0' && C < '0' + Kinds; };
    if (!Digits || !std::all_of(Digits->begin(), Digits->end(), IsDigit))
      return std::nullopt;
    return answer(std::string(*Digits));
  }

protected:
  virtual std::string answer(std::string Digits) const = 0;

private:
  char Mark;
  Lengths Length;
  int64_t Kinds;
};

int64_t sumOf(const std::string &Digits) {
  int64_t Sum = 0;
  for (char C : Digits)
    Sum += C - '0';
  return Sum;
}

int64_t readKinds(OptionReader &Options) {
  return Options.integer("digits", 10, 2, 10,
                         "how many different digits there are: 0 to this - 1");
}

class Copy : public DigitTask {
public:
  using DigitTask::DigitTask;
  std::string answer(std::string Digits) const override { return Digits; }
};

class Parity : public DigitTask {
public:
  using DigitTask::DigitTask;
  std::string answer(std::string Digits) const override {
    return sumOf(Digits) % 2 ? "1" : "0";
  }
};

class DigitSum : public DigitTask {
public:
  DigitSum(Lengths Length, int64_t Kinds, int64_t Modulus)
      : DigitTask('D', Length, Kinds), Modulus(Modulus) {}
  std::string answer(std::string Digits) const override {
    const int64_t Sum = sumOf(Digits);
    return std::to_string(Modulus ? Sum % Modulus : Sum);
  }

private:
  int64_t Modulus;
};

class Sorting : public DigitTask {
public:
  Sorting(Lengths Length, int64_t Kinds, bool Descending)
      : DigitTask('S', Length, Kinds), Descending(Descending) {}
  std::string answer(std::string Digits) const override {
    if (Descending)
      std::sort(Digits.begin(), Digits.end(), std::greater<>());
    else
      std::sort(Digits.begin(), Digits.end());
    return Digits;
  }

private:
  bool Descending;
};
} // namespace

std::unique_ptr<Task> m1::createCopy(OptionReader &Options) {
  Lengths Length = readLengths(Options, {1, 4}, MaxDigits, "digits");
  return std::make_unique<Copy>('C', Length, readKinds(Options));
}

std::unique_ptr<Task> m1::createParity(OptionReader &Options) {
  Lengths Length = readLengths(Options, {1, 4}, MaxDigits, "digits");
  return std::make_unique<Parity>('P', Length, 2);
}

std::unique_ptr<Task> m1::createDigitSum(OptionReader &Options) {
  Lengths Length = readLengths(Options, {2, 4}, MaxDigits, "digits");
  const int64_t Kinds = readKinds(Options);
  return std::make_unique<DigitSum>(
      Length, Kinds,
      Options.integer("modulus", 0, 0, 1000,
                      "the sum is taken modulo this; 0: the sum itself"));
}

std::unique_ptr<Task> m1::createSorting(OptionReader &Options) {
  Lengths Length = readLengths(Options, {2, 6}, MaxDigits, "digits");
  const int64_t Kinds = readKinds(Options);
  return std::make_unique<Sorting>(
      Length, Kinds,
      Options.flag("descending", false, "the largest digit comes first"));
}
