//===- Error.cpp - one-line errors ----------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Error.h"

#include <cstdint>
#include <cstdio>

using namespace m1;

std::string m1::printable(std::string_view Text) {
  auto Byte = [&](size_t I) {
    return I < Text.size() ? static_cast<uint8_t>(Text[I]) : 0;
  };
  std::string Result;
  for (size_t I = 0; I < Text.size(); ++I) {
    unsigned Code = Byte(I);
    // U+0080 to U+009F are two bytes of UTF-8.
    if (Code == 0xC2 && Byte(I + 1) >= 0x80 && Byte(I + 1) < 0xA0)
      Code = Byte(++I);
    else if (Code >= 0x20 && Code != 0x7F) {
      Result += Text[I];
      continue;
    }
    if (Code == '\n') {
      Result += "\\n";
      continue;
    }
    char Escape[8];
    std::snprintf(Escape, sizeof Escape, "\\u%04x", Code);
    Result += Escape;
  }
  return Result;
}
