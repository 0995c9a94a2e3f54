//===- Alphabet.cpp - the tokens of the built-in environments -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Alphabet.h"

using namespace m1;

static_assert(Alphabet.size() <= 64, "a vocabulary of 64 is to suffice");
static_assert(tokenOf('9') == 9 && tokenOf(EndCharacter) == 10 &&
              tokenOf('a') == 26 && tokenOf('M') == 58);

std::vector<int64_t> m1::tokensOf(std::string_view Text) {
  std::vector<int64_t> Tokens;
  Tokens.reserve(Text.size());
  for (char Character : Text)
    Tokens.push_back(tokenOf(Character));
  return Tokens;
}

std::string m1::textOf(std::span<const int64_t> Tokens) {
  std::string Text;
  Text.reserve(Tokens.size());
  for (int64_t Token : Tokens)
    Text += Token >= 0 && Token < static_cast<int64_t>(Alphabet.size())
                ? Alphabet[Token]
                : UnknownCharacter;
  return Text;
}
