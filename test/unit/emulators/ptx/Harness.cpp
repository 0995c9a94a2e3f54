//===- Harness.cpp - kernels in tests of the PTX emulator -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/emulators/ptx/Harness.h"

#include "runtime/support/Error.h"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

using namespace m1;
using namespace m1::ptx;

namespace {
void assemble(const std::string &Text) {
  const char *Assembler = std::getenv("M1_PTXAS");
  if (!Assembler)
    return;
  const std::string Path = concat(testing::TempDir(), "m1-", getpid(), ".ptx");
  std::ofstream(Path) << Text;
  EXPECT_EQ(std::system(
                concat(Assembler, " -arch=sm_90 -o /dev/null ", Path).c_str()),
            0)
      << Text;
  std::remove(Path.c_str());
}
} // namespace

std::string ptx::kernel(unsigned Parameters, std::string_view Body,
                        std::string_view Outside) {
  std::string Text = concat(".version 8.0\n.target sm_90\n.address_size 64\n",
                            Outside, "\n.visible .entry k(");
  for (unsigned N = 0; N < Parameters; ++N)
    Text += concat(N ? ", " : "", ".param .u64 k_param_", N);
  Text += ")\n{\n.reg .pred %p<16>;\n.reg .b16 %h<32>;\n.reg .b32 %r<64>;\n"
          ".reg .f32 %f<64>;\n.reg .b64 %rd<32>;\n.reg .f64 %fd<16>;\n"
          "mov.u32 %r0, %tid.x;\n";
  for (unsigned N = 0; N < Parameters; ++N)
    Text += concat("ld.param.u64 %rd", N, ", [k_param_", N, "];\n");
  Text += concat(Body, "\nret;\n}\n");
  return Text;
}

uint32_t ptx::markedLine(std::string_view Text) {
  const size_t Mark = Text.find("//!");
  EXPECT_NE(Mark, std::string_view::npos);
  uint32_t Line = 1;
  for (char C : Text.substr(0, Mark))
    Line += C == '\n';
  return Line;
}

Device::Device(unsigned Threads, Machine::Limits Limits) {
  absl::StatusOr<std::unique_ptr<Machine>> Created =
      Machine::create(Threads, Limits);
  EXPECT_TRUE(Created.ok()) << Created.status();
  M = std::move(*Created);
}

absl::Status Device::run(std::string_view Text, std::vector<uint64_t> Arguments,
                         const Shape &S) {
  M1_ASSIGN_OR_RETURN(uint32_t Module, M->load(Text, "test"));
  assemble(std::string(Text));
  return M->launch(
      {Module, "k", S.Grid, S.Block, S.SharedBytes, Arguments, S.Extents});
}

std::vector<uint64_t>
ptx::evaluate(std::string_view Instructions,
              const std::vector<std::array<uint64_t, 3>> &Operands) {
  std::string Body = ".reg .pred %OP;\n";
  for (char Name : {'A', 'B', 'C', 'O'})
    Body +=
        concat(".reg .b16 %", std::string(1, Name), "16;\n.reg .b32 %",
               std::string(1, Name), "32;\n.reg .b64 %", std::string(1, Name),
               "64;\n.reg .f32 %", std::string(1, Name), "F;\n.reg .f64 %",
               std::string(1, Name), "D;\n");
  Body += "mad.wide.u32 %rd1, %r0, 24, %rd1;\n"
          "mad.wide.u32 %rd0, %r0, 8, %rd0;\n";
  for (unsigned N = 0; N < 3; ++N) {
    const std::string Name(1, "ABC"[N]);
    Body +=
        concat("ld.global.u64 %", Name, "64, [%rd1+", 8 * N,
               "];\ncvt.u32.u64 %", Name, "32, %", Name, "64;\ncvt.u16.u64 %",
               Name, "16, %", Name, "64;\nmov.b32 %", Name, "F, %", Name,
               "32;\nmov.b64 %", Name, "D, %", Name, "64;\n");
  }
  Body += concat(Instructions, "\n");
  auto Has = [&](std::string_view Result) {
    return Instructions.find(Result) != std::string_view::npos;
  };
  if (Has("%OP"))
    Body += "selp.b64 %O64, 1, 0, %OP;\n";
  else if (Has("%O16"))
    Body += "cvt.u64.u16 %O64, %O16;\n";
  else if (Has("%OF"))
    Body += "mov.b32 %O32, %OF;\ncvt.u64.u32 %O64, %O32;\n";
  else if (Has("%OD"))
    Body += "mov.b64 %O64, %OD;\n";
  else if (Has("%O32"))
    Body += "cvt.u64.u32 %O64, %O32;\n";
  Body += "st.global.u64 [%rd0], %O64;";

  Device D;
  const uint64_t Out = D.undefined(8 * Operands.size()),
                 In = D.buffer(Operands);
  absl::Status Ran = D.run(kernel(2, Body), {Out, In},
                           {.Block = {uint32_t(Operands.size()), 1, 1}});
  EXPECT_TRUE(Ran.ok()) << Instructions << ": " << Ran;
  return Ran.ok() ? D.values<uint64_t>(Out, Operands.size())
                  : std::vector<uint64_t>(Operands.size());
}

uint64_t ptx::evaluate(std::string_view Instructions, uint64_t A, uint64_t B,
                       uint64_t C) {
  return evaluate(Instructions, {{A, B, C}})[0];
}
