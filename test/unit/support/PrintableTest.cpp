//===- PrintableTest.cpp - text from elsewhere on a terminal --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Printable.h"

#include <gtest/gtest.h>

using namespace m1;

namespace {
TEST(Printable, KeepsLetters) {
  for (const char *Text :
       {"", "model.layers.0.weight", "Größe", "模型/重み.safetensors", "🤖",
        "\xd9\x85\xe2\x80\x8c\xd9\x85", // a non-joiner, which Persian needs
        "\xf4\x8f\xbf\xbd", "a\\u001b"})
    EXPECT_EQ(printable(Text), Text);
}

TEST(Printable, EscapesWhatTerminalsObey) {
  EXPECT_EQ(printable("a\n\t\x1b[31mb\x7f"), "a\\n\\u0009\\u001b[31mb\\u007f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\u0000b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2\x85"),
            "\\u009b31m\\u0085");
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u202eb"); // right to left
  EXPECT_EQ(printable("a\xe2\x81\xa6"
                      "b"),
            "a\\u2066b"); // isolate
  EXPECT_EQ(printable("a\xe2\x80\xa8"
                      "b"),
            "a\\u2028b"); // line separator
  EXPECT_EQ(printable("\xef\xbb\xbf"
                      "a"),
            "\\ufeffa");                                   // byte order mark
  EXPECT_EQ(printable("\xf3\xa0\x81\xa1"), "\\U000e0061"); // tag
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\xff"), "a\\xff");
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m"); // CSI in one byte
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("\xc3("), "\\xc3(");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                   // overlong
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");          // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");          // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); // > 10FFFF
}

TEST(Printable, LeavesOutTheMiddleOfLongText) {
  std::string Long = "begin" + std::string(1 << 20, '-') + "end";
  std::string Short = printable(Long);
  EXPECT_LE(Short.size(), kMaxPrintableBytes);
  EXPECT_GT(Short.size(), kMaxPrintableBytes - 30);
  EXPECT_TRUE(Short.starts_with("begin---"));
  EXPECT_TRUE(Short.ends_with("---end"));
  EXPECT_NE(Short.find("---...[1044528 bytes]...---"), std::string::npos)
      << Short;
  EXPECT_EQ(printable(Short), Short);
  EXPECT_EQ(printable(Long, SIZE_MAX), Long);
  std::string Most(kMaxPrintableBytes, '-');
  EXPECT_EQ(printable(Most), Most);
}

TEST(Printable, CutsBetweenCharacters) {
  std::string Letters, Controls;
  for (int I = 0; I < 2000; ++I) {
    Letters += "模";
    Controls += "\x1b";
  }
  for (size_t Limit : {100u, 101u, 102u, 103u, 104u}) {
    std::string Short = printable(Letters, Limit);
    EXPECT_LE(Short.size(), Limit);
    EXPECT_EQ(Short.find('\\'), std::string::npos) << Short;
    EXPECT_TRUE(Short.ends_with("模"));
    Short = printable(Controls, Limit);
    EXPECT_LE(Short.size(), Limit);
    EXPECT_TRUE(Short.starts_with("\\u001b\\u001b"));
    EXPECT_TRUE(Short.ends_with("...\\u001b\\u001b\\u001b\\u001b\\u001b"));
  }
}
} // namespace
