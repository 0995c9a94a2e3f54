//===- Lexer.h - tokens of PTX text -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_LEXER_H
#define M1C_RUNTIME_EMULATORS_PTX_LEXER_H

#include "runtime/support/Error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace m1::ptx {

struct Token {
  enum class Kind : uint8_t {
    Word,   // names, registers, opcodes, directives: "ld.global.f32", ".reg"
    Number, // integers, without sign
    Float,  // 0f..., 0d..., 1.5
    String, // with its quotes
    Symbol, // one character
    EndOfText,
  };
  Kind K = Kind::EndOfText;
  std::string_view Text;
  uint32_t Line = 0;
  uint64_t Bits = 0; // of a number
  double Value = 0;  // of a float

  bool is(std::string_view What) const { return Text == What; }
};

/// The tokens of a module, the last of kind EndOfText, which views `Text`.
/// `Name` is the module's, for errors.
absl::StatusOr<std::vector<Token>> tokenize(std::string_view Text,
                                            std::string_view Name);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_LEXER_H
