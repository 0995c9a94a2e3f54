//===- FloatTest.cpp - floating-point instructions and conversions --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include <cmath>
#include <limits>
#include <random>

using namespace m1::ptx;

namespace {
constexpr uint64_t NaN32 = 0x7FFFFFFF; // the one that PTX gives
const float Infinity = std::numeric_limits<float>::infinity();
const uint64_t Quiet = bits(std::numeric_limits<float>::quiet_NaN());

TEST(Float, RoundsToNearest) {
  EXPECT_EQ(evaluate("add.rn.f32 %OF, %AF, %BF;", bits(16777216.f), bits(1.f)),
            bits(16777216.f));
  EXPECT_EQ(evaluate("add.f32 %OF, %AF, %BF;", bits(16777216.f), bits(3.f)),
            bits(16777220.f));
  EXPECT_EQ(evaluate("sub.f32 %OF, %AF, %BF;", bits(1.f), bits(1e-9f)),
            bits(1.f));
  // One rounding instead of two.
  EXPECT_EQ(evaluate("fma.rn.f32 %OF, %AF, %AF, %CF;", bits(1 + 0x1p-12f), 0,
                     bits(-1 - 0x1p-11f)),
            bits(0x1p-24f));
  EXPECT_EQ(evaluate("mul.rn.f32 %f1, %AF, %AF; add.rn.f32 %OF, %f1, %CF;",
                     bits(1 + 0x1p-12f), 0, bits(-1 - 0x1p-11f)),
            bits(0.f));
  EXPECT_EQ(evaluate("fma.rn.f64 %OD, %AD, %BD, %CD;", bits(1 + 0x1p-30),
                     bits(1 - 0x1p-30), bits(-1.0)),
            bits(-0x1p-60));
  EXPECT_EQ(evaluate("div.rn.f32 %OF, %AF, %BF;", bits(1.f), bits(3.f)),
            bits(1.f / 3));
  EXPECT_EQ(evaluate("div.rn.f64 %OD, %AD, %BD;", bits(1.0), bits(3.0)),
            bits(1.0 / 3));
  EXPECT_EQ(evaluate("sqrt.rn.f32 %OF, %AF;", bits(2.f)), bits(std::sqrt(2.f)));
  EXPECT_EQ(evaluate("rcp.rn.f32 %OF, %AF;", bits(7.f)), bits(1.f / 7));
  EXPECT_EQ(evaluate("rcp.rn.f64 %OD, %AD;", bits(7.0)), bits(1.0 / 7));
}

TEST(Float, NaNIsOnePattern) {
  EXPECT_EQ(evaluate("add.rn.f32 %OF, %AF, %BF;", 0xFFC12345, bits(1.f)),
            NaN32);
  EXPECT_EQ(
      evaluate("sub.rn.f32 %OF, %AF, %BF;", bits(Infinity), bits(Infinity)),
      NaN32);
  EXPECT_EQ(evaluate("sqrt.rn.f32 %OF, %AF;", bits(-1.f)), NaN32);
  EXPECT_EQ(evaluate("add.f16 %O16, %A16, %B16;", 0x7C00, 0xFC00), 0x7FFFu);
}

TEST(Float, ExtremesAndNaN) {
  EXPECT_EQ(evaluate("max.f32 %OF, %AF, %BF;", Quiet, bits(1.f)), bits(1.f));
  EXPECT_EQ(evaluate("min.f32 %OF, %AF, %BF;", bits(1.f), Quiet), bits(1.f));
  EXPECT_EQ(evaluate("max.f32 %OF, %AF, %BF;", Quiet, Quiet), NaN32);
  EXPECT_EQ(evaluate("max.NaN.f32 %OF, %AF, %BF;", Quiet, bits(1.f)), NaN32);
  EXPECT_EQ(evaluate("max.f32 %OF, %AF, %BF;", bits(-0.f), bits(0.f)), 0u);
  EXPECT_EQ(evaluate("min.f32 %OF, %AF, %BF;", bits(0.f), bits(-0.f)),
            bits(-0.f));
  EXPECT_EQ(evaluate("min.f64 %OD, %AD, %BD;", bits(2.0), bits(-3.0)),
            bits(-3.0));
  EXPECT_EQ(evaluate("max.bf16x2 %O32, %A32, %B32;", 0x3F80C000, 0xBF804000),
            0x3F804000u);
}

TEST(Float, FlushesAndSaturates) {
  const uint64_t Small = 0x00400000; // subnormal
  EXPECT_EQ(evaluate("add.rn.f32 %OF, %AF, %BF;", Small, Small), 0x00800000u);
  EXPECT_EQ(evaluate("add.rn.ftz.f32 %OF, %AF, %BF;", Small, Small), 0u);
  EXPECT_EQ(evaluate("mul.rn.ftz.f32 %OF, %AF, %BF;", bits(-0x1p-100f),
                     bits(0x1p-40f)),
            bits(-0.f));
  EXPECT_EQ(evaluate("setp.gt.ftz.f32 %OP, %AF, 0f00000000;", Small), 0u);
  EXPECT_EQ(evaluate("setp.gt.f32 %OP, %AF, 0f00000000;", Small), 1u);
  EXPECT_EQ(evaluate("add.sat.f32 %OF, %AF, %BF;", bits(1.f), bits(1.f)),
            bits(1.f));
  EXPECT_EQ(evaluate("add.sat.f32 %OF, %AF, %BF;", bits(-1.f), bits(.5f)), 0u);
  EXPECT_EQ(evaluate("add.sat.f32 %OF, %AF, %BF;", Quiet, bits(.5f)), 0u);
}

TEST(Float, Signs) {
  EXPECT_EQ(evaluate("neg.f32 %OF, %AF;", bits(0.f)), bits(-0.f));
  EXPECT_EQ(evaluate("abs.f64 %OD, %AD;", bits(-2.5)), bits(2.5));
  EXPECT_EQ(evaluate("neg.bf16 %O16, %A16;", 0x3F80), 0xBF80u);
  EXPECT_EQ(evaluate("copysign.f32 %OF, %AF, %BF;", bits(-1.f), bits(3.f)),
            bits(-3.f));
  EXPECT_EQ(evaluate("testp.subnormal.f32 %OP, %AF;", 1), 1u);
  EXPECT_EQ(evaluate("testp.normal.f32 %OP, %AF;", 1), 0u);
  EXPECT_EQ(evaluate("testp.infinite.f64 %OP, %AD;", 0x7FF0ull << 48), 1u);
  EXPECT_EQ(evaluate("testp.notanumber.f32 %OP, %AF;", Quiet), 1u);
  EXPECT_EQ(evaluate("testp.finite.f32 %OP, %AF;", bits(-Infinity)), 0u);
}

TEST(Float, ApproximateFunctions) {
  auto Near = [](std::string_view Name, float X, double Expected) {
    const std::string Text = std::string(Name) + " %OF, %AF;";
    const float Got = std::bit_cast<float>(uint32_t(evaluate(Text, bits(X))));
    EXPECT_NEAR(Got, Expected, std::fabs(Expected) * 1e-6) << Name;
  };
  Near("ex2.approx.f32", 1.5f, 2.8284271247461903);
  Near("ex2.approx.ftz.f32", -10.f, 1. / 1024);
  Near("lg2.approx.f32", 10.f, 3.321928094887362);
  Near("rsqrt.approx.f32", 4.f, 0.5);
  Near("sin.approx.f32", 1.f, 0.8414709848078965);
  Near("cos.approx.f32", 1.f, 0.5403023058681398);
  Near("tanh.approx.f32", 0.5f, 0.46211715726000975);
  Near("rcp.approx.ftz.f32", 3.f, 1. / 3);
  Near("sqrt.approx.f32", 3.f, 1.7320508075688772);
  EXPECT_EQ(evaluate("div.full.f32 %OF, %AF, %BF;", bits(1.f), bits(4.f)),
            bits(.25f));
  EXPECT_EQ(evaluate("div.approx.f32 %OF, %AF, %BF;", bits(1.f), bits(4.f)),
            bits(.25f));
  EXPECT_EQ(evaluate("ex2.approx.f32 %OF, %AF;", bits(-Infinity)), 0u);
  EXPECT_EQ(evaluate("lg2.approx.f32 %OF, %AF;", 0), bits(-Infinity));
}

TEST(Float, SixteenBits) {
  // 1 + 2^-8 in bf16 is a tie that goes to even, 1 + 3 2^-8 the other way.
  EXPECT_EQ(evaluate("add.bf16 %O16, %A16, %B16;", 0x3F80, 0x3B80), 0x3F80u);
  EXPECT_EQ(evaluate("add.bf16 %O16, %A16, %B16;", 0x3F81, 0x3B80), 0x3F82u);
  // The remainder breaks a tie, however small it is.
  EXPECT_EQ(
      evaluate("fma.rn.bf16 %O16, %A16, %B16, %C16;", 0x0F80, 0x0F80, 0x3F81),
      0x3F81u);
  EXPECT_EQ(evaluate("fma.rn.f16 %O16, %A16, %A16, %C16;", 0x3C03, 0, 0xBC00),
            0x1E02u); // (1 + 3e)^2 - 1 = 6e + 9e^2 with e = 2^-10
  EXPECT_EQ(evaluate("mul.f16 %O16, %A16, %B16;", 0x7BFF, 0x4000), 0x7C00u);
  EXPECT_EQ(evaluate("fma.rn.f16x2 %O32, %A32, %B32, %C32;", 0x3C004000,
                     0x42003C00, 0x3C003C00),
            0x44004200u); // 1 * 3 + 1, 2 * 1 + 1
  EXPECT_EQ(evaluate("fma.rn.bf16x2 %O32, %A32, %B32, %C32;", 0x3F804000,
                     0x40403F80, 0x3F803F80),
            0x40804040u);
  EXPECT_EQ(evaluate("setp.lt.f16 %OP, %A16, %B16;", 0xBC00, 0x0001), 1u);
  EXPECT_EQ(evaluate("setp.eq.bf16 %OP, %A16, %B16;", 0x8000, 0), 1u);
  EXPECT_EQ(evaluate("tanh.approx.bf16 %O16, %A16;", 0x4120), 0x3F80u);
  EXPECT_EQ(evaluate("ex2.approx.f16 %O16, %A16;", 0x4200), 0x4800u);
}

TEST(Float, UnorderedComparisons) {
  struct Case {
    const char *Name;
    bool Less, Equal, Greater, Unordered;
  };
  // As the table of comparison operators in the PTX ISA.
  for (const Case &C : std::vector<Case>{{"eq", false, true, false, false},
                                         {"ne", true, false, true, false},
                                         {"lt", true, false, false, false},
                                         {"le", true, true, false, false},
                                         {"gt", false, false, true, false},
                                         {"ge", false, true, true, false},
                                         {"equ", false, true, false, true},
                                         {"neu", true, false, true, true},
                                         {"ltu", true, false, false, true},
                                         {"leu", true, true, false, true},
                                         {"gtu", false, false, true, true},
                                         {"geu", false, true, true, true},
                                         {"num", true, true, true, false},
                                         {"nan", false, false, false, true}}) {
    const std::string Text =
        std::string("setp.") + C.Name + ".f32 %OP, %AF, %BF;";
    EXPECT_EQ(evaluate(Text, bits(1.f), bits(2.f)), C.Less) << C.Name;
    EXPECT_EQ(evaluate(Text, bits(2.f), bits(2.f)), C.Equal) << C.Name;
    EXPECT_EQ(evaluate(Text, bits(3.f), bits(2.f)), C.Greater) << C.Name;
    EXPECT_EQ(evaluate(Text, Quiet, bits(2.f)), C.Unordered) << C.Name;
    EXPECT_EQ(evaluate(Text, bits(2.f), Quiet), C.Unordered) << C.Name;
  }
}

TEST(Convert, Integers) {
  EXPECT_EQ(evaluate("cvt.s64.s32 %O64, %A32;", 0x80000000),
            0xFFFFFFFF80000000);
  EXPECT_EQ(evaluate("cvt.u64.u32 %O64, %A32;", 0x80000000), 0x80000000);
  EXPECT_EQ(evaluate("cvt.u16.u32 %O16, %A32;", 0x12345678), 0x5678u);
  EXPECT_EQ(evaluate("cvt.s32.s8 %O32, %A32;", 0x180), 0xFFFFFF80u);
  EXPECT_EQ(evaluate("cvt.u32.u8 %O32, %A16;", 0x180), 0x80u);
  EXPECT_EQ(evaluate("cvt.sat.u8.s32 %O32, %A32;", uint32_t(-5)), 0u);
  EXPECT_EQ(evaluate("cvt.sat.u8.s32 %O32, %A32;", 300), 255u);
  EXPECT_EQ(evaluate("cvt.sat.s16.s32 %O16, %A32;", uint32_t(-40000)), 0x8000u);
}

TEST(Convert, FloatsToIntegers) {
  EXPECT_EQ(evaluate("cvt.rzi.s32.f32 %O32, %AF;", bits(-2.7f)), uint32_t(-2));
  EXPECT_EQ(evaluate("cvt.rni.s32.f32 %O32, %AF;", bits(2.5f)), 2u);
  EXPECT_EQ(evaluate("cvt.rni.s32.f32 %O32, %AF;", bits(3.5f)), 4u);
  EXPECT_EQ(evaluate("cvt.rmi.s32.f32 %O32, %AF;", bits(-2.1f)), uint32_t(-3));
  EXPECT_EQ(evaluate("cvt.rpi.u32.f32 %O32, %AF;", bits(2.1f)), 3u);
  EXPECT_EQ(evaluate("cvt.rzi.s32.f32 %O32, %AF;", bits(3e9f)), 0x7FFFFFFFu);
  EXPECT_EQ(evaluate("cvt.rzi.s32.f32 %O32, %AF;", bits(-3e9f)), 0x80000000u);
  EXPECT_EQ(evaluate("cvt.rzi.u32.f32 %O32, %AF;", bits(-1.f)), 0u);
  EXPECT_EQ(evaluate("cvt.rzi.u64.f32 %O64, %AF;", bits(0x1p64f)), ~0ull);
  EXPECT_EQ(evaluate("cvt.rzi.s64.f64 %O64, %AD;", bits(-0x1p63)), 1ull << 63);
  // NaN converts to 0, or from f64 or to 64 bits to the value with only the top
  // bit set.
  EXPECT_EQ(evaluate("cvt.rzi.s32.f32 %O32, %AF;", Quiet), 0u);
  EXPECT_EQ(evaluate("cvt.rzi.s64.f32 %O64, %AF;", Quiet), 1ull << 63);
  EXPECT_EQ(evaluate("cvt.rzi.u32.f64 %O32, %AD;", 0x7FF8ull << 48),
            0x80000000u);
}

TEST(Convert, IntegersToFloats) {
  const uint64_t Wide = 0x1000001; // one more than f32 can hold
  EXPECT_EQ(evaluate("cvt.rn.f32.u32 %OF, %A32;", Wide), bits(16777216.f));
  EXPECT_EQ(evaluate("cvt.rp.f32.u32 %OF, %A32;", Wide), bits(16777218.f));
  EXPECT_EQ(evaluate("cvt.rz.f32.s32 %OF, %A32;", uint32_t(-Wide - 2)),
            bits(-16777218.f));
  EXPECT_EQ(evaluate("cvt.rm.f32.s32 %OF, %A32;", uint32_t(-Wide)),
            bits(-16777218.f));
  EXPECT_EQ(evaluate("cvt.rn.f64.s64 %OD, %A64;", (1ull << 53) + 1),
            bits(0x1p53));
  EXPECT_EQ(evaluate("cvt.rp.f64.u64 %OD, %A64;", ~0ull), bits(0x1p64));
  EXPECT_EQ(evaluate("cvt.rz.f64.u64 %OD, %A64;", ~0ull),
            bits(0x1p64 - 0x1p11));
  EXPECT_EQ(evaluate("cvt.rn.f16.s32 %O16, %A32;", 2049), 0x6800u);
  EXPECT_EQ(evaluate("cvt.rn.f16.s32 %O16, %A32;", 100000), 0x7C00u);
}

TEST(Convert, Floats) {
  EXPECT_EQ(evaluate("cvt.f64.f32 %OD, %AF;", bits(0.1f)), bits(double(0.1f)));
  EXPECT_EQ(evaluate("cvt.rn.f32.f64 %OF, %AD;", bits(0.1)), bits(0.1f));
  EXPECT_EQ(evaluate("cvt.rm.f32.f64 %OF, %AD;", bits(1 + 0x1p-24 + 0x1p-40)),
            bits(1.f));
  EXPECT_EQ(evaluate("cvt.rp.f32.f64 %OF, %AD;", bits(1 + 0x1p-40)),
            bits(1 + 0x1p-23f));
  EXPECT_EQ(evaluate("cvt.rz.f32.f64 %OF, %AD;", bits(1e300)),
            bits(std::numeric_limits<float>::max()));
  EXPECT_EQ(evaluate("cvt.rmi.f32.f32 %OF, %AF;", bits(-1.5f)), bits(-2.f));
  EXPECT_EQ(evaluate("cvt.rni.f64.f64 %OD, %AD;", bits(-0.4)), bits(-0.0));
  EXPECT_EQ(evaluate("cvt.sat.f32.f32 %OF, %AF;", bits(1.5f)), bits(1.f));
  EXPECT_EQ(evaluate("cvt.ftz.f64.f32 %OD, %AF;", 1), 0u);
  EXPECT_EQ(evaluate("cvt.f32.f16 %OF, %A16;", 0x0001), bits(0x1p-24f));
  EXPECT_EQ(evaluate("cvt.f32.bf16 %OF, %A16;", 0x3FC0), bits(1.5f));
  EXPECT_EQ(evaluate("cvt.rn.f16.f32 %O16, %AF;", bits(65520.f)), 0x7C00u);
  EXPECT_EQ(evaluate("cvt.rz.f16.f32 %O16, %AF;", bits(65520.f)), 0x7BFFu);
  EXPECT_EQ(evaluate("cvt.rn.f16.f32 %O16, %AF;", bits(0x1.8p-25f)), 0x0001u);
  EXPECT_EQ(evaluate("cvt.rn.bf16.f32 %O16, %AF;", 0x3F808000), 0x3F80u);
  EXPECT_EQ(evaluate("cvt.rn.bf16.f32 %O16, %AF;", 0x3F808001), 0x3F81u);
  EXPECT_EQ(evaluate("cvt.rn.bf16x2.f32 %O32, %AF, %BF;", bits(2.f), bits(1.f)),
            0x40003F80u);
  EXPECT_EQ(evaluate("cvt.rn.f16x2.f32 %O32, %AF, %BF;", bits(2.f), bits(1.f)),
            0x40003C00u);
  EXPECT_EQ(evaluate("cvt.rna.tf32.f32 %O32, %AF;", 0x3F801000), 0x3F802000u);
  EXPECT_EQ(evaluate("cvt.rna.tf32.f32 %O32, %AF;", 0xBF800FFF), 0xBF800000u);
}
} // namespace
