//===- MemoryTest.cpp - loads, stores, atomics and copies -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include <numeric>

using namespace m1::ptx;

namespace {
TEST(Memory, VectorsAndPartsOfWords) {
  Device D;
  std::vector<uint32_t> In(128);
  std::iota(In.begin(), In.end(), 0xFFFFFF80);
  const uint64_t From = D.buffer(In), To = D.undefined(512 + 256);
  absl::Status Ran = D.run(kernel(2, R"(
  mul.wide.u32 %rd2, %r0, 16;
  add.s64 %rd3, %rd1, %rd2;
  add.s64 %rd4, %rd0, %rd2;
  ld.global.nc.L1::no_allocate.v4.u32 {%r1, %r2, %r3, %r4}, [%rd3];
  st.global.cs.v2.u32 [%rd4], {%r4, %r3};
  ld.relaxed.gpu.global.v2.b32 {%r5, _}, [%rd3+8];
  st.volatile.global.u32 [%rd4+8], %r5;
  ld.global.s8 %r6, [%rd3];
  st.global.u32 [%rd4+12], %r6;
  mul.wide.u32 %rd5, %r0, 8;
  add.s64 %rd6, %rd0, %rd5;
  ld.global.u8 %h1, [%rd3];
  ld.global.s8 %h2, [%rd3+1];
  ld.global.b16 %h3, [%rd3+2];
  st.global.v4.u16 [%rd6+512], {%h1, %h2, %h3, 77};
)"),
                           {To, From});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> Words = D.values<uint32_t>(To, 128);
  std::vector<uint16_t> Halves = D.values<uint16_t>(To + 512, 128);
  for (uint32_t L = 0; L < 32; ++L) {
    const uint32_t *Row = &In[4 * L], *Got = &Words[4 * L];
    EXPECT_EQ(Got[0], Row[3]);
    EXPECT_EQ(Got[1], Row[2]);
    EXPECT_EQ(Got[2], Row[2]);
    EXPECT_EQ(Got[3], uint32_t(int8_t(Row[0])));
    EXPECT_EQ(Halves[4 * L], uint8_t(Row[0]));
    EXPECT_EQ(Halves[4 * L + 1], uint16_t(int8_t(Row[0] >> 8)));
    EXPECT_EQ(Halves[4 * L + 2], uint16_t(Row[0] >> 16));
    EXPECT_EQ(Halves[4 * L + 3], 77);
  }
}

TEST(Memory, TablesAndGenericAddresses) {
  Device D;
  const uint64_t Out = D.undefined(4 * 32);
  absl::Status Ran = D.run(kernel(1, R"(
  .local .align 8 .b8 __local_depot0[16];
  mov.u64 %rd10, __local_depot0;
  cvta.local.u64 %rd11, %rd10;
  st.u32 [%rd11+4], %r0;
  ld.local.u32 %r1, [%rd10+4];
  mov.u64 %rd1, table;
  and.b32 %r2, %r0, 3;
  mul.wide.u32 %rd2, %r2, 4;
  add.s64 %rd3, %rd1, %rd2;
  ld.global.u32 %r3, [%rd3];
  cvta.global.u64 %rd4, %rd3;
  ld.u32 %r4, [%rd4];
  ld.const.f32 %f1, [number];
  cvt.rzi.u32.f32 %r5, %f1;
  mov.u64 %rd5, shared;
  cvta.shared.u64 %rd6, %rd5;
  mul.wide.u32 %rd7, %r0, 4;
  add.s64 %rd6, %rd6, %rd7;
  st.u32 [%rd6], %r3;
  cvta.to.shared.u64 %rd8, %rd6;
  ld.shared.u32 %r6, [%rd8];
  isspacep.shared %p1, %rd6;
  isspacep.global %p2, %rd6;
  add.u32 %r1, %r1, %r3;
  add.u32 %r1, %r1, %r4;
  add.u32 %r1, %r1, %r5;
  add.u32 %r1, %r1, %r6;
  @%p1 add.u32 %r1, %r1, 1000;
  @%p2 add.u32 %r1, %r1, 5000;
  add.s64 %rd9, %rd0, %rd7;
  st.global.u32 [%rd9], %r1;
)",
                                  R"(
.global .align 4 .u32 table[4] = {100, 200, 300, 400};
.const .align 4 .f32 number = 0f40E00000;
.shared .align 4 .b8 shared[128];
)"),
                           {Out});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> R = D.values<uint32_t>(Out, 32);
  for (uint32_t L = 0; L < 32; ++L)
    EXPECT_EQ(R[L], L + 3 * 100 * (L % 4 + 1) + 7 + 1000);
}

TEST(Memory, SmallParametersTakeTheLowBytes) {
  Device D;
  const uint64_t Out = D.undefined(8);
  absl::Status Ran = D.run(R"(
.version 8.0
.target sm_80
.address_size 64
.visible .entry k(.param .u32 a, .param .u64 .ptr .global .align 8 b, .param .u8 c)
.maxntid 128, 1, 1
{
  .reg .b16 %h<2>;
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u32 %r1, [a];
  ld.param.u64 %rd1, [b];
  ld.param.u8 %h1, [c];
  cvt.u32.u16 %r2, %h1;
  st.global.v2.u32 [%rd1], {%r1, %r2};
  ret;
}
)",
                           {0x1234567890, Out, 0xABC}, {.Block = {1, 1, 1}});
  ASSERT_TRUE(Ran.ok()) << Ran;
  EXPECT_EQ(D.values<uint32_t>(Out, 2),
            (std::vector<uint32_t>{0x34567890, 0xBC}));
}

TEST(Memory, Atomics) {
  Device D(3);
  // Sum, minimum, maximum, or, exchange, compare and swap, float, two halves.
  const uint64_t Out = D.buffer(std::vector<uint32_t>{
      0, 1000, uint32_t(-1000), 0, 7, 5, 0, 0, 0, 0, 0x40000000, 0});
  absl::Status Ran = D.run(kernel(1, R"(
  .shared .align 4 .u32 count;
  setp.eq.u32 %p1, %r0, 0;
  @%p1 st.shared.u32 [count], 0;
  bar.sync 0;
  atom.shared.add.u32 %r1, [count], 2;
  bar.sync 0;
  ld.shared.u32 %r2, [count];
  atom.global.add.u32 %r3, [%rd0], %r2;
  sub.s32 %r4, %r0, 10;
  atom.global.min.s32 %r3, [%rd0+4], %r4;
  red.global.max.s32 [%rd0+8], %r4;
  and.b32 %r5, %r0, 31;
  shl.b32 %r6, 1, %r5;
  atom.relaxed.gpu.global.or.b32 %r3, [%rd0+12], %r6;
  atom.global.exch.b32 %r3, [%rd0+16], 99;
  atom.global.cas.b32 %r3, [%rd0+20], 5, 6;
  atom.global.add.f32 %f1, [%rd0+24], 0f3F000000;
  mov.b32 %r7, 0x3C004000;
  atom.global.add.noftz.f16x2 %r3, [%rd0+28], %r7;
  atom.global.add.u64 %rd1, [%rd0+32], 0x100000001;
  atom.global.inc.u32 %r3, [%rd0+40], 0x40000000;
  atom.global.dec.u32 %r3, [%rd0+44], 3;
)"),
                           {Out}, {.Grid = {8, 1, 1}, .Block = {64, 1, 1}});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> R = D.values<uint32_t>(Out, 12);
  EXPECT_EQ(R[0], 8u * 64 * 128);
  EXPECT_EQ(int32_t(R[1]), -10);
  EXPECT_EQ(int32_t(R[2]), 53);
  EXPECT_EQ(R[3], ~0u);
  EXPECT_EQ(R[4], 99u);
  EXPECT_EQ(R[5], 6u);
  EXPECT_EQ(std::bit_cast<float>(R[6]), 256.f);
  EXPECT_EQ(R[7], 0x60006400u); // 512 and 1024
  EXPECT_EQ(R[8], 512u);
  EXPECT_EQ(R[9], 512u);
  EXPECT_EQ(R[10], 511u); // back to 0 from the bound, then counted
  EXPECT_EQ(R[11], 0u);   // 3, 2, 1, 0, 3, ...: 512 is a multiple of 4
}

TEST(Memory, AsynchronousCopiesArriveByGroups) {
  Device D;
  std::vector<uint32_t> In(3 * 32 * 4);
  std::iota(In.begin(), In.end(), 1);
  const uint64_t From = D.buffer(In), To = D.undefined(32 * 4 * 4);
  absl::Status Ran = D.run(kernel(2, R"(
  .shared .align 16 .b8 first[512];
  .shared .align 16 .b8 second[512];
  shl.b32 %r1, %r0, 4;
  mov.u32 %r2, first;
  add.u32 %r2, %r2, %r1;
  mov.u32 %r3, second;
  add.u32 %r3, %r3, %r1;
  mul.wide.u32 %rd2, %r0, 16;
  add.s64 %rd3, %rd1, %rd2;
  cp.async.cg.shared.global [%r2], [%rd3], 16;
  cp.async.commit_group;
  // The second has 8 bytes of its source, the third nothing of it.
  cp.async.cg.shared.global.L2::128B [%r3], [%rd3+512], 16, 8;
  cp.async.commit_group;
  cp.async.wait_group 1;
  ld.shared.v2.u32 {%r4, %r5}, [%r2];
  cp.async.ca.shared.global [%r2+4], [%rd3+0x100000], 4, 0;
  cp.async.wait_all;
  ld.shared.v4.u32 {%r6, %r7, %r8, %r9}, [%r3];
  ld.shared.u32 %r10, [%r2+4];
  add.u32 %r4, %r4, %r5;
  add.u32 %r6, %r6, %r7;
  add.s64 %rd4, %rd0, %rd2;
  st.global.v4.u32 [%rd4], {%r4, %r6, %r10, %r9};
)"),
                           {To, From});
  ASSERT_TRUE(Ran.ok()) << Ran;
  std::vector<uint32_t> R = D.values<uint32_t>(To, 128);
  for (uint32_t L = 0; L < 32; ++L) {
    EXPECT_EQ(R[4 * L], In[4 * L] + In[4 * L + 1]);
    EXPECT_EQ(R[4 * L + 1], In[128 + 4 * L] + In[128 + 4 * L + 1]);
    EXPECT_EQ(R[4 * L + 2], 0u);
    EXPECT_EQ(R[4 * L + 3], 0u);
  }
}

TEST(Memory, TheHostSide) {
  Device D;
  // Much more than the host has; only touched pages are committed.
  absl::StatusOr<uint64_t> Huge = D.M->allocate(uint64_t(1) << 40, false);
  ASSERT_TRUE(Huge.ok()) << Huge.status();
  const uint64_t Far = *Huge + (uint64_t(1) << 39);
  EXPECT_TRUE(D.M->write(Far, "ZZZ", 3).ok());
  EXPECT_EQ(D.values<uint8_t>(Far, 3), (std::vector<uint8_t>{90, 90, 90}));
  uint8_t Bytes[8];
  EXPECT_EQ(std::string(D.M->read(Bytes, Far, 4).message()),
            "ptx: cannot read 4 bytes at 0x8100000000: byte 549755813891 of "
            "allocation 0 (1099511627776 bytes) was never written");
  // Copies propagate the unwritten state, also between overlapping ranges.
  EXPECT_TRUE(D.M->copy(Far + 1, Far, 4).ok());
  EXPECT_TRUE(D.M->read(Bytes, Far, 4).ok());
  EXPECT_FALSE(D.M->read(Bytes, Far, 5).ok());
  absl::StatusOr<uint64_t> Zeros = D.M->allocate(8, true);
  ASSERT_TRUE(Zeros.ok());
  EXPECT_EQ(D.values<uint64_t>(*Zeros, 1)[0], 0u);
  EXPECT_EQ(*Zeros % 256, 0u);
  EXPECT_EQ(std::string(D.M->write(*Zeros + 4, Bytes, 8).message()),
            "ptx: cannot write 8 bytes at 0x10100100004, beyond allocation 1 "
            "(8 bytes)");
  EXPECT_TRUE(D.M->release(*Zeros).ok());
  EXPECT_EQ(std::string(D.M->read(Bytes, *Zeros, 8).message()),
            "ptx: cannot read 8 bytes at 0x10100100000, in allocation 1 (8 "
            "bytes), which was released");
  EXPECT_EQ(std::string(D.M->release(*Zeros).message()),
            "ptx: cannot release 0x10100100000, which is the address of no "
            "allocation");
}
} // namespace
