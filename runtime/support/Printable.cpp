//===- Printable.cpp - text from elsewhere, fit for a terminal ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

using namespace m1;

namespace {
constexpr uint32_t NotUtf8 = UINT32_MAX;

/// A character, or a byte that belongs to none.
struct Unit {
  uint32_t Code; ///< code point, or NotUtf8
  size_t Bytes;
};

bool isContinuation(char Byte) {
  return (static_cast<uint8_t>(Byte) & 0xC0) == 0x80;
}

/// The unit that begins at `Position`.
Unit decode(std::string_view Text, size_t Position) {
  const uint8_t First = Text[Position];
  if (First < 0x80)
    return {First, 1};
  const size_t Bytes = First >= 0xF0 ? 4 : First >= 0xE0 ? 3 : 2;
  if (First < 0xC2 || First > 0xF4 || Text.size() - Position < Bytes)
    return {NotUtf8, 1};
  uint32_t Code = First & (0x7F >> Bytes);
  for (size_t I = 1; I < Bytes; ++I) {
    if (!isContinuation(Text[Position + I]))
      return {NotUtf8, 1};
    Code = Code << 6 | (Text[Position + I] & 0x3F);
  }
  const bool IsTooShort =
      (Bytes == 3 && Code < 0x800) || (Bytes == 4 && Code < 0x10000);
  const bool IsSurrogate = Code >= 0xD800 && Code < 0xE000;
  if (IsTooShort || IsSurrogate || Code > 0x10FFFF)
    return {NotUtf8, 1};
  return {Code, Bytes};
}

/// Whether a terminal obeys the character or does not show it.
bool isUnsafe(uint32_t Code) {
  constexpr std::pair<uint32_t, uint32_t> Ranges[] = {
      {0x00, 0x1F},       // C0 controls
      {0x7F, 0x9F},       // DEL and C1 controls
      {0xAD, 0xAD},       // soft hyphen
      {0x61C, 0x61C},     // Arabic letter mark, a change of direction
      {0x200B, 0x200B},   // zero-width space; the joiners after it are needed
      {0x200E, 0x200F},   // changes of direction
      {0x2028, 0x202E},   // line separators, changes of direction
      {0x2060, 0x206F},   // invisible operators, isolated directions
      {0xFEFF, 0xFEFF},   // byte order mark
      {0xFFF9, 0xFFFB},   // annotations
      {0xE0000, 0xE007F}, // tags
  };
  return std::any_of(std::begin(Ranges), std::end(Ranges), [&](auto Range) {
    return Code >= Range.first && Code <= Range.second;
  });
}

std::string escape(std::string_view Text, size_t Position, Unit U) {
  char Escape[16];
  if (U.Code == NotUtf8)
    std::snprintf(Escape, sizeof Escape, "\\x%02x",
                  static_cast<uint8_t>(Text[Position]));
  else if (!isUnsafe(U.Code))
    return std::string(Text.substr(Position, U.Bytes));
  else if (U.Code == '\n')
    return "\\n";
  else
    std::snprintf(Escape, sizeof Escape,
                  U.Code > 0xFFFF ? "\\U%08x" : "\\u%04x", U.Code);
  return Escape;
}

/// Escapes the characters from `Position` on, as many as fit `MaxBytes`;
/// `Position` becomes that of the first that does not.
std::string escapeFrom(std::string_view Text, size_t MaxBytes,
                       size_t &Position) {
  std::string Result;
  while (Position < Text.size()) {
    Unit U = decode(Text, Position);
    std::string Escaped = escape(Text, Position, U);
    if (Result.size() + Escaped.size() > MaxBytes)
      break;
    Result += Escaped;
    Position += U.Bytes;
  }
  return Result;
}

/// Escapes the last characters, as many as fit `MaxBytes`; `Position` becomes
/// that of the first of them, and is not less than before.
std::string escapeLast(std::string_view Text, size_t MaxBytes,
                       size_t &Position) {
  // Escaping makes nothing shorter.
  if (Text.size() - Position > MaxBytes) {
    Position = Text.size() - MaxBytes;
    while (Position < Text.size() && isContinuation(Text[Position]))
      ++Position;
  }
  std::vector<std::string> Parts;
  std::vector<size_t> Positions;
  for (size_t I = Position; I < Text.size();) {
    Unit U = decode(Text, I);
    Parts.push_back(escape(Text, I, U));
    Positions.push_back(I);
    I += U.Bytes;
  }
  size_t First = Parts.size(), Size = 0;
  while (First > 0 && Size + Parts[First - 1].size() <= MaxBytes)
    Size += Parts[--First].size();
  Position = First < Parts.size() ? Positions[First] : Text.size();
  std::string Result;
  for (; First < Parts.size(); ++First)
    Result += Parts[First];
  return Result;
}
} // namespace

std::string m1::printable(std::string_view Text, size_t MaxBytes) {
  size_t Position = 0;
  std::string All = escapeFrom(Text, MaxBytes, Position);
  if (Position == Text.size())
    return All;
  constexpr size_t MarkBytes = 40; // "...[", 20 digits, " bytes]..."
  const size_t HalfBytes = (std::max(MaxBytes, MarkBytes) - MarkBytes) / 2;
  size_t HeadEnd = 0;
  std::string Head = escapeFrom(Text, HalfBytes, HeadEnd);
  size_t TailBegin = HeadEnd;
  std::string Tail = escapeLast(Text, HalfBytes, TailBegin);
  return Head + "...[" + std::to_string(TailBegin - HeadEnd) + " bytes]..." +
         Tail;
}
