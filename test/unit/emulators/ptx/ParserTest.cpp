//===- ParserTest.cpp - errors of modules and launches --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

using namespace m1::ptx;

namespace {
std::string loadError(std::string_view Text) {
  Device D;
  return std::string(D.M->load(Text, "m").status().message());
}
/// The error of a kernel with this body, whose first line is number 8.
std::string bodyError(std::string_view Body) {
  return loadError(
      std::string(".version 8.0\n.target sm_90\n.address_size 64\n"
                  ".entry k()\n{\n.reg .pred %p<4>; .reg .b32 %r<4>;"
                  ".reg .b64 %rd<4>;\n.reg .f32 %f<4>;\n") +
      std::string(Body) + "\n}\n");
}

TEST(Parser, RefusesInstructionsByName) {
  EXPECT_EQ(bodyError("foo.bar %r1, %r2;"),
            "ptx: kernel 'k' line 8: instruction 'foo.bar' is not known to "
            "the emulator");
  EXPECT_EQ(bodyError("\nadd.rm.f32 %f1, %f2, %f3;"),
            "ptx: kernel 'k' line 9: instruction 'add.rm.f32' is not known to "
            "the emulator");
  EXPECT_EQ(bodyError("wgmma.fence.sync.aligned;"),
            "ptx: kernel 'k' line 8: instruction 'wgmma.fence.sync.aligned' "
            "is not known to the emulator");
  EXPECT_EQ(bodyError("mbarrier.init.shared.b64 [%r1], 1;"),
            "ptx: kernel 'k' line 8: instruction 'mbarrier.init.shared.b64' "
            "is not known to the emulator");
  EXPECT_EQ(bodyError("cp.async.bulk.commit_group;"),
            "ptx: kernel 'k' line 8: instruction 'cp.async.bulk.commit_group' "
            "is not known to the emulator");
  EXPECT_EQ(bodyError("ld.global.L2::cache_hint.u32 %r1, [%rd1], %rd2;"),
            "ptx: kernel 'k' line 8: instruction "
            "'ld.global.L2::cache_hint.u32' is not known to the emulator");
}

TEST(Parser, ChecksOperands) {
  const std::string Start = "ptx: kernel 'k' line 8: instruction ";
  const std::string Unknown = " is not known to the emulator: ";
  EXPECT_EQ(bodyError("add.s64 %rd1, %rd2, %r1;"),
            Start + "'add.s64'" + Unknown +
                "register %r1 has 32 bits, expected 64");
  EXPECT_EQ(bodyError("add.s32 %r1, %r2, %q7;"),
            Start + "'add.s32'" + Unknown +
                "'%q7' is not a known register or variable");
  EXPECT_EQ(bodyError("add.s32 %r1, %r2;"),
            Start + "'add.s32'" + Unknown + "too few operands");
  EXPECT_EQ(bodyError("add.s32 %r1, %r2, %r3, %r3;"),
            Start + "'add.s32'" + Unknown + "too many operands");
  EXPECT_EQ(bodyError("cvt.s32.f32 %r1, %f1;"),
            Start + "'cvt.s32.f32'" + Unknown +
                "integer rounding mode missing or not applicable");
  EXPECT_EQ(bodyError("cp.async.cg.shared.global [%r1], [%rd1], 8;"),
            Start + "'cp.async.cg.shared.global'" + Unknown +
                "unsupported copy size 8");
  EXPECT_EQ(bodyError("ld.global.v4.u64 {%rd1, %rd1, %rd2, %rd3}, [%rd0];"),
            Start + "'ld.global.v4.u64'" + Unknown +
                "an access of more than 16 bytes");
  EXPECT_EQ(bodyError("@%r1 bra L; L: ret;"),
            "ptx: kernel 'k' line 8: '%r1' is not a predicate");
  EXPECT_EQ(bodyError("bra AWAY;"),
            "ptx: kernel 'k' line 9: there is no label 'AWAY'");
  EXPECT_EQ(bodyError("L: L: ret;"),
            "ptx: kernel 'k' line 8: duplicate label 'L'");
  EXPECT_EQ(bodyError(".shared .b8 big[50000]; mov.u32 %r1, big;"),
            "ptx: kernel 'k' line 8: shared variable 'big' has 50000 bytes, "
            "expected at most 49152");
}

TEST(Parser, ChecksTheModule) {
  EXPECT_EQ(loadError(".address_size 32"),
            "ptx: module 'm' line 1: addresses of 32 bits, expected 64");
  EXPECT_EQ(loadError("\n.surfref x;"), "ptx: module 'm' line 2: '.surfref' is "
                                        "not known to the emulator");
  EXPECT_EQ(loadError(".entry k() {\n ret;"),
            "ptx: module 'm' line 2: unterminated '{'");
  EXPECT_EQ(loadError(".global .u32 x = {1, 2};"),
            "ptx: module 'm' line 1: too many initialisers for 'x'");
  EXPECT_EQ(loadError(".func f() {\n call f;\n ret;\n}"),
            "ptx: function 'f' line 1: recursion is not known to the emulator");
  EXPECT_EQ(loadError(".func g();\n.func f() {\n call g;\n ret;\n}"),
            "ptx: function 'f' line 3: call of 'g', which the module does not "
            "define");
}

TEST(Parser, PassesOverWhatDoesNotMatterHere) {
  Device D;
  const uint64_t Out = D.undefined(4);
  absl::Status Ran = D.run(R"(
.version 8.0
.target sm_80, debug
.address_size 64
.file 1 "/a/b.py"
/* a comment
   of two lines */
.section .debug_str { $L_info: .b8 97, 0 }
.visible .entry k(.param .u64 out) .maxntid 64 .minnctapersm 2
{
  .reg .b64 %rd<2>; // one
  .pragma "nounroll";
  .loc 1 2 3
  .loc 1 5 1, function_name $L_info, inlined_at 1 2 3
  ld.param.u64 %rd1, [out+0];
  st.global.u32 [%rd1], 0x2AU;
  ret;
}
)",
                           {Out}, {.Block = {1, 1, 1}});
  ASSERT_TRUE(Ran.ok()) << Ran;
  EXPECT_EQ(D.values<uint32_t>(Out, 1)[0], 42u);
}

TEST(Launch, ChecksShapes) {
  Device D;
  auto Error = [&](std::string_view Directive, Device::Shape S,
                   std::vector<uint64_t> Arguments = {}) {
    return std::string(
        D.run(std::string(".version 8.0\n.target sm_90\n.address_size 64\n"
                          ".entry k() ") +
                  std::string(Directive) + " { ret; }",
              std::move(Arguments), S)
            .message());
  };
  EXPECT_EQ(Error("", {.Block = {32, 33, 1}}),
            "ptx: launch of 'k': a block of 32 x 33 x 1 threads, expected 1 to "
            "1024 and at most 64 in z");
  EXPECT_EQ(Error("", {.Block = {1, 1, 65}}),
            "ptx: launch of 'k': a block of 1 x 1 x 65 threads, expected 1 to "
            "1024 and at most 64 in z");
  EXPECT_EQ(Error("", {.Grid = {1, 65536, 1}}),
            "ptx: launch of 'k': a grid of 1 x 65536 x 1 blocks, expected at "
            "least 1 and at most 2147483647 x 65535 x 65535");
  EXPECT_EQ(Error("", {.Grid = {1, 0, 1}}),
            "ptx: launch of 'k': a grid of 1 x 0 x 1 blocks, expected at least "
            "1 and at most 2147483647 x 65535 x 65535");
  EXPECT_EQ(Error(".maxntid 64, 1, 1", {.Block = {65, 1, 1}}),
            "ptx: launch of 'k': a block of 65 x 1 x 1 threads, but .maxntid "
            "is 64 x 1 x 1");
  EXPECT_EQ(Error(".reqntid 64", {.Block = {32, 1, 1}}),
            "ptx: launch of 'k': a block of 32 x 1 x 1 threads, but .reqntid "
            "is 64 x 1 x 1");
  EXPECT_EQ(Error("", {.SharedBytes = 227 * 1024 + 1}),
            "ptx: launch of 'k': 232449 bytes of dynamic and 0 of static "
            "shared memory, at most 232448 are possible");
  EXPECT_EQ(Error("", {}, {1}), "ptx: launch of 'k': 1 arguments, expected 0");
  EXPECT_EQ(
      std::string(
          D.M->launch({0, "other", {1, 1, 1}, {1, 1, 1}, 0, {}}).message()),
      "ptx: module 'test' has no kernel 'other'");
  EXPECT_EQ(std::string(
                D.M->launch({99, "k", {1, 1, 1}, {1, 1, 1}, 0, {}}).message()),
            "ptx: there is no module 99");
  EXPECT_EQ(std::string(Machine::create(0).status().message()),
            "ptx: an emulated device needs at least 1 thread");
}
} // namespace
