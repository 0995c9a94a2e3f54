//===- EmulatorTest.cpp - the emulator of AMX -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions are assembled by the compiler and executed natively if the CPU
// has AMX, otherwise by the emulator's signal handler. Some tests call the
// emulator directly, on any machine.
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/amx/Emulator.h"
#include "runtime/device/cpu/Features.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <bit>
#include <cmath>
#include <csignal>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

using namespace m1;

// Straight-line AMX code up to `ret`, to be called or emulated. Arguments: rdi,
// rsi, rdx, rcx, r8, r9.
asm(R"(
  .text
# (config, A, B, C, stride of A, stride of B and C): C += A B.
m1_test_amx_product:
  ldtilecfg (%rdi)
  tileloadd (%rcx,%r9), %tmm0
  tileloadd (%rsi,%r8), %tmm1
  tileloaddt1 (%rdx,%r9), %tmm2
  tdpbf16ps %tmm2, %tmm1, %tmm0
  tilestored %tmm0, (%rcx,%r9)
  tilerelease
  ret
# The same, C = A B + A B, by other tiles.
m1_test_amx_twice:
  ldtilecfg (%rdi)
  tilezero %tmm5
  tileloadd (%rsi,%r8), %tmm7
  tileloadd (%rdx,%r9), %tmm6
  tdpbf16ps %tmm6, %tmm7, %tmm5
  tdpbf16ps %tmm6, %tmm7, %tmm5
  tilestored %tmm5, (%rcx,%r9)
  tilerelease
  ret
# (config, from, to, stride): loads a tile, configures again and stores it.
m1_test_amx_reconfigure:
  ldtilecfg (%rdi)
  tileloadd (%rsi,%rcx), %tmm3
  ldtilecfg (%rdi)
  tilestored %tmm3, (%rdx,%rcx)
  tilerelease
  ret
# (config, to, to): the configuration before and after it is released.
m1_test_amx_configuration:
  ldtilecfg (%rdi)
  sttilecfg (%rsi)
  tilerelease
  sttilecfg (%rdx)
  ret
# Forms of addresses: a table of them below.
m1_test_amx_addresses:
  tileloadd (%rax,%rcx,1), %tmm0
  tileloadd 8(%rbx,%rdx,2), %tmm0
  tileloadd -8(%rsp,%rsi,4), %tmm0
  tileloadd (%rbp,%rdi,8), %tmm0
  tileloadd 0x1000(%r8,%r9,1), %tmm0
  tileloadd -0x1000(%r10,%r11,2), %tmm0
  tileloadd (%r12,%rbp,4), %tmm0
  tileloadd (%r13,%r12,8), %tmm0
  tileloadd 0x40(%r14,%r15,1), %tmm0
  tileloadd 0x40(%r15,%r13,1), %tmm0
  tileloadd 0x12345678(,%rax,1), %tmm0
  tileloadd 0x40(%rax), %tmm0
  ret
)");
extern "C" {
using Product = void(const void *Config, const void *A, const void *B, void *C,
                     int64_t StrideA, int64_t StrideBC);
Product m1_test_amx_product asm("m1_test_amx_product");
Product m1_test_amx_twice asm("m1_test_amx_twice");
void m1_test_amx_reconfigure(const void *Config, const void *From, void *To,
                             int64_t Stride);
void m1_test_amx_configuration(const void *Config, void *Before, void *After);
extern const uint8_t m1_test_amx_addresses[];
}

namespace {
/// The 64 bytes that ldtilecfg reads.
struct Config {
  alignas(64) std::array<uint8_t, 64> Bytes = {1};
  Config &tile(int Number, int Rows, int RowBytes) {
    Bytes[16 + 2 * Number] = RowBytes & 0xFF;
    Bytes[17 + 2 * Number] = RowBytes >> 8;
    Bytes[48 + Number] = Rows;
    return *this;
  }
  const void *data() const { return Bytes.data(); }
};

float fromBf16(uint16_t Value) {
  return std::bit_cast<float>(uint32_t(Value) << 16);
}
uint16_t toBf16(float Value) { return std::bit_cast<uint32_t>(Value) >> 16; }

/// A product of M rows, K pairs and N columns. Rows are padded, and the padding
/// must not change.
struct Problem {
  int M, K, N;
  std::vector<uint32_t> A, B;
  std::vector<float> C;
  int StrideA() const { return K + 3; } // elements of 4 bytes
  int StrideBC() const { return N + 5; }

  Problem(int M, int K, int N)
      : M(M), K(K), N(N), A(M * StrideA()), B(K * StrideBC()),
        C(M * StrideBC()) {
    std::mt19937 Random(M * 10000 + K * 100 + N);
    std::normal_distribution<float> Normal;
    auto Pair = [&] {
      return toBf16(Normal(Random)) | uint32_t(toBf16(Normal(Random))) << 16;
    };
    std::generate(A.begin(), A.end(), Pair);
    std::generate(B.begin(), B.end(), Pair);
    std::generate(C.begin(), C.end(), [&] { return Normal(Random); });
  }

  Config config(int TileC, int TileA, int TileB) const {
    return Config()
        .tile(TileC, M, N * 4)
        .tile(TileA, M, K * 4)
        .tile(TileB, K, N * 4);
  }

  /// Odd is 0 or 1.
  float product(int Row, int Column, int Odd, float Sum) const {
    for (int Pair = 0; Pair < K; ++Pair)
      Sum = std::fma(fromBf16(A[Row * StrideA() + Pair] >> 16 * Odd),
                     fromBf16(B[Pair * StrideBC() + Column] >> 16 * Odd), Sum);
    return Sum;
  }

  /// C += A B in the order that the manual states.
  void expect() {
    for (int Row = 0; Row < M; ++Row)
      for (int Column = 0; Column < N; ++Column)
        C[Row * StrideBC() + Column] +=
            product(Row, Column, 0, 0) + product(Row, Column, 1, 0);
  }

  void run(Product &Code, const Config &Tiles) {
    Code(Tiles.data(), A.data(), B.data(), C.data(), StrideA() * 4,
         StrideBC() * 4);
  }

  /// The same, always by the emulator.
  void emulate(Product &Code, const Config &Tiles) {
    ucontext_t Context = {};
    greg_t *Registers = Context.uc_mcontext.gregs;
    Registers[REG_RIP] = reinterpret_cast<greg_t>(&Code);
    Registers[REG_RDI] = reinterpret_cast<greg_t>(Tiles.data());
    Registers[REG_RSI] = reinterpret_cast<greg_t>(A.data());
    Registers[REG_RDX] = reinterpret_cast<greg_t>(B.data());
    Registers[REG_RCX] = reinterpret_cast<greg_t>(C.data());
    Registers[REG_R8] = StrideA() * 4;
    Registers[REG_R9] = StrideBC() * 4;
    while (amx::emulateAmx(Context))
      ;
    EXPECT_EQ(*reinterpret_cast<uint8_t *>(Registers[REG_RIP]), 0xC3) << "ret";
  }
};

/// Compares bits, so that zeros of different sign differ.
void expectSame(const std::vector<float> &Got,
                const std::vector<float> &Expected) {
  ASSERT_EQ(Got.size(), Expected.size());
  for (size_t I = 0; I < Got.size(); ++I)
    ASSERT_EQ(std::bit_cast<uint32_t>(Got[I]),
              std::bit_cast<uint32_t>(Expected[I]))
        << "element " << I << ": " << Got[I] << ", expected " << Expected[I];
}

class Amx : public testing::Test {
protected:
  static bool isNative() {
    static const bool Native = cpu::requireFeature("amx-bf16", "tests").ok();
    return Native;
  }
  static void SetUpTestSuite() {
    if (!isNative())
      amx::installAmxEmulator();
  }
};

/// M, K and N of problems.
using Shape = std::array<int, 3>;
constexpr Shape Shapes[] = {{16, 16, 16}, {1, 16, 16}, {16, 1, 16},
                            {16, 16, 1},  {1, 1, 1},   {3, 5, 7},
                            {7, 3, 9},    {13, 15, 8}};

class AmxProduct : public Amx, public testing::WithParamInterface<Shape> {
protected:
  Problem Given{GetParam()[0], GetParam()[1], GetParam()[2]};
};

TEST_P(AmxProduct, Accumulates) {
  Problem Expected = Given;
  Expected.expect();
  Given.run(m1_test_amx_product, Given.config(0, 1, 2));
  expectSame(Given.C, Expected.C);
}

TEST_P(AmxProduct, AddsTwoFromZero) {
  Problem Expected = Given;
  for (int Row = 0; Row < Given.M; ++Row)
    std::fill_n(Expected.C.begin() + Row * Given.StrideBC(), Given.N, 0.0f);
  Expected.expect();
  Expected.expect();
  Given.run(m1_test_amx_twice, Given.config(5, 7, 6));
  expectSame(Given.C, Expected.C);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AmxProduct, testing::ValuesIn(Shapes));

TEST_F(Amx, EmulatorIsTheSameAsNative) {
  if (!isNative())
    GTEST_SKIP() << "this CPU has no AMX to compare the emulator with";
  for (auto [M, K, N] : Shapes) {
    Problem Given(M, K, N), Emulated = Given;
    Config Tiles = Given.config(0, 1, 2);
    Given.run(m1_test_amx_product, Tiles);
    Emulated.emulate(m1_test_amx_product, Tiles);
    expectSame(Emulated.C, Given.C);
  }
}

TEST_F(Amx, OrderOfSumsMatters) {
  // Checks that the test can tell reduction orders apart: one chain over even
  // and odd elements, or chains that begin with C.
  Problem Given(16, 16, 16), Expected = Given;
  Expected.expect();
  int OneChain = 0, FromC = 0;
  for (int Row = 0; Row < 16; ++Row)
    for (int Column = 0; Column < 16; ++Column) {
      int Place = Row * Given.StrideBC() + Column;
      float C = Given.C[Place], Even = Given.product(Row, Column, 0, 0);
      OneChain += Expected.C[Place] != C + Given.product(Row, Column, 1, Even);
      FromC += Expected.C[Place] != Given.product(Row, Column, 0, C) +
                                        Given.product(Row, Column, 1, 0);
    }
  EXPECT_GT(OneChain, 0);
  EXPECT_GT(FromC, 0);
}

TEST_F(Amx, DoesNotDependOnTheNumberOfRows) {
  Problem All(16, 16, 16), One = All;
  One.M = 1;
  All.run(m1_test_amx_product, All.config(0, 1, 2));
  One.run(m1_test_amx_product, One.config(0, 1, 2));
  for (int Column = 0; Column < 16; ++Column)
    EXPECT_EQ(One.C[Column], All.C[Column]);
}

TEST_F(Amx, DenormalsAreZero) {
  const float Denormal = std::bit_cast<float>(0x00400000u); // as bf16 too
  const float Smallest = std::bit_cast<float>(0x00800000u); // normal
  // A B + C of one element; the odd ones are 0.
  struct {
    const char *What;
    float A, B, C, Result;
  } Cases[] = {
      {"a factor", Denormal, 0x1p100f, 0, 0},
      {"a product", Smallest, 0.5f, 0, 0},
      {"what is added to", 1, 0, Denormal, 0},
      {"a negative one", 1, 0, -Denormal, 0},
      {"a sum", -Smallest, 1, 1.5f * Smallest, 0},
      {"none", Smallest, 1, Smallest, 2 * Smallest},
  };
  for (auto &Case : Cases) {
    SCOPED_TRACE(Case.What);
    Problem Given(1, 1, 1);
    Given.A[0] = toBf16(Case.A);
    Given.B[0] = toBf16(Case.B);
    Given.C[0] = Case.C;
    Given.run(m1_test_amx_product, Given.config(0, 1, 2));
    expectSame({Given.C[0]}, {Case.Result});
  }
}

TEST_F(Amx, InfinitiesStayInTheirRow) {
  Problem Given(3, 5, 7), Expected = Given;
  Given.A[Given.StrideA()] = toBf16(INFINITY); // row 1
  Expected.expect();
  Given.run(m1_test_amx_product, Given.config(0, 1, 2));
  for (int Column = 0; Column < 7; ++Column) {
    EXPECT_EQ(Given.C[Column], Expected.C[Column]);
    float Sign = std::copysign(1.0f, fromBf16(Given.B[Column]));
    EXPECT_EQ(Given.C[Given.StrideBC() + Column], Sign * INFINITY);
    EXPECT_EQ(Given.C[2 * Given.StrideBC() + Column],
              Expected.C[2 * Given.StrideBC() + Column]);
  }
}

TEST_F(Amx, CallersRoundingModeIsKept) {
  // 1 + 2^-24 is 1 to nearest even; the caller's mode would give the next.
  constexpr unsigned ControlBits = 0xFFC0, TowardsInfinity = 0x4000;
  for (bool Direct : {false, true}) {
    Problem Given(1, 1, 1);
    Given.A[0] = toBf16(0x1p-12f);
    Given.B[0] = toBf16(0x1p-12f);
    Given.C[0] = 1;
    Config Tiles = Given.config(0, 1, 2);
    unsigned Before = _mm_getcsr();
    _mm_setcsr(Before | TowardsInfinity);
    if (Direct)
      Given.emulate(m1_test_amx_product, Tiles);
    else
      Given.run(m1_test_amx_product, Tiles);
    unsigned After = _mm_getcsr();
    _mm_setcsr(Before);
    EXPECT_EQ(Given.C[0], 1);
    EXPECT_EQ(After & ControlBits, (Before | TowardsInfinity) & ControlBits);
  }
}

TEST_F(Amx, ConfiguringClearsTiles) {
  std::array<float, 8> From, To;
  From.fill(3);
  To.fill(5);
  m1_test_amx_reconfigure(Config().tile(3, 2, 12).data(), From.data(),
                          To.data(), 16);
  EXPECT_EQ(To, (std::array<float, 8>{0, 0, 0, 5, 0, 0, 0, 5}));
}

TEST_F(Amx, ConfigurationCanBeRead) {
  Config Given, Before, After;
  Given.tile(0, 16, 64).tile(2, 3, 20).tile(7, 1, 4);
  m1_test_amx_configuration(Given.data(), Before.Bytes.data(),
                            After.Bytes.data());
  EXPECT_EQ(Before.Bytes, Given.Bytes);
  EXPECT_EQ(After.Bytes, (std::array<uint8_t, 64>{}));
}

TEST_F(Amx, RegistersReachTheHandler) {
  // Extended registers, scales, displacements and a negative stride; the
  // configuration lies at an address relative to the instruction pointer.
  static const Config Tiles = Config().tile(4, 3, 8);
  std::array<int32_t, 24> From, To = {};
  for (int I = 0; I < 24; ++I)
    From[I] = I;
  asm volatile(
      "mov %[from], %%r13\n\t"
      "mov $4, %%r12d\n\t"
      "mov %[to], %%r9\n\t"
      "mov $-6, %%r14\n\t"
      "ldtilecfg %[tiles]\n\t"
      "tileloadd 8(%%r13,%%r12,8), %%tmm4\n\t"
      "tilestored %%tmm4, 0x50(%%r9,%%r14,4)\n\t"
      "tilerelease"
      :
      : [from] "r"(From.data()), [to] "r"(To.data()), [tiles] "m"(Tiles)
      : "r9", "r12", "r13", "r14", "memory");
  std::array<int32_t, 24> Expected = {};
  for (int Row = 0; Row < 3; ++Row)
    for (int I = 0; I < 2; ++I)
      Expected[20 - 6 * Row + I] = 2 + 8 * Row + I;
  EXPECT_EQ(To, Expected);
}

TEST_F(Amx, ThreadsHaveTheirOwnTiles) {
  std::barrier<> Step(2);
  auto Work = [&](int Rows, int RowBytes, int32_t Value, bool &Right) {
    Config Tiles;
    Tiles.tile(0, Rows, RowBytes);
    std::vector<int32_t> From(16 * 16, Value), To(16 * 16, -1);
    Right = true;
    for (int Round = 0; Round < 200; ++Round) {
      asm volatile("ldtilecfg %0" ::"m"(Tiles.Bytes));
      Step.arrive_and_wait();
      asm volatile("tileloadd (%0,%1), %%tmm0" ::"r"(From.data()), "r"(64l)
                   : "memory");
      Step.arrive_and_wait();
      asm volatile("tilestored %%tmm0, (%0,%1)" ::"r"(To.data()), "r"(64l)
                   : "memory");
      Step.arrive_and_wait();
      asm volatile("tilerelease");
      for (int I = 0; I < 256; ++I)
        Right &= To[I] == (I / 16 < Rows && I % 16 < RowBytes / 4 ? Value : -1);
    }
  };
  bool First = false, Second = false;
  std::thread Other([&] { Work(3, 20, 7, Second); });
  Work(16, 64, 9, First);
  Other.join();
  EXPECT_TRUE(First);
  EXPECT_TRUE(Second);
}

TEST_F(Amx, OtherIllegalInstructionsKill) {
  EXPECT_EXIT(asm volatile("ud2"), testing::KilledBySignal(SIGILL), "");
}

/// Feeds bytes to the emulator.
class AmxEmulator : public testing::Test {
protected:
  bool execute(const void *Code) {
    Registers[REG_RIP] = reinterpret_cast<greg_t>(Code);
    return amx::emulateAmx(Context);
  }
  bool execute(const std::vector<uint8_t> &Code) {
    return execute(Code.data());
  }
  bool configure(const Config &Tiles) {
    Registers[REG_RDI] = reinterpret_cast<greg_t>(Tiles.data());
    return execute(LoadConfig);
  }
  void TearDown() override { execute(Release); }

  ucontext_t Context = {};
  greg_t *Registers = Context.uc_mcontext.gregs;
  const std::vector<uint8_t> LoadConfig = {0xC4, 0xE2, 0x78, 0x49,
                                           0x07}, // (%rdi)
      Release = {0xC4, 0xE2, 0x78, 0x49, 0xC0},
                             Zero0 = {0xC4, 0xE2, 0x7B, 0x49, 0xC0},
                             Load0 = {0xC4, 0xE2, 0x7B,
                                      0x4B, 0x04, 0x07}, // (%rdi,%rax), %tmm0
      Store0 = {0xC4, 0xE2, 0x7A, 0x4B, 0x04, 0x07},     // %tmm0, (%rdi,%rax)
      Dot = {0xC4, 0xE2, 0x6A, 0x5C, 0xC1};              // %tmm2, %tmm1, %tmm0
};

TEST_F(AmxEmulator, Addresses) {
  struct {
    int Base, Index; // registers, or -1
    int64_t Displacement;
    int Scale;
  } Cases[] = {
      {REG_RAX, REG_RCX, 0, 1},     {REG_RBX, REG_RDX, 8, 2},
      {REG_RSP, REG_RSI, -8, 4},    {REG_RBP, REG_RDI, 0, 8},
      {REG_R8, REG_R9, 0x1000, 1},  {REG_R10, REG_R11, -0x1000, 2},
      {REG_R12, REG_RBP, 0, 4},     {REG_R13, REG_R12, 0, 8},
      {REG_R14, REG_R15, 0x40, 1},  {REG_R15, REG_R13, 0x40, 1},
      {-1, REG_RAX, 0x12345678, 1}, {REG_RAX, -1, 0x40, 1},
  };
  // Where the address without a base reaches it.
  constexpr uint64_t Page = 0x12345000, Start = 0x12345678;
  constexpr int Stride = 24, Rows = 3;
  auto *Memory = static_cast<int32_t *>(
      mmap(reinterpret_cast<void *>(Page), 4096, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  ASSERT_EQ(reinterpret_cast<uint64_t>(Memory), Page);
  std::iota(Memory, Memory + 1024, 0);

  ASSERT_TRUE(configure(Config().tile(0, Rows, 4)));
  const void *Code = m1_test_amx_addresses;
  for (auto &Case : Cases) {
    SCOPED_TRACE(&Case - Cases);
    std::fill_n(Registers, static_cast<int>(REG_RIP), 0); // 0 is no address
    if (Case.Base >= 0)
      Registers[Case.Base] = Start - Case.Displacement;
    if (Case.Index >= 0)
      Registers[Case.Index] = Stride / Case.Scale;
    ASSERT_TRUE(execute(Code));
    Code = reinterpret_cast<const void *>(Registers[REG_RIP]);

    std::array<int32_t, Rows> Got, Expected;
    for (int Row = 0; Row < Rows; ++Row)
      Expected[Row] =
          (Start - Page) / 4 + (Case.Index >= 0 ? Row * Stride / 4 : 0);
    Registers[REG_RDI] = reinterpret_cast<greg_t>(Got.data());
    Registers[REG_RAX] = 4;
    ASSERT_TRUE(execute(Store0));
    EXPECT_EQ(Got, Expected);
  }
  EXPECT_FALSE(execute(Code)) << "all forms of the table were met";
  munmap(Memory, 4096);
}

TEST_F(AmxEmulator, LeavesOtherInstructionsAlone) {
  const std::vector<uint8_t> Others[] = {
      {0x0F, 0x0B},                   // ud2
      {0xC4, 0xE2, 0x73, 0x5E, 0xC2}, // tdpbssd
      {0xC4, 0xE2, 0x6B, 0x5C, 0xC1}, // tdpfp16ps
      {0xC4, 0xE2, 0x7D, 0x58, 0xC0}, // vpbroadcastd, same map
      {0xC4, 0xE1, 0x7B, 0x49, 0xC0}, // another map
      {0xC4, 0xE2, 0xFB, 0x49, 0xC0}, // tilezero with W1
      {0xC4, 0xE2, 0x7F, 0x49, 0xC0}, // of 256 bits
      {0xC4, 0xE2, 0x79, 0x49, 0xC0}, // sttilecfg of a register
  };
  for (auto &Other : Others) {
    SCOPED_TRACE(&Other - Others);
    EXPECT_FALSE(execute(Other));
    EXPECT_EQ(Registers[REG_RIP], reinterpret_cast<greg_t>(Other.data()));
  }
}

using AmxEmulatorDeathTest = AmxEmulator;

TEST_F(AmxEmulatorDeathTest, Unconfigured) {
  EXPECT_DEATH(execute(Zero0), "AMX emulator: tilezero: tiles are not conf");
  EXPECT_DEATH(execute(Load0), "tileloadd: tiles are not configured");
  EXPECT_DEATH(execute(Store0), "tilestored: tiles are not configured");
  EXPECT_DEATH(execute(Dot), "tdpbf16ps: tiles are not configured");
  ASSERT_TRUE(configure(Config().tile(0, 1, 4)));
  ASSERT_TRUE(execute(Zero0));
  Config None;
  None.Bytes[0] = 0;
  ASSERT_TRUE(configure(None));
  EXPECT_DEATH(execute(Zero0), "tilezero: tiles are not configured");
  ASSERT_TRUE(configure(Config().tile(0, 1, 4)));
  ASSERT_TRUE(execute(Release));
  EXPECT_DEATH(execute(Zero0), "tilezero: tiles are not configured");
  ASSERT_TRUE(configure(Config().tile(1, 1, 4)));
  EXPECT_DEATH(execute(Zero0), "tilezero: tmm0 is not configured");
  EXPECT_DEATH(execute(Load0), "tileloadd: tmm0 is not configured");
  EXPECT_DEATH(execute(Store0), "tilestored: tmm0 is not configured");
}

TEST_F(AmxEmulatorDeathTest, Configurations) {
  Config Palette, Start;
  Palette.Bytes[0] = 2;
  EXPECT_DEATH(configure(Palette), "ldtilecfg: palette is 2, must be 0 or 1");
  Start.Bytes[1] = 3;
  EXPECT_DEATH(configure(Start), "start row is 3, only 0 is emulated");
  for (int Byte : {2, 15, 32, 47, 56, 63}) {
    Config Reserved;
    Reserved.Bytes[Byte] = 1;
    EXPECT_DEATH(configure(Reserved), "a reserved byte is not 0");
  }
  EXPECT_DEATH(configure(Config().tile(3, 17, 64)),
               "tmm3 has 17 rows, the most is 16");
  EXPECT_DEATH(configure(Config().tile(7, 16, 65)),
               "tmm7 has rows of 65 bytes, the most is 64");
  EXPECT_DEATH(configure(Config().tile(0, 16, 256)), "rows of 256 bytes");
  EXPECT_DEATH(configure(Config().tile(1, 0, 4)),
               "tmm1 has 0 rows of 4 bytes, must have both or neither");
  EXPECT_DEATH(configure(Config().tile(1, 4, 0)),
               "tmm1 has 4 rows of 0 bytes, must have both or neither");
}

TEST_F(AmxEmulatorDeathTest, Shapes) {
  auto Tiles = [](int Rows0, int Bytes0, int Rows1, int Bytes1, int Rows2,
                  int Bytes2) {
    return Config()
        .tile(0, Rows0, Bytes0)
        .tile(1, Rows1, Bytes1)
        .tile(2, Rows2, Bytes2);
  };
  ASSERT_TRUE(configure(Tiles(3, 8, 3, 20, 5, 8)));
  EXPECT_TRUE(execute(Dot));
  ASSERT_TRUE(configure(Tiles(4, 8, 3, 20, 5, 8)));
  EXPECT_DEATH(execute(Dot),
               "tdpbf16ps: the result has 4 rows, the left operand 3");
  ASSERT_TRUE(configure(Tiles(3, 12, 3, 20, 5, 8)));
  EXPECT_DEATH(execute(Dot), "the result has rows of 12 bytes, the right "
                             "operand rows of 8");
  ASSERT_TRUE(configure(Tiles(3, 8, 3, 16, 5, 8)));
  EXPECT_DEATH(execute(Dot),
               "the left operand has 4 pairs in a row, the right 5 rows");
  ASSERT_TRUE(configure(Tiles(3, 8, 3, 22, 5, 8)));
  EXPECT_DEATH(execute(Dot), "tmm1 has rows of 22 bytes, not a multiple of 4");
  ASSERT_TRUE(configure(Tiles(3, 8, 3, 20, 0, 0)));
  EXPECT_DEATH(execute(Dot), "tmm2 is not configured");
}

TEST_F(AmxEmulatorDeathTest, Encodings) {
  ASSERT_TRUE(configure(Config().tile(0, 1, 4).tile(1, 1, 4).tile(2, 1, 4)));
  auto Changed = [](std::vector<uint8_t> Code, int Byte, uint8_t Value) {
    Code[Byte] = Value;
    return Code;
  };
  EXPECT_DEATH(execute(Changed(Dot, 4, 0xC0)),
               "tdpbf16ps: tmm0, tmm0 and tmm2 must be three tiles");
  EXPECT_DEATH(execute(Changed(Dot, 4, 0xD1)),
               "tmm2, tmm1 and tmm2 must be three tiles");
  EXPECT_DEATH(execute(Changed(Dot, 4, 0xC2)),
               "tmm0, tmm2 and tmm2 must be three tiles");
  EXPECT_DEATH(execute(Changed(Dot, 1, 0x62)), "tmm8 does not exist");
  EXPECT_DEATH(execute(Changed(Dot, 1, 0xC2)), "tmm9 does not exist");
  EXPECT_DEATH(execute(Changed(Dot, 2, 0x2A)), "tmm10 does not exist");
  EXPECT_DEATH(execute(Changed(Load0, 4, 0x07)), "tileloadd: has no SIB byte");
  EXPECT_DEATH(execute(Changed(Store0, 4, 0x07)),
               "tilestored: has no SIB byte");
  EXPECT_DEATH(execute(Changed(Load0, 2, 0x6B)),
               "VEX.vvvv is 2, must be unused");
  EXPECT_DEATH(execute(Changed(LoadConfig, 4, 0x0F)),
               "ldtilecfg: ModRM.reg is 1, must be 0");
  EXPECT_DEATH(execute(Changed(Release, 4, 0xC1)),
               "tilerelease: ModRM.rm is 1, must be 0");
}

TEST(Features, AssumedOnesAreAccepted) {
  // Assumed features cannot be removed: a repeated test assumes another.
  static int Round = 0;
  const std::string Feature = "test-feature" + std::to_string(Round++);
  EXPECT_EQ(cpu::requireFeature(Feature, "plan 'p'").message(),
            "plan 'p': compiled for " + Feature +
                ", which this runtime does not know");
  cpu::assumeFeature(Feature);
  EXPECT_TRUE(cpu::requireFeature(Feature, "plan 'p'").ok());
  EXPECT_FALSE(cpu::requireFeature("test", "plan 'p'").ok());
}
} // namespace
