//===- ChecksTest.cpp - kernel errors that are detected -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include "runtime/support/Error.h"

using namespace m1;
using namespace m1::ptx;

namespace {
/// Runs a kernel with two parameters, an uninitialised buffer of 400 bytes and
/// a zero-initialised one. Expects `Message` for the line of the body with the
/// mark "//!".
void expectError(std::string_view Body, std::string_view Thread,
                 std::string_view Message, const Device::Shape &S = {},
                 unsigned Threads = 1, std::string_view Outside = "") {
  Device D(Threads, {.Instructions = 100000});
  const uint64_t Undefined = D.undefined(400);
  const uint64_t Zeros = D.buffer(std::vector<uint32_t>(100));
  const std::string Text = kernel(2, Body, Outside);
  absl::Status Ran = D.run(Text, {Undefined, Zeros}, S);
  EXPECT_EQ(std::string(Ran.message()),
            concat("ptx: kernel 'k' line ", markedLine(Text), ": ", Thread,
                   ": ", Message));
}

TEST(Checks, ArgumentExtents) {
  using Access = ArgumentExtent::Access;
  // Two adjacent buffers and a number.
  auto error = [](std::string_view Body, ArgumentExtent First,
                  ArgumentExtent Second) {
    Device D;
    const uint64_t Memory = D.undefined(400);
    const std::string Text = kernel(3, Body);
    absl::Status Ran = D.run(Text, {Memory + 12, Memory + 24, 5},
                             {.Extents = {First, Second, {}}});
    if (Ran.ok()) {
      // Exactly the bytes stored count as written.
      EXPECT_EQ(D.values<uint32_t>(Memory + 20, 1)[0], 5u);
      uint32_t Value;
      EXPECT_FALSE(D.M->read(&Value, Memory + 16, 4).ok());
      EXPECT_FALSE(D.M->read(&Value, Memory + 24, 4).ok());
      return std::string();
    }
    const std::string Message(Ran.message());
    const std::string Start = concat("ptx: kernel 'k' line ", markedLine(Text),
                                     ": block (0,0,0) thread (0,0,0): ");
    EXPECT_EQ(Message.substr(0, Start.size()), Start);
    return Message.substr(std::min(Start.size(), Message.size()));
  };
  const ArgumentExtent Twelve = {Access::ReadWrite, 12};
  const ArgumentExtent ReadOnly = {Access::Read, 12};
  EXPECT_EQ(error("cvt.u32.u64 %r1, %rd2; st.global.u32 [%rd0+8], %r1; "
                  "ld.global.u32 %r2, [%rd0+8]; //!",
                  Twelve, Twelve),
            "");
  EXPECT_EQ(error("st.global.u32 [%rd0+12], %r0; //!", Twelve, Twelve),
            "st.global.u32 at 0x100000018 writes 4 bytes at offset 12 of "
            "argument 0, whose extent is 12 bytes");
  EXPECT_EQ(error("st.global.u32 [%rd1+-4], %r0; //!", Twelve, Twelve),
            "st.global.u32 at 0x100000014 writes 4 bytes at offset -4 of "
            "argument 1, whose extent is 12 bytes");
  EXPECT_EQ(error("cvta.to.global.u64 %rd3, %rd1; add.s64 %rd3, %rd3, 16;\n"
                  "ld.u32 %r1, [%rd3]; //!",
                  Twelve, Twelve),
            "ld.u32 at 0x100000028 reads 4 bytes at offset 16 of argument 1, "
            "whose extent is 12 bytes");
  EXPECT_EQ(error("st.global.u32 [%rd0], %r0;\n"
                  "ld.global.u32 %r1, [%rd0];\n"
                  "st.global.u32 [%rd1], %r0; //!",
                  Twelve, ReadOnly),
            "st.global.u32 at 0x100000018 writes 4 bytes to argument 1, which "
            "is only read");
  EXPECT_EQ(error("ld.global.u32 %r1, [%rd1]; //!", Twelve, ReadOnly),
            "ld.global.u32 at 0x100000018 reads 4 bytes that nothing has "
            "written, at byte 24 of allocation 0 (400 bytes)");
  EXPECT_EQ(error("ld.global.u16 %h1, [%rd1+1]; //!", Twelve, ReadOnly),
            "ld.global.u16 at 0x100000019 is not aligned to 2 bytes");
  EXPECT_EQ(
      error("st.global.u32 [%rd0], %r0; //!", {Access::ReadWrite, 0}, Twelve),
      "st.global.u32 at 0x10000000c writes 4 bytes at offset 0 of "
      "argument 0, whose extent is 0 bytes");

  Device D;
  const uint64_t Memory = D.undefined(400);
  EXPECT_EQ(std::string(D.run(kernel(1, ""), {Memory + 300},
                              {.Extents = {{Access::Read, 104}}})
                            .message()),
            "ptx: launch of 'k': argument 0 is 104 bytes at 0x10000012c, "
            "beyond allocation 0 (400 bytes)");
}

TEST(Checks, GlobalMemory) {
  expectError(R"(
  mul.wide.u32 %rd2, %r0, 4;
  add.s64 %rd3, %rd1, %rd2;
  ld.global.f32 %f1, [%rd3+380]; //!
)",
              "block (0,0,0) thread (5,0,0)",
              "ld.global.f32 at 0x100100190 reads 4 bytes beyond allocation 1 "
              "(400 bytes)");
  expectError("st.global.u64 [%rd0+396], %rd0; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.global.u64 at 0x10000018c is not aligned to 8 bytes");
  expectError("st.global.u64 [%rd0+-8], %rd0; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.global.u64 at 0xfffffff8 writes 8 bytes 8 bytes before "
              "allocation 0 (400 bytes)");
  expectError("st.global.v4.u32 [%rd0+392], {%r0, %r0, %r0, %r0}; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.global.v4.u32 at 0x100000188 is not aligned to 16 bytes");
  expectError("mov.u64 %rd3, 64; ld.u8 %r1, [%rd3]; //!",
              "block (0,0,0) thread (0,0,0)",
              "ld.u8 at 0x40 reads 1 bytes outside all allocations");
  expectError(R"(
  st.global.u16 [%rd0+8], %r0;
  ld.global.u32 %r1, [%rd0+8]; //!
)",
              "block (0,0,0) thread (0,0,0)",
              "ld.global.u32 at 0x100000008 reads 4 bytes that nothing has "
              "written, at byte 8 of allocation 0 (400 bytes)");
  expectError("atom.global.add.u32 %r1, [%rd0], 1; //!",
              "block (0,0,0) thread (0,0,0)",
              "atom.global.add.u32 at 0x100000000 reads 4 bytes that nothing "
              "has written, at byte 0 of allocation 0 (400 bytes)");
  expectError("mov.u64 %rd3, table; ld.global.u32 %r1, [%rd3+8]; //!",
              "block (0,0,0) thread (0,0,0)",
              "ld.global.u32 at 0x100200008 reads 4 bytes beyond variable "
              "'table' (8 bytes)",
              {}, 1, ".global .align 4 .u32 table[2] = {1, 2};");
}

TEST(Checks, ReleasedMemory) {
  Device D;
  const uint64_t Out = D.undefined(8);
  ASSERT_TRUE(D.M->release(Out).ok());
  EXPECT_EQ(std::string(
                D.run(kernel(1, "st.global.u32 [%rd0], 1;"), {Out}).message()),
            "ptx: kernel 'k' line 15: block (0,0,0) thread (0,0,0): "
            "st.global.u32 at 0x100000000 writes 4 bytes in allocation 0 (8 "
            "bytes), which was released");
}

TEST(Checks, SharedLocalAndParameterMemory) {
  constexpr std::string_view Dynamic =
      ".extern .shared .align 16 .b8 dynamic[];";
  expectError("mov.u64 %rd2, dynamic; st.shared.u32 [%rd2+64], 1; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.shared.u32 at 0x10040 writes 4 bytes beyond the block's "
              "shared memory (0 bytes static at 0x400, 64 dynamic at 0x10000)",
              {.SharedBytes = 64}, 1, Dynamic);
  expectError(".shared .b32 word; ld.shared.u32 %r1, [word]; //!",
              "block (0,0,0) thread (0,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that nothing has written");
  expectError(".shared .b32 word; st.shared.u16 [word+1], 1; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.shared.u16 at 0x401 is not aligned to 2 bytes");
  expectError(".local .align 4 .b8 stack[4]; mov.u64 %rd2, stack;"
              "ld.local.u32 %r1, [%rd2]; //!",
              "block (0,0,0) thread (0,0,0)",
              "ld.local.u32 at 0x100 reads 4 bytes of local memory that "
              "nothing has written");
  expectError(".local .align 4 .b8 stack[16]; mov.u64 %rd2, stack;"
              "st.local.u32 [%rd2+16], %r1; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.local.u32 reads %r1, which nothing has written");
  expectError(".local .align 4 .b8 stack[16]; mov.u64 %rd2, stack;"
              "st.local.u32 [%rd2+16], %r0; //!",
              "block (0,0,0) thread (0,0,0)",
              "st.local.u32 at 0x110 writes 4 bytes beyond the thread's local "
              "memory (16 bytes at 0x100)");
  expectError("ld.param.u64 %rd2, [k_param_1+8]; //!",
              "block (0,0,0) thread (0,0,0)",
              "ld.param.u64 at 0x10 reads 8 bytes beyond the kernel's "
              "parameters (16 bytes)");
}

TEST(Checks, UnwrittenRegisters) {
  expectError("add.s32 %r1, %r0, %r2; //!", "block (0,0,0) thread (0,0,0)",
              "add.s32 reads %r2, which nothing has written");
  // Moves and selects are not uses.
  expectError(R"(
  setp.lt.u32 %p1, %r0, 30;
  @%p1 mov.u32 %r2, 7;
  mov.u32 %r3, %r2;
  selp.u32 %r4, %r3, %r5, %p1;
  mov.b64 %rd3, {%r4, %r4};
  add.s64 %rd4, %rd3, 1; //!
)",
              "block (0,0,0) thread (30,0,0)",
              "add.s64 reads %rd3, which nothing has written");
  expectError("@%p3 add.s32 %r1, %r0, 1; //!", "block (0,0,0) thread (0,0,0)",
              "add.s32 reads %p3, which nothing has written");
  // The value of an inactive source lane is undefined.
  expectError(R"(
  setp.lt.u32 %p1, %r0, 16;
  @!%p1 bra DONE;
  shfl.sync.down.b32 %r1, %r0, 4, 31, 0xffff;
  add.u32 %r2, %r1, 1; //!
DONE:
)",
              "block (0,0,0) thread (12,0,0)",
              "add.u32 reads %r1, which nothing has written");
}

TEST(Checks, RacesOfWarps) {
  constexpr std::string_view Word = ".shared .align 4 .b8 word[64];";
  const Device::Shape Two = {.Block = {64, 1, 1}};
  expectError(R"(
  setp.lt.u32 %p1, %r0, 32;
  @%p1 st.shared.u32 [word], 1;
  @!%p1 ld.shared.u32 %r1, [word]; //!
)",
              "block (0,0,0) thread (32,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that warp 0 wrote since the "
              "last barrier: a race",
              Two, 1, Word);
  expectError(R"(
  st.shared.u8 [word+3], 1; //!
)",
              "block (0,0,0) thread (32,0,0)",
              "st.shared.u8 at 0x403 writes a byte that warp 0 wrote since the "
              "last barrier: a race",
              Two, 1, Word);
  expectError(R"(
  setp.lt.u32 %p1, %r0, 32;
  @!%p1 st.shared.u32 [word], 1;
  bar.sync 0;
  @%p1 ld.shared.u32 %r1, [word];
  @!%p1 st.shared.u32 [word], 2; //!
)",
              "block (0,0,0) thread (32,0,0)",
              "st.shared.u32 at 0x400 writes a byte that warp 0 read since the "
              "last barrier: a race",
              Two, 1, Word);
  expectError(R"(
  setp.lt.u32 %p1, %r0, 32;
  @%p1 st.shared.u32 [word], 1;
  bar.sync 0;
  red.shared.add.u32 [word], 1;
  ld.shared.u32 %r1, [word]; //!
)",
              "block (0,0,0) thread (0,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that atomics accessed "
              "since the last barrier",
              Two, 1, Word);
}

TEST(Checks, RacesOfLanes) {
  constexpr std::string_view Word = ".shared .align 4 .b8 word[64];";
  expectError("st.shared.u32 [word], %r0; //!", "block (0,0,0) thread (0,0,0)",
              "st.shared.u32 at 0x400 writes a byte to which another lane "
              "writes another value in the same instruction: a race",
              {}, 1, Word);
  constexpr std::string_view Alone = R"(
  setp.eq.u32 %p1, %r0, 3;
  @%p1 st.shared.u32 [word], 7;
)";
  expectError(concat(Alone, "ld.shared.u32 %r1, [word]; //!"),
              "block (0,0,0) thread (0,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that lane 3 of the same "
              "warp wrote alone, with no bar.warp.sync in between: a race",
              {}, 1, Word);
  // With a barrier, and for the lane itself, it is not a race.
  Device D;
  EXPECT_TRUE(D.run(kernel(0,
                           concat(Alone, "@%p1 ld.shared.u32 %r1, [word];"
                                         "bar.warp.sync -1;"
                                         "ld.shared.u32 %r1, [word];"),
                           Word),
                    {})
                  .ok());
}

TEST(Checks, AsynchronousCopies) {
  constexpr std::string_view Tile = ".shared .align 16 .b8 tile[512];";
  constexpr std::string_view Copy = R"(
  shl.b32 %r1, %r0, 3;
  mov.u32 %r2, tile;
  add.u32 %r2, %r2, %r1;
  mul.wide.u32 %rd2, %r0, 8;
  add.s64 %rd3, %rd1, %rd2;
  cp.async.ca.shared.global [%r2], [%rd3], 8;
  cp.async.commit_group;
)";
  expectError(concat(Copy, "ld.shared.u32 %r3, [%r2+4]; //!"),
              "block (0,0,0) thread (0,0,0)",
              "ld.shared.u32 at 0x404 reads a byte before the asynchronous "
              "copy to it is waited for",
              {}, 1, Tile);
  // Waiting for all but the last group does not help, nor does a barrier.
  expectError(concat(Copy, "cp.async.wait_group 1; bar.sync 0;"
                           "st.shared.u32 [%r2], 5; //!"),
              "block (0,0,0) thread (0,0,0)",
              "st.shared.u32 at 0x400 writes a byte before the asynchronous "
              "copy to it is waited for",
              {}, 1, Tile);
  expectError(concat(Copy, "cp.async.ca.shared.global [%r2+4], [%rd3], 4; //!"),
              "block (0,0,0) thread (0,0,0)",
              "cp.async.ca.shared.global at 0x404 writes a byte before the "
              "asynchronous copy to it is waited for",
              {}, 1, Tile);
  // Another lane's completed copy is visible only after a warp barrier.
  expectError(concat(Copy, "cp.async.wait_group 0;"
                           "ld.shared.u32 %r3, [tile]; //!"),
              "block (0,0,0) thread (1,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that lane 0 of the same "
              "warp wrote alone, with no bar.warp.sync in between: a race",
              {}, 1, Tile);
  // And another warp's after a block barrier.
  expectError(concat(Copy, "cp.async.wait_all; bar.warp.sync -1;"
                           "ld.shared.u32 %r3, [tile]; //!"),
              "block (0,0,0) thread (32,0,0)",
              "ld.shared.u32 at 0x400 reads a byte that warp 0 wrote since the "
              "last barrier: a race",
              {.Block = {50, 1, 1}}, 1, Tile);
  expectError(R"(
  mov.u32 %r2, tile;
  cp.async.cg.shared.global [%r2], [%rd1+392], 16; //!
)",
              "block (0,0,0) thread (0,0,0)",
              "cp.async.cg.shared.global at 0x100100188 is not aligned to 16 "
              "bytes",
              {}, 1, Tile);
  expectError(R"(
  mov.u32 %r2, tile;
  mul.wide.u32 %rd2, %r0, 16;
  add.s64 %rd3, %rd1, %rd2;
  mad.lo.u32 %r2, %r0, 16, %r2;
  cp.async.cg.shared.global [%r2], [%rd3], 16; //!
)",
              "block (0,0,0) thread (25,0,0)",
              "cp.async.cg.shared.global at 0x100100190 reads 1 bytes beyond "
              "allocation 1 (400 bytes)",
              {}, 1, Tile);
  expectError("mov.u32 %r2, tile; mov.u32 %r3, 8;"
              "cp.async.ca.shared.global [%r2], [%rd1], 4, %r3; //!",
              "block (0,0,0) thread (0,0,0)",
              "cp.async.ca.shared.global has a source of 8 bytes, more than "
              "the 4 to copy",
              {}, 1, Tile);
}

TEST(Checks, Barriers) {
  const Device::Shape Two = {.Block = {64, 1, 1}};
  expectError(R"(
  setp.gt.u32 %p1, %r0, 40;
  @%p1 exit;
  bar.sync 0; //!
)",
              "block (0,0,0) thread (0,0,0)",
              "bar.sync waits for thread (41,0,0), which has exited: a "
              "deadlock",
              Two);
  expectError(R"(
  setp.lt.u32 %p1, %r0, 5;
  @%p1 bra OUT;
  bar.sync 0; //!
OUT:
)",
              "block (0,0,0) thread (5,0,0)",
              "bar.sync is executed while lane 0 of the same warp is "
              "elsewhere: a deadlock");
  expectError(R"(
  setp.lt.u32 %p1, %r0, 32;
  @%p1 bra ONE;
  bar.sync 2;
  bra OUT;
ONE:
  bar.sync 1; //!
OUT:
)",
              "block (0,0,0) thread (0,0,0)",
              "bar.sync waits at barrier 1, but thread (32,0,0) at barrier 2 "
              "(line 19): a deadlock",
              Two);
  expectError("bar.sync 0, 32; //!", "block (0,0,0) thread (0,0,0)",
              "bar.sync of 32 threads in a thread block of 64: only barriers "
              "of the whole thread block are emulated",
              Two);
  expectError(R"(
  setp.lt.u32 %p1, %r0, 5;
  @%p1 bra OUT;
  shfl.sync.idx.b32 %r1, %r0, 0, 31, -1; //!
OUT:
)",
              "block (0,0,0) thread (0,0,0)",
              "shfl.sync.idx.b32: member mask 0xffffffff includes this lane, "
              "which does not execute it: a deadlock");
  expectError("bar.warp.sync 0xfffffffe; //!", "block (0,0,0) thread (0,0,0)",
              "bar.warp.sync is executed by a lane that its member mask "
              "0xfffffffe does not include");
  expectError("movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r0; //!",
              "block (0,0,0) thread (0,0,0)",
              "movmatrix.sync.aligned.m8n8.trans.b16 needs all 32 lanes of "
              "the warp, but lane 20 does not execute it",
              {.Block = {20, 1, 1}});
}

TEST(Checks, EndlessLoops) {
  Device D(1, {.Instructions = 1000});
  EXPECT_EQ(std::string(D.run(kernel(0, "L: bra L;"), {}).message()),
            "ptx: kernel 'k' line 14: block (0,0,0) thread (0,0,0): bra was "
            "reached after the limit of 1000 instructions: an endless loop or "
            "a deadlock");
}

TEST(Checks, DivisionAndTraps) {
  expectError(R"(
  sub.u32 %r1, %r0, 6;
  rem.u32 %r2, %r0, %r1; //!
)",
              "block (0,0,0) thread (6,0,0)", "rem.u32 divides by zero");
  expectError("setp.eq.u32 %p1, %r0, 4; @%p1 trap; //!",
              "block (0,0,0) thread (4,0,0)", "trap was reached");
}

TEST(Checks, NamesTheFirstBlockAndThread) {
  // All thread blocks from (1,1,0) on fail, later ones earlier in time.
  for (unsigned Threads : {1, 2, 4})
    expectError(R"(
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ctaid.y;
  mov.u32 %r3, %nctaid.x;
  mad.lo.u32 %r4, %r2, %r3, %r1;
  mov.u32 %r6, %tid.y;
  sub.u32 %r5, 40, %r4;
  mul.lo.u32 %r5, %r5, 50;
WAIT:
  sub.u32 %r5, %r5, 1;
  setp.ne.u32 %p1, %r5, 0;
  @%p1 bra WAIT;
  setp.lt.u32 %p2, %r4, 5;
  setp.ne.or.u32 %p2, %r6, 2, %p2;
  @%p2 bra GOOD;
  div.u32 %r7, %r0, %r5; //!
GOOD:
)",
                "block (1,1,0) thread (0,2,0)", "div.u32 divides by zero",
                {.Grid = {4, 5, 1}, .Block = {8, 3, 2}}, Threads);
}
} // namespace
