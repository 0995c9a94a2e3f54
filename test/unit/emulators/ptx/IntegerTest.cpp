//===- IntegerTest.cpp - integer instructions -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include <random>

using namespace m1::ptx;

namespace {
constexpr uint64_t All32 = 0xFFFFFFFF;

TEST(Integer, SumsWrapAround) {
  EXPECT_EQ(evaluate("add.s32 %O32, %A32, %B32;", 0x7FFFFFFF, 1), 0x80000000);
  EXPECT_EQ(evaluate("add.s64 %O64, %A64, -1;", 0), ~0ull);
  EXPECT_EQ(evaluate("add.u16 %O16, %A16, %B16;", 0xFFFF, 3), 2u);
  EXPECT_EQ(evaluate("sub.u32 %O32, %A32, %B32;", 3, 5), All32 - 1);
  EXPECT_EQ(evaluate("neg.s32 %O32, %A32;", 0x80000000), 0x80000000);
  EXPECT_EQ(evaluate("abs.s32 %O32, %A32;", uint32_t(-7)), 7u);
  EXPECT_EQ(evaluate("sad.s32 %O32, %A32, %B32, %C32;", uint32_t(-7), 3, 100),
            110u);
  EXPECT_EQ(evaluate("sad.u32 %O32, %A32, %B32, %C32;", 2, All32, 0),
            All32 - 2);
}

TEST(Integer, CarriesPropagate) {
  // 128 bits in two halves.
  EXPECT_EQ(evaluate("add.cc.s64 %rd5, %A64, %B64; addc.s64 %O64, %C64, 5;",
                     ~0ull, 1, 7),
            13u);
  EXPECT_EQ(evaluate("add.cc.s64 %rd5, %A64, %B64; addc.s64 %O64, %C64, 5;",
                     ~0ull, 0, 7),
            12u);
  EXPECT_EQ(
      evaluate("sub.cc.s32 %r5, %A32, %B32; subc.s32 %O32, %C32, 5;", 1, 2, 7),
      1u);
}

TEST(Integer, ProductsHaveTwoHalves) {
  EXPECT_EQ(evaluate("mul.lo.s32 %O32, %A32, %B32;", 0x10001, 0x10001),
            0x20001u);
  EXPECT_EQ(evaluate("mul.lo.u16 %O16, %A16, %B16;", 0xFFFF, 0xFFFF), 1u);
  EXPECT_EQ(evaluate("mul.hi.u32 %O32, %A32, %B32;", All32, All32), All32 - 1);
  EXPECT_EQ(evaluate("mul.hi.s32 %O32, %A32, %B32;", All32, 1), All32);
  EXPECT_EQ(evaluate("mul.hi.u64 %O64, %A64, %B64;", ~0ull, ~0ull), ~0ull - 1);
  EXPECT_EQ(evaluate("mul.hi.s64 %O64, %A64, %B64;", ~0ull, ~0ull), 0u);
  EXPECT_EQ(evaluate("mul.wide.s32 %O64, %A32, %B32;", All32, 5), uint64_t(-5));
  EXPECT_EQ(evaluate("mul.wide.u32 %O64, %A32, %B32;", All32, 5), All32 * 5);
  EXPECT_EQ(evaluate("mul.wide.s16 %O32, %A16, %B16;", 0xFFFF, 2), All32 - 1);
  EXPECT_EQ(evaluate("mad.lo.s32 %O32, %A32, %B32, %C32;", 7, 8, 9), 65u);
  EXPECT_EQ(evaluate("mad.wide.u32 %O64, %A32, %B32, %C64;", All32, 2, 3),
            All32 * 2 + 3);
  EXPECT_EQ(evaluate("mad.hi.u32 %O32, %A32, %B32, %C32;", 1u << 31, 4, 9),
            11u);
}

TEST(Integer, QuotientsTruncate) {
  EXPECT_EQ(evaluate("div.s32 %O32, %A32, %B32;", uint32_t(-7), 2),
            uint32_t(-3));
  EXPECT_EQ(evaluate("rem.s32 %O32, %A32, %B32;", uint32_t(-7), 2), All32);
  EXPECT_EQ(evaluate("div.u32 %O32, %A32, %B32;", uint32_t(-7), 2),
            0x7FFFFFFCu);
  EXPECT_EQ(evaluate("div.s64 %O64, %A64, %B64;", 1ull << 63, ~0ull),
            1ull << 63);
  EXPECT_EQ(evaluate("rem.s64 %O64, %A64, %B64;", 1ull << 63, ~0ull), 0u);
  EXPECT_EQ(evaluate("rem.u16 %O16, %A16, %B16;", 50000, 7), 50000u % 7);
}

TEST(Integer, Extremes) {
  EXPECT_EQ(evaluate("min.s32 %O32, %A32, %B32;", All32, 1), All32);
  EXPECT_EQ(evaluate("min.u32 %O32, %A32, %B32;", All32, 1), 1u);
  EXPECT_EQ(evaluate("max.s64 %O64, %A64, %B64;", ~0ull, 1), 1u);
  EXPECT_EQ(evaluate("max.u64 %O64, %A64, %B64;", ~0ull, 1), ~0ull);
  EXPECT_EQ(evaluate("max.s16 %O16, %A16, %B16;", 0x8000, 3), 3u);
}

TEST(Integer, ShiftsClamp) {
  EXPECT_EQ(evaluate("shl.b32 %O32, %A32, %B32;", 3, 31), 0x80000000);
  EXPECT_EQ(evaluate("shl.b32 %O32, %A32, %B32;", 3, 32), 0u);
  EXPECT_EQ(evaluate("shl.b64 %O64, %A64, %B32;", 3, 63), 1ull << 63);
  EXPECT_EQ(evaluate("shr.u32 %O32, %A32, %B32;", 0x80000000, 31), 1u);
  EXPECT_EQ(evaluate("shr.u32 %O32, %A32, %B32;", 0x80000000, All32), 0u);
  EXPECT_EQ(evaluate("shr.s32 %O32, %A32, %B32;", 0x80000000, 99), All32);
  EXPECT_EQ(evaluate("shr.s64 %O64, %A64, 4;", 1ull << 63), 0xF8ull << 56);
  EXPECT_EQ(evaluate("shr.s16 %O16, %A16, 4;", 0x8000), 0xF800u);
  EXPECT_EQ(evaluate("shr.u16 %O16, %A16, 4;", 0x8000), 0x0800u);
  EXPECT_EQ(evaluate("shf.l.wrap.b32 %O32, %A32, %B32, %C32;", 0x80000001,
                     0x12345678, 36),
            0x23456788u);
  EXPECT_EQ(evaluate("shf.l.clamp.b32 %O32, %A32, %B32, %C32;", 0x80000001,
                     0x12345678, 36),
            0x80000001u);
  EXPECT_EQ(evaluate("shf.r.wrap.b32 %O32, %A32, %B32, %C32;", 0x80000001,
                     0x12345678, 4),
            0x88000000u);
  EXPECT_EQ(evaluate("shf.r.clamp.b32 %O32, %A32, %B32, %C32;", 0x80000001,
                     0x12345678, 40),
            0x12345678u);
}

TEST(Integer, Bits) {
  EXPECT_EQ(evaluate("and.b32 %O32, %A32, %B32;", 12, 10), 8u);
  EXPECT_EQ(evaluate("or.b16 %O16, %A16, %B16;", 12, 10), 14u);
  EXPECT_EQ(evaluate("xor.b64 %O64, %A64, %B64;", 12, 10), 6u);
  EXPECT_EQ(evaluate("not.b32 %O32, %A32;", 0xF0), 0xFFFFFF0Fu);
  EXPECT_EQ(evaluate("popc.b64 %O32, %A64;", 0xF0F0ull << 40), 8u);
  EXPECT_EQ(evaluate("clz.b32 %O32, %A32;", 1), 31u);
  EXPECT_EQ(evaluate("clz.b64 %O32, %A64;", 0), 64u);
  EXPECT_EQ(evaluate("brev.b32 %O32, %A32;", 0x80000002), 0x40000001u);
  EXPECT_EQ(evaluate("bfind.u32 %O32, %A32;", 0x00F00000), 23u);
  EXPECT_EQ(evaluate("bfind.s32 %O32, %A32;", 0xFFFFFFF0), 3u);
  EXPECT_EQ(evaluate("bfind.s32 %O32, %A32;", All32), All32);
  EXPECT_EQ(evaluate("bfind.shiftamt.u64 %O32, %A64;", 1), 63u);
  EXPECT_EQ(evaluate("bfe.u32 %O32, %A32, %B32, %C32;", 0xABCD1234, 8, 8),
            0x12u);
  EXPECT_EQ(evaluate("bfe.s32 %O32, %A32, 16, 16;", 0xABCD1234), 0xFFFFABCDu);
  // Bits beyond the top repeat the sign.
  EXPECT_EQ(evaluate("bfe.s32 %O32, %A32, 28, 8;", 0xABCD1234), 0xFFFFFFFAu);
  EXPECT_EQ(evaluate("bfe.u32 %O32, %A32, 28, 8;", 0xABCD1234), 0xAu);
  EXPECT_EQ(evaluate("bfe.u64 %O64, %A64, 60, 4;", 0x9ull << 60), 9u);
  EXPECT_EQ(evaluate("bfi.b32 %O32, %A32, %B32, 8, 4;", 0xFF, 0), 0xF00u);
  EXPECT_EQ(evaluate("bfi.b32 %O32, %A32, %B32, 28, 8;", 0xFF, 1), 0xF0000001u);
  EXPECT_EQ(evaluate("bfi.b64 %O64, %A64, %B64, 0, 64;", 5, ~0ull), 5u);
  EXPECT_EQ(
      evaluate("prmt.b32 %O32, %A32, %B32, 0x7531;", 0x33221100, 0x77665544),
      0x77553311u);
  EXPECT_EQ(
      evaluate("prmt.b32 %O32, %A32, %B32, 0x8F8B;", 0x80221100, 0x77665544),
      0x000000FFu);
  // a ? b : c, and the parity.
  EXPECT_EQ(evaluate("lop3.b32 %O32, %A32, %B32, %C32, 0xCA;", 0xFF00,
                     0x12345678, 0x9ABCDEF0),
            0x9ABC56F0u);
  EXPECT_EQ(evaluate("lop3.b32 %O32, %A32, %B32, %C32, 0x96;", 5, 3, 1), 7u);
}

// Full warps take another code path than partial ones: test both on random
// numbers.
TEST(Integer, WholeWarpsAgreeWithSingleLanes) {
  std::mt19937_64 Random(7);
  std::vector<std::array<uint64_t, 3>> Operands(64);
  for (auto &O : Operands)
    O = {Random(), Random(), Random() % 70};
  const std::string_view Instructions =
      "mad.lo.s32 %r1, %A32, %B32, %C32; shr.s32 %r2, %r1, %C32;"
      "bfe.s32 %r3, %A32, %C32, 9; xor.b32 %r4, %r2, %r3;"
      "@%p0 add.s32 %r4, %r4, 1; mul.hi.s32 %O32, %r4, %B32;";
  const std::string Whole =
      std::string("setp.eq.u32 %p0, 0, 1;") + std::string(Instructions);
  std::vector<uint64_t> Together = evaluate(Whole, Operands);
  for (size_t N = 0; N < Operands.size(); ++N) {
    const auto [A, B, C] = Operands[N];
    EXPECT_EQ(Together[N], evaluate(Whole, A, B, C));
    const int32_t Sum = int32_t(uint32_t(A) * uint32_t(B) + uint32_t(C));
    const int32_t Shifted = C >= 32 ? (Sum < 0 ? -1 : 0) : Sum >> C;
    // Nine bits from C on: those above the top are copies of it.
    const unsigned At = std::min<uint64_t>(C, 31);
    const int64_t Field = int64_t(int32_t(A)) >> At;
    const int32_t Extracted = int32_t(Field << 55 >> 55);
    const int32_t Mixed = Shifted ^ Extracted;
    EXPECT_EQ(uint32_t(Together[N]),
              uint32_t(int64_t(Mixed) * int32_t(uint32_t(B)) >> 32));
  }
}

TEST(Logic, ComparesBySignAndNot) {
  EXPECT_EQ(evaluate("setp.lt.s32 %OP, %A32, %B32;", All32, 1), 1u);
  EXPECT_EQ(evaluate("setp.lt.u32 %OP, %A32, %B32;", All32, 1), 0u);
  EXPECT_EQ(evaluate("setp.hi.u32 %OP, %A32, %B32;", All32, 1), 1u);
  EXPECT_EQ(evaluate("setp.ls.u64 %OP, %A64, %B64;", 1, 1), 1u);
  EXPECT_EQ(evaluate("setp.ne.b16 %OP, %A16, %B16;", 0x10001, 1), 0u);
  EXPECT_EQ(evaluate("setp.ge.s16 %OP, %A16, %B16;", 0x8000, 0), 0u);
  EXPECT_EQ(evaluate("setp.eq.s64 %OP, %A64, -1;", ~0ull), 1u);
}

TEST(Logic, CombinesPredicates) {
  // p = (1 < 2) and c, q = !(1 < 2) and c.
  const char *Both = "setp.ne.s32 %p1, %C32, 0;"
                     "setp.lt.and.s32 %p2|%p3, %A32, %B32, %p1;"
                     "selp.u32 %r1, 1, 0, %p2; selp.u32 %r2, 2, 0, %p3;"
                     "or.b32 %O32, %r1, %r2;";
  EXPECT_EQ(evaluate(Both, 1, 2, 1), 1u);
  EXPECT_EQ(evaluate(Both, 2, 1, 1), 2u);
  EXPECT_EQ(evaluate(Both, 1, 2, 0), 0u);
  EXPECT_EQ(evaluate("setp.ne.s32 %p1, %C32, 0;"
                     "setp.eq.or.s32 %OP, %A32, %B32, !%p1;",
                     1, 2, 0),
            1u);
  EXPECT_EQ(evaluate("setp.ne.s32 %p1, %A32, 0; setp.ne.s32 %p2, %B32, 0;"
                     "not.pred %p3, %p2; xor.pred %p4, %p1, %p3;"
                     "and.pred %p5, %p4, %p2; or.pred %OP, %p5, %p3;",
                     0, 5),
            0u);
  EXPECT_EQ(evaluate("set.lt.u32.s32 %O32, %A32, %B32;", 1, 2), All32);
  EXPECT_EQ(evaluate("set.gt.f32.s32 %OF, %A32, %B32;", 2, 1), bits(1.0f));
}

TEST(Logic, ChoosesAndMoves) {
  EXPECT_EQ(evaluate("setp.eq.s32 %p1, %C32, 1;"
                     "selp.b64 %O64, %A64, %B64, %p1;",
                     7, 8, 1),
            7u);
  EXPECT_EQ(evaluate("slct.u32.s32 %O32, %A32, %B32, %C32;", 7, 8, All32), 8u);
  EXPECT_EQ(evaluate("slct.u32.f32 %O32, %A32, %B32, %CF;", 7, 8, bits(-0.0f)),
            7u);
  EXPECT_EQ(evaluate("mov.b32 {%h1, %h2}, %A32; mov.b32 %O32, {%h2, %h1};",
                     0x12345678),
            0x56781234u);
  EXPECT_EQ(evaluate("mov.b64 {%r1, %r2}, %A64; mov.b64 %O64, {%r2, %r1};",
                     0x1234567890ABCDEF),
            0x90ABCDEF12345678u);
  EXPECT_EQ(evaluate("mov.b64 {%h1, %h2, %h3, %h4}, %A64;"
                     "mov.b64 %O64, {%h4, %h3, %h2, %h1};",
                     0x1111222233334444),
            0x4444333322221111u);
  EXPECT_EQ(
      evaluate("{ .reg .b16 tmp; mov.b32 {tmp, %O16}, %A32; }", 0x12345678),
      0x1234u);
}
} // namespace
