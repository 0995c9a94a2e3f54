//===- Brackets.cpp - close the brackets that are open --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "B([]{=" is answered by "})".
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Alphabet.h"
#include "runtime/training/environments/Task.h"

#include <algorithm>

using namespace m1;

namespace {
constexpr std::string_view Opening = "([{<", Closing = ")]}>";

/// Goes on from `Open`, the brackets that are open; false if the text has
/// another character, or a closing bracket that does not fit.
bool follow(std::string_view Text, std::string &Open) {
  for (char C : Text) {
    if (Opening.find(C) != Opening.npos) {
      Open += C;
      continue;
    }
    const size_t Kind = Closing.find(C);
    if (Kind == Closing.npos || Open.empty() || Open.back() != Opening[Kind])
      return false;
    Open.pop_back();
  }
  return true;
}

class Brackets : public Task {
public:
  Brackets(Lengths Length, int64_t Kinds) : Length(Length), Kinds(Kinds) {}

  std::string prompt(Draws &D) const override {
    std::string Text = "B", Open;
    for (int64_t Left = Length.draw(D); Left > 0; --Left) {
      // At least one bracket is open at the end.
      const bool MustOpen = Open.empty() || (Left == 1 && Open.size() == 1);
      const char Next = MustOpen || D.below(2)
                            ? Opening[D.below(Kinds)]
                            : Closing[Opening.find(Open.back())];
      Text += Next;
      follow(std::string_view(&Next, 1), Open);
    }
    return Text + '=';
  }

  std::optional<std::string> solve(std::string_view Prompt) const override {
    std::optional<std::string_view> Text = between(Prompt, 'B');
    std::string Open;
    if (!Text || !follow(*Text, Open))
      return std::nullopt;
    std::string Result;
    for (; !Open.empty(); Open.pop_back())
      Result += Closing[Opening.find(Open.back())];
    return Result;
  }

  /// Every response is right that makes the sequence balanced, one that opens
  /// brackets and closes them included.
  double share(std::string_view Prompt, std::string_view Response,
               std::string_view Solution) const override {
    std::string Open;
    if (Response.ends_with(EndCharacter) &&
        follow(*between(Prompt, 'B'), Open) &&
        follow(Response.substr(0, Response.size() - 1), Open) && Open.empty())
      return 1;
    return Task::share(Prompt, Response, Solution);
  }

private:
  Lengths Length;
  int64_t Kinds;
};
} // namespace

std::unique_ptr<Task> m1::createBrackets(OptionReader &Options) {
  Lengths Length = readLengths(Options, {1, 6}, 4096, "brackets");
  return std::make_unique<Brackets>(
      Length, Options.integer("kinds", 2, 1, 4,
                              "how many of the kinds () [] {} <> there are"));
}
