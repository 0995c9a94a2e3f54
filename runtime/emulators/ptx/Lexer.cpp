//===- Lexer.cpp - tokens of PTX text -------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Lexer.h"

#include "runtime/emulators/ptx/Limits.h"

#include <bit>
#include <charconv>
#include <cstdlib>
#include <string>

using namespace m1;
using namespace m1::ptx;

namespace {
bool isWordStart(char C) {
  return (C >= 'a' && C <= 'z') || (C >= 'A' && C <= 'Z') || C == '_' ||
         C == '$' || C == '%' || C == '.';
}
bool isDigit(char C) { return C >= '0' && C <= '9'; }
bool isWord(char C) { return isWordStart(C) || isDigit(C); }

/// Parses the number at the start of `Rest`; returns its length, 0 if there is
/// none.
size_t readNumber(std::string_view Rest, Token &T) {
  auto Integer = [&](size_t Prefix, int Base) -> size_t {
    auto [End, Error] = std::from_chars(
        Rest.data() + Prefix, Rest.data() + Rest.size(), T.Bits, Base);
    size_t Length = End - Rest.data();
    if (Error != std::errc() || Length == Prefix)
      return 0;
    T.K = Token::Kind::Number;
    return Length < Rest.size() && Rest[Length] == 'U' ? Length + 1 : Length;
  };
  if (Rest.size() > 2 && Rest[0] == '0') {
    const char C = Rest[1];
    if (C == 'f' || C == 'F' || C == 'd' || C == 'D') {
      // The digits are the number's bit pattern.
      const size_t Digits = C == 'f' || C == 'F' ? 8 : 16;
      if (Integer(2, 16) != Digits + 2)
        return 0;
      T.K = Token::Kind::Float;
      T.Value = Digits == 8 ? double(std::bit_cast<float>(uint32_t(T.Bits)))
                            : std::bit_cast<double>(T.Bits);
      return Digits + 2;
    }
    if (C == 'x' || C == 'X')
      return Integer(2, 16);
    if (C == 'b' || C == 'B')
      return Integer(2, 2);
  }
  size_t Length = 0;
  while (Length < Rest.size() && (isDigit(Rest[Length]) || Rest[Length] == '.'))
    ++Length;
  if (Rest.substr(0, Length).find('.') == std::string_view::npos)
    return Integer(0, Rest[0] == '0' && Length > 1 ? 8 : 10);
  T.K = Token::Kind::Float;
  T.Value = std::strtod(std::string(Rest.substr(0, Length)).c_str(), nullptr);
  return Length;
}
} // namespace

absl::StatusOr<std::vector<Token>> ptx::tokenize(std::string_view Text,
                                                 std::string_view Name) {
  std::vector<Token> Tokens;
  uint32_t Line = 1;
  size_t At = 0;
  auto Bad = [&](std::string_view What) {
    return makeError("ptx: module '", Name, "' line ", Line, ": ", What);
  };
  while (At < Text.size()) {
    const char C = Text[At];
    std::string_view Rest = Text.substr(At);
    if (C == '\n') {
      ++Line, ++At;
      continue;
    }
    if (C == ' ' || C == '\t' || C == '\r' || C == '\0') {
      ++At;
      continue;
    }
    if (Rest.starts_with("//")) {
      At = std::min(Text.find('\n', At), Text.size());
      continue;
    }
    if (Rest.starts_with("/*")) {
      size_t End = Text.find("*/", At + 2);
      if (End == std::string_view::npos)
        return Bad("unterminated comment");
      for (char D : Text.substr(At, End - At))
        Line += D == '\n';
      At = End + 2;
      continue;
    }
    Token T;
    T.Line = Line;
    size_t Length = 1;
    if (isWordStart(C)) {
      T.K = Token::Kind::Word;
      while (Length < Rest.size()) {
        // Modifiers such as "L1::no_allocate" have a double colon.
        if (Rest.substr(Length).starts_with("::"))
          Length += 2;
        else if (isWord(Rest[Length]))
          ++Length;
        else
          break;
      }
      if (Length > MaxWordBytes)
        return Bad(concat("a word of ", Length, " bytes, expected at most ",
                          MaxWordBytes));
    } else if (isDigit(C)) {
      Length = readNumber(Rest, T);
      if (Length == 0)
        return Bad("malformed number");
    } else if (C == '"') {
      T.K = Token::Kind::String;
      size_t End = Text.find_first_of("\"\n", At + 1);
      if (End == std::string_view::npos || Text[End] == '\n')
        return Bad("unterminated string");
      if (End - At > MaxWordBytes)
        return Bad(concat("a string of ", End - At, " bytes, expected at most ",
                          MaxWordBytes));
      Length = End + 1 - At;
    } else {
      T.K = Token::Kind::Symbol;
    }
    T.Text = Rest.substr(0, Length);
    Tokens.push_back(T);
    At += Length;
  }
  Token End;
  End.Line = Line;
  Tokens.push_back(End);
  return Tokens;
}
