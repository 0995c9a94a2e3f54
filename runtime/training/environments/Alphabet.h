//===- Alphabet.h - the tokens of the built-in environments -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_ALPHABET_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_ALPHABET_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// The character of each token, in their order: token 0 is '0', token 10 is the
/// end of a response. The capital letters begin the prompts of one environment
/// each. Never changed, only continued: models have learnt it.
inline constexpr std::string_view Alphabet = "0123456789.=,:+-*%()[]{}<>"
                                             "abcdefghijklmnopqrstuvwxyz"
                                             "CPDSBXM";

inline constexpr char EndCharacter = '.';
/// Stands for a token outside the alphabet.
inline constexpr char UnknownCharacter = '?';

inline constexpr int64_t tokenOf(char Character) {
  return static_cast<int64_t>(Alphabet.find(Character));
}

/// The tokens of `Text`, which has characters of the alphabet only.
std::vector<int64_t> tokensOf(std::string_view Text);
/// The characters of the tokens; UnknownCharacter for others.
std::string textOf(std::span<const int64_t> Tokens);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_ALPHABET_H
