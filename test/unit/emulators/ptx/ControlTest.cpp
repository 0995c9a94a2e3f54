//===- ControlTest.cpp - divergence, calls, barriers and exchanges --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

using namespace m1::ptx;

namespace {
/// Stores %r1 of each thread and reads them all.
constexpr std::string_view Store = R"(
  mov.u32 %r60, %ctaid.x;
  mov.u32 %r61, %ntid.x;
  mad.lo.u32 %r62, %r60, %r61, %r0;
  mad.wide.u32 %rd31, %r62, 4, %rd0;
  st.global.u32 [%rd31], %r1;
)";

std::vector<uint32_t> results(std::string Body, Device::Shape S = {},
                              std::string_view Outside = "",
                              unsigned Threads = 1) {
  Device D(Threads);
  const size_t Count = S.Grid[0] * S.Block[0];
  const uint64_t Out = D.undefined(4 * Count);
  absl::Status Ran =
      D.run(kernel(1, Body + std::string(Store), Outside), {Out}, S);
  EXPECT_TRUE(Ran.ok()) << Ran;
  return Ran.ok() ? D.values<uint32_t>(Out, Count)
                  : std::vector<uint32_t>(Count);
}

TEST(Control, NestedBranchesMeetAgain) {
  // The ballots show which lanes are converged.
  std::vector<uint32_t> R = results(R"(
  mov.u32 %r1, 0;
  and.b32 %r2, %r0, 1;
  setp.eq.u32 %p1, %r2, 0;
  setp.lt.u32 %p2, %r0, 8;
  @%p1 bra EVEN;
  add.u32 %r1, %r1, 1;
  bra MEET;
EVEN:
  @!%p2 bra HIGH;
  add.u32 %r1, %r1, 10;
  bra INNER;
HIGH:
  add.u32 %r1, %r1, 100;
INNER:
  activemask.b32 %r5;
  popc.b32 %r6, %r5;
  mad.lo.u32 %r1, %r6, 1000, %r1;
MEET:
  activemask.b32 %r5;
  popc.b32 %r6, %r5;
  mad.lo.u32 %r1, %r6, 1000000, %r1;
)");
  for (uint32_t L = 0; L < 32; ++L)
    EXPECT_EQ(R[L], 32000000 + (L % 2 ? 1 : 16000 + (L < 8 ? 10 : 100))) << L;
}

TEST(Control, LoopsWithDifferentTripCounts) {
  // Lane L sums 1 + ... + L; the triangle of L.
  std::vector<uint32_t> R = results(R"(
  mov.u32 %r1, 0;
  mov.u32 %r2, %r0;
  setp.eq.u32 %p1, %r2, 0;
  @%p1 bra DONE;
LOOP:
  add.u32 %r1, %r1, %r2;
  sub.u32 %r2, %r2, 1;
  setp.ne.u32 %p1, %r2, 0;
  @%p1 bra LOOP;
DONE:
  activemask.b32 %r5;
  shl.b32 %r1, %r1, 8;
  popc.b32 %r6, %r5;
  add.u32 %r1, %r1, %r6;
)",
                                    {.Grid = {3, 1, 1}, .Block = {40, 1, 1}});
  for (uint32_t N = 0; N < 120; ++N) {
    const uint32_t L = N % 40;
    EXPECT_EQ(R[N], L * (L + 1) / 2 * 256 + (L < 32 ? 32 : 8)) << N;
  }
}

TEST(Control, EarlyExitsLeaveTheOthers) {
  Device D;
  const uint64_t Out = D.buffer(std::vector<uint32_t>(32, 7));
  const std::string Text = kernel(1, R"(
  setp.gt.u32 %p1, %r0, 20;
  @%p1 exit;
  setp.lt.u32 %p2, %r0, 4;
  @%p2 bra LEAVE;
  vote.sync.ballot.b32 %r1, %p2, 0x1FFFF0;
  activemask.b32 %r1;
)" + std::string(Store) + "LEAVE:");
  absl::Status Ran = D.run(Text, {Out});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> R = D.values<uint32_t>(Out, 32);
  for (uint32_t L = 0; L < 32; ++L)
    EXPECT_EQ(R[L], L >= 4 && L <= 20 ? 0x1FFFF0u : 7u) << L;
}

TEST(Control, IndirectBranches) {
  std::vector<uint32_t> R = results(R"(
  and.b32 %r2, %r0, 3;
TABLE: .branchtargets A, B, A, C;
  brx.idx %r2, TABLE;
A:
  mov.u32 %r1, 1;
  bra MEET;
B:
  mov.u32 %r1, 2;
  bra MEET;
C:
  mov.u32 %r1, 3;
MEET:
  activemask.b32 %r5;
  popc.b32 %r6, %r5;
  mad.lo.u32 %r1, %r6, 10, %r1;
)");
  const uint32_t Expected[] = {321, 322, 321, 323};
  for (uint32_t L = 0; L < 32; ++L)
    EXPECT_EQ(R[L], Expected[L % 4]) << L;
}

TEST(Control, Calls) {
  // A call as LLVM emits it; half of the lanes return early.
  constexpr std::string_view Function = R"(
.func (.param .b32 result) twist(.param .b32 value) {
  .reg .pred %p<2>;
  .reg .b32 %r<4>;
  ld.param.u32 %r1, [value];
  and.b32 %r2, %r1, 1;
  setp.eq.u32 %p1, %r2, 0;
  @%p1 bra EVEN;
  mul.lo.u32 %r1, %r1, 100;
  st.param.b32 [result+0], %r1;
  ret;
EVEN:
  add.u32 %r1, %r1, 1;
  st.param.b32 [result+0], %r1;
  ret;
}
)";
  std::vector<uint32_t> R = results(R"(
  setp.lt.u32 %p3, %r0, 30;
  mov.u32 %r1, 5;
  @!%p3 bra OUT;
  { // callseq 0, 0
  .param .b32 param0;
  st.param.b32 [param0+0], %r0;
  .param .b32 retval0;
  call.uni (retval0), twist, (param0);
  ld.param.b32 %r1, [retval0+0];
  }
OUT:
)",
                                    {}, Function);
  for (uint32_t L = 0; L < 32; ++L)
    EXPECT_EQ(R[L], L >= 30 ? 5 : L % 2 ? 100 * L : L + 1) << L;
}

TEST(Control, BarriersOrderWarps) {
  // Each thread reads what the last one of the block wrote.
  std::vector<uint32_t> R =
      results(R"(
  .shared .align 4 .b8 numbers[400];
  mov.u32 %r10, %ntid.x;
  shl.b32 %r2, %r0, 2;
  mov.u32 %r3, numbers;
  add.u32 %r3, %r3, %r2;
  mul.lo.u32 %r4, %r0, 3;
  st.shared.u32 [%r3], %r4;
  bar.sync 0;
  sub.u32 %r5, %r10, 1;
  sub.u32 %r5, %r5, %r0;
  shl.b32 %r5, %r5, 2;
  mov.u32 %r6, numbers;
  add.u32 %r6, %r6, %r5;
  ld.shared.u32 %r1, [%r6];
  barrier.sync.aligned 1, %r10;
  st.shared.u32 [%r3], %r1;
)",
              {.Grid = {5, 1, 1}, .Block = {100, 1, 1}}, "", 3);
  for (uint32_t N = 0; N < 500; ++N)
    EXPECT_EQ(R[N], 3 * (99 - N % 100)) << N;
}

TEST(Control, WarpsThatWaitForEachOtherGoOn) {
  // Warp 1 spins on a flag in global memory that warp 0 sets later.
  Device D;
  const uint64_t Flag = D.buffer(std::vector<uint32_t>{0, 0});
  absl::Status Ran = D.run(kernel(1, R"(
  setp.lt.u32 %p1, %r0, 32;
  @!%p1 bra SET;
SPIN:
  ld.volatile.global.u32 %r1, [%rd0];
  setp.eq.u32 %p2, %r1, 0;
  @%p2 bra SPIN;
  st.global.u32 [%rd0+4], 9;
  bra DONE;
SET:
  st.volatile.global.u32 [%rd0], 1;
DONE:
)"),
                           {Flag}, {.Block = {64, 1, 1}});
  ASSERT_TRUE(Ran.ok()) << Ran;
  EXPECT_EQ(D.values<uint32_t>(Flag, 2), (std::vector<uint32_t>{1, 9}));
}

TEST(Control, SpecialRegisters) {
  Device D(2);
  const uint64_t Out = D.undefined(4 * 2 * 3 * 24);
  absl::Status Ran = D.run(kernel(1, R"(
  mov.u32 %r1, %ctaid.y;
  mov.u32 %r2, %nctaid.x;
  mov.u32 %r3, %ctaid.x;
  mad.lo.u32 %r4, %r1, %r2, %r3;
  mov.u32 %r5, %tid.z;
  mov.u32 %r6, %ntid.y;
  mov.u32 %r7, %tid.y;
  mad.lo.u32 %r8, %r5, %r6, %r7;
  mov.u32 %r9, %ntid.x;
  mad.lo.u32 %r10, %r8, %r9, %r0;
  mad.lo.u32 %r11, %r4, 24, %r10;
  mad.wide.u32 %rd1, %r11, 4, %rd0;
  mov.u32 %r12, %laneid;
  mov.u32 %r13, %lanemask_lt;
  popc.b32 %r14, %r13;
  mov.u32 %r15, %nctaid.y;
  mov.u32 %r16, %warpid;
  mad.lo.u32 %r17, %r12, 32, %r14;
  mad.lo.u32 %r17, %r17, 10, %r15;
  add.u32 %r17, %r17, %r16;
  mov.u64 %rd2, %clock64;
  st.global.u32 [%rd1], %r17;
)"),
                           {Out}, {.Grid = {2, 3, 1}, .Block = {2, 3, 4}});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> R = D.values<uint32_t>(Out, 2 * 3 * 24);
  for (uint32_t N = 0; N < R.size(); ++N)
    EXPECT_EQ(R[N], N % 24 * 33 * 10 + 3) << N;
}

TEST(Exchange, Shuffles) {
  auto Shuffle = [](std::string Text) {
    return results("mul.lo.u32 %r2, %r0, 5; " + Text +
                   "selp.u32 %r3, 1000, 0, %p1; add.u32 %r1, %r1, %r3;");
  };
  std::vector<uint32_t> Down =
      Shuffle("shfl.sync.down.b32 %r1|%p1, %r2, 4, 31, -1;");
  std::vector<uint32_t> Up =
      Shuffle("shfl.sync.up.b32 %r1|%p1, %r2, 1, 0, 0xffffffff;");
  std::vector<uint32_t> Butterfly =
      Shuffle("shfl.sync.bfly.b32 %r1|%p1, %r2, 3, 31, -1;");
  std::vector<uint32_t> Indexed =
      Shuffle("shfl.sync.idx.b32 %r1|%p1, %r2, 7, 31, -1;");
  // Segments of 8 lanes: the upper bits of the fifth operand.
  std::vector<uint32_t> Parts =
      Shuffle("shfl.sync.idx.b32 %r1|%p1, %r2, 9, 0x181f, -1;");
  std::vector<uint32_t> PartsDown =
      Shuffle("shfl.sync.down.b32 %r1|%p1, %r2, 2, 0x181f, -1;");
  for (uint32_t L = 0; L < 32; ++L) {
    EXPECT_EQ(Down[L], L < 28 ? 1000 + 5 * (L + 4) : 5 * L) << L;
    EXPECT_EQ(Up[L], L ? 1000 + 5 * (L - 1) : 0) << L;
    EXPECT_EQ(Butterfly[L], 1000 + 5 * (L ^ 3)) << L;
    EXPECT_EQ(Indexed[L], 1035u) << L;
    EXPECT_EQ(Parts[L], 1000 + 5 * (L / 8 * 8 + 1)) << L;
    EXPECT_EQ(PartsDown[L], L % 8 < 6 ? 1000 + 5 * (L + 2) : 5 * L) << L;
  }
}

TEST(Exchange, VotesAndReductions) {
  std::vector<uint32_t> R = results(R"(
  setp.lt.u32 %p1, %r0, 3;
  setp.ge.u32 %p2, %r0, 0;
  vote.sync.ballot.b32 %r1, %p1, -1;
  vote.sync.all.pred %p3, %p1, -1;
  vote.sync.any.pred %p4, %p1, -1;
  vote.sync.uni.pred %p5, %p2, -1;
  vote.sync.all.pred %p6, !%p1, -1;
  selp.u32 %r2, 8, 0, %p3;
  @%p4 add.u32 %r2, %r2, 16;
  @%p5 add.u32 %r2, %r2, 32;
  @%p6 add.u32 %r2, %r2, 64;
  redux.sync.add.u32 %r3, %r0, -1;
  redux.sync.max.s32 %r4, %r0, -1;
  redux.sync.xor.b32 %r5, 3, -1;
  add.u32 %r1, %r1, %r2;
  mad.lo.u32 %r1, %r3, 100, %r1;
  mad.lo.u32 %r1, %r4, 100000, %r1;
  mad.lo.u32 %r1, %r5, 10000000, %r1;
)");
  for (uint32_t Value : R)
    EXPECT_EQ(Value, 7u + 16 + 32 + 496 * 100 + 31 * 100000);
}
} // namespace
