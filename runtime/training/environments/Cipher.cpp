//===- Cipher.cpp - replace letters by a table in the prompt --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Xbdacda:abba=" is answered by "cddc": b becomes d, a becomes c, d becomes a.
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Task.h"

#include <numeric>

using namespace m1;

namespace {
class Cipher : public Task {
public:
  Cipher(Lengths Length, int64_t Letters) : Length(Length), Letters(Letters) {}

  std::string prompt(Draws &D) const override {
    std::string From(Letters, 'a');
    std::iota(From.begin(), From.end(), 'a');
    std::string To = From;
    D.shuffle(From);
    D.shuffle(To);
    std::string Text = "X";
    for (int64_t I = 0; I < Letters; ++I)
      Text += {From[I], To[I]};
    Text += ':';
    for (int64_t Left = Length.draw(D); Left > 0; --Left)
      Text += From[D.below(Letters)];
    return Text + '=';
  }

  std::optional<std::string> solve(std::string_view Prompt) const override {
    std::optional<std::string_view> Text = between(Prompt, 'X');
    if (!Text)
      return std::nullopt;
    const size_t Colon = Text->find(':');
    if (Colon == Text->npos || Colon % 2 != 0)
      return std::nullopt;
    const std::string_view Table = Text->substr(0, Colon);
    std::string Result;
    for (char Letter : Text->substr(Colon + 1)) {
      size_t At = 0;
      while (At < Table.size() && Table[At] != Letter)
        At += 2;
      if (At == Table.size())
        return std::nullopt;
      Result += Table[At + 1];
    }
    return Result;
  }

private:
  Lengths Length;
  int64_t Letters;
};
} // namespace

std::unique_ptr<Task> m1::createCipher(OptionReader &Options) {
  Lengths Length = readLengths(Options, {2, 6}, 4096, "letters of the message");
  return std::make_unique<Cipher>(
      Length, Options.integer("letters", 4, 2, 26,
                              "how many letters the table has: from a on"));
}
