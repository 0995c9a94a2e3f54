//===- MatrixTest.cpp - matrix instructions -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include "runtime/emulators/ptx/Types.h"
#include "runtime/support/Error.h"

#include <random>

using namespace m1;
using namespace m1::ptx;

namespace {
/// Random numbers with few bits, so that sums of products are exact.
std::vector<double> numbers(size_t Count, unsigned Seed) {
  std::mt19937 Random(Seed);
  std::vector<double> Values(Count);
  for (double &V : Values)
    V = (int(Random() % 31) - 15) / 8.0;
  return Values;
}

/// The result of mma for 16 x K times K x 8 plus C, all row-major. The
/// registers are filled according to the definition of the fragments.
template <typename T>
std::vector<double> product(std::string_view Opcode, unsigned K, bool HalfC,
                            const std::vector<double> &A,
                            const std::vector<double> &B,
                            const std::vector<double> &C) {
  constexpr bool Wide = std::is_same_v<T, float>; // tf32
  const unsigned CountA = Wide ? K / 2 : K / 4, CountB = CountA / 2,
                 CountC = HalfC ? 2 : 4;
  auto Pack = [](double Low, double High) {
    if constexpr (Wide)
      return uint32_t(bits(float(Low)));
    else
      return uint32_t(T::round(High).Bits) << 16 | T::round(Low).Bits;
  };
  std::vector<uint32_t> In; // of each lane: A, B, C
  for (unsigned L = 0; L < 32; ++L) {
    const unsigned G = L / 4, T4 = L % 4;
    for (unsigned R = 0; R < CountA; ++R) {
      const unsigned Row = G + (R % 2 ? 8 : 0);
      const unsigned Column =
          Wide ? T4 + (R >= 2 ? 4 : 0) : 2 * T4 + (R >= 2 ? 8 : 0);
      In.push_back(
          Pack(A[Row * K + Column], Wide ? 0 : A[Row * K + Column + 1]));
    }
    for (unsigned R = 0; R < CountB; ++R) {
      const unsigned Row = Wide ? T4 + 4 * R : 2 * T4 + 8 * R;
      In.push_back(Pack(B[Row * 8 + G], Wide ? 0 : B[(Row + 1) * 8 + G]));
    }
    for (unsigned R = 0; R < CountC; ++R) {
      const unsigned Row = G + (HalfC ? 8 * R : R >= 2 ? 8 : 0);
      const double *Pair = &C[Row * 8 + 2 * T4];
      In.push_back(HalfC ? uint32_t(Half::round(Pair[1]).Bits) << 16 |
                               Half::round(Pair[0]).Bits
                         : uint32_t(bits(float(Pair[R % 2]))));
    }
  }
  const unsigned Count = CountA + CountB + CountC;
  std::string Body =
      concat("mul.lo.u32 %r63, %r0, ", 4 * Count,
             "; cvt.u64.u32 %rd2, %r63; add.s64 %rd1, %rd1, %rd2;"
             "mul.wide.u32 %rd3, %r0, 16; add.s64 %rd0, %rd0, %rd3;");
  auto List = [](std::string_view Kind, unsigned First, unsigned Number) {
    std::string Text;
    for (unsigned N = 0; N < Number; ++N)
      Text += concat(N ? ", %" : "{%", Kind, First + N);
    return concat(Text, "}");
  };
  for (unsigned N = 0; N < Count; ++N)
    Body += concat("ld.global.b32 %r", N, ", [%rd1+", 4 * N, "];\n");
  const unsigned AtC = CountA + CountB;
  if (!HalfC)
    for (unsigned N = 0; N < 4; ++N)
      Body += concat("mov.b32 %f", N, ", %r", AtC + N, ";\n");
  const std::string_view Kind = HalfC ? "r" : "f";
  Body += concat(Opcode, " ", List(Kind, 40, CountC), ", ",
                 List("r", 0, CountA), ", ", List("r", CountA, CountB), ", ",
                 List(Kind, HalfC ? AtC : 0, CountC), ";\n");
  for (unsigned N = 0; N < CountC; ++N)
    Body += concat("st.global.b32 [%rd0+", 4 * N, "], %", Kind, 40 + N, ";\n");

  Device D;
  const uint64_t To = D.undefined(32 * 16), From = D.buffer(In);
  absl::Status Ran = D.run(kernel(2, Body), {To, From});
  EXPECT_TRUE(Ran.ok()) << Ran;
  std::vector<double> Result(16 * 8);
  for (unsigned L = 0; Ran.ok() && L < 32; ++L) {
    std::vector<uint32_t> Words = D.values<uint32_t>(To + 16 * L, CountC);
    for (unsigned R = 0; R < 2; ++R)
      for (unsigned H = 0; H < 2; ++H)
        Result[(L / 4 + 8 * R) * 8 + 2 * (L % 4) + H] =
            HalfC ? double(Half{uint16_t(Words[R] >> (16 * H))})
                  : std::bit_cast<float>(Words[2 * R + H]);
  }
  return Result;
}

template <typename T>
void checkProduct(std::string_view Opcode, unsigned K, bool HalfC = false) {
  const std::vector<double> A = numbers(16 * K, 1), B = numbers(K * 8, 2),
                            C = numbers(16 * 8, 3);
  std::vector<double> Got = product<T>(Opcode, K, HalfC, A, B, C);
  for (unsigned Row = 0; Row < 16; ++Row)
    for (unsigned Column = 0; Column < 8; ++Column) {
      double Sum = C[Row * 8 + Column];
      for (unsigned Inner = 0; Inner < K; ++Inner)
        Sum += A[Row * K + Inner] * B[Inner * 8 + Column];
      if (HalfC)
        Sum = double(Half::round(Sum));
      ASSERT_EQ(Got[Row * 8 + Column], Sum) << Opcode << Row << "," << Column;
    }
}

TEST(Matrix, ProductsAreThoseOfTheFragments) {
  checkProduct<BFloat>("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
                       16);
  checkProduct<Half>("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16);
  checkProduct<Half>("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 16,
                     true);
  checkProduct<BFloat>("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", 8);
  checkProduct<Half>("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 8);
  checkProduct<Half>("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16", 8,
                     true);
  checkProduct<float>("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 8);
  checkProduct<float>("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 4);
}

TEST(Matrix, ProductsAreRoundedOnce) {
  // 2^24 + 1 - 2^24: rounding in between would lose the 1.
  std::vector<double> A(16 * 16), B(16 * 8, 1.0), C(16 * 8, -0x1p24);
  A[0] = 0x1p24;
  A[1] = 1;
  EXPECT_EQ(product<BFloat>("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16"
                            ".f32",
                            16, false, A, B, C)[0],
            1.0);
}

/// ldmatrix of `Count` matrices whose elements are their indices in memory.
std::vector<uint32_t> loadMatrix(unsigned Count, bool Transposed) {
  std::string Registers;
  for (unsigned N = 0; N < Count; ++N)
    Registers += concat(N ? ", %r1" : "{%r1", N);
  std::string Body = R"(
  .shared .align 16 .b8 tile[512];
  shl.b32 %r1, %r0, 4;
  mov.u32 %r2, tile;
  add.u32 %r3, %r2, %r1;
  mul.lo.u32 %r4, %r0, 0x80008;
  add.u32 %r4, %r4, 0x10000;
  add.u32 %r5, %r4, 0x20002;
  add.u32 %r6, %r4, 0x40004;
  add.u32 %r7, %r4, 0x60006;
  st.shared.v4.b32 [%r3], {%r4, %r5, %r6, %r7};
  bar.warp.sync -1;
  mul.wide.u32 %rd1, %r0, 16;
  add.s64 %rd0, %rd0, %rd1;
)";
  Body +=
      concat("ldmatrix.sync.aligned.m8n8.x", Count, Transposed ? ".trans" : "",
             ".shared.b16 ", Registers, "}, [%r3];\n");
  for (unsigned N = 0; N < Count; ++N)
    Body += concat("st.global.b32 [%rd0+", 4 * N, "], %r1", N, ";\n");
  Device D;
  const uint64_t Out = D.buffer(std::vector<uint32_t>(128));
  absl::Status Ran = D.run(kernel(1, Body), {Out});
  EXPECT_TRUE(Ran.ok()) << Ran;
  return D.values<uint32_t>(Out, 128);
}

TEST(Matrix, LoadsFragments) {
  for (unsigned Count : {1, 2, 4})
    for (bool Transposed : {false, true}) {
      std::vector<uint32_t> Got = loadMatrix(Count, Transposed);
      for (unsigned L = 0; L < 32; ++L)
        for (unsigned N = 0; N < Count; ++N) {
          const unsigned G = L / 4, T = L % 4;
          // Element (row, column) of matrix N has number 64 N + 8 row + column.
          const unsigned Low =
              64 * N + (Transposed ? 8 * (2 * T) + G : 8 * G + 2 * T);
          const unsigned High = Low + (Transposed ? 8 : 1);
          ASSERT_EQ(Got[4 * L + N], High << 16 | Low)
              << Count << Transposed << " lane " << L;
        }
    }
}

TEST(Matrix, TransposesFragments) {
  Device D;
  const uint64_t Out = D.undefined(128);
  absl::Status Ran = D.run(kernel(1, R"(
  mul.lo.u32 %r1, %r0, 0x20002;
  add.u32 %r1, %r1, 0x10000;
  movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1;
  mul.wide.u32 %rd1, %r0, 4;
  add.s64 %rd0, %rd0, %rd1;
  st.global.u32 [%rd0], %r2;
)"),
                           {Out});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> Got = D.values<uint32_t>(Out, 32);
  for (unsigned L = 0; L < 32; ++L) {
    const unsigned Low = 8 * (2 * (L % 4)) + L / 4;
    EXPECT_EQ(Got[L], (Low + 8) << 16 | Low);
  }
}
} // namespace
