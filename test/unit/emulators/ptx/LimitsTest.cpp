//===- LimitsTest.cpp - modules that are damaged or too large -------------===//
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
std::string loadError(std::string_view Text) {
  Device D;
  return std::string(D.M->load(Text, "m").status().message());
}
std::string bodyError(std::string_view Body, std::string_view Outside = "") {
  return loadError(kernel(0, Body, Outside));
}
std::string repeated(std::string_view Text, size_t Count) {
  std::string Result;
  for (size_t I = 0; I < Count; ++I)
    Result += Text;
  return Result;
}

/// A text and a part of its error.
struct BadText {
  const char *Text, *Error;
};
void expectErrors(std::string (*Load)(std::string_view Text),
                  std::initializer_list<BadText> Texts) {
  for (const BadText &T : Texts) {
    const std::string Error = Load(T.Text);
    EXPECT_NE(Error.find(T.Error), std::string::npos) << T.Text << "\n"
                                                      << Error;
  }
}
std::string inBody(std::string_view Text) { return bodyError(Text); }

TEST(Limits, Declarations) {
  expectErrors(
      inBody,
      {{".reg .b32 %q<4000000000>;",
        "a number of registers is 4000000000, expected 1 to 65536"},
       {".reg .b32 %q<-1>;", "a number of registers is -1, expected 1 to"},
       {".reg .b32 %q<0>;", "a number of registers is 0, expected 1 to"},
       {".reg .b32 %q<18446744073709551616>;", "malformed number"},
       {".reg .pred %q<65536>;", "too many predicates"},
       {".reg .b64 %q<65400>; .reg .b64 %s<65400>;",
        "more than 65536 registers, or 262144 in the module"},
       {".reg .b32 5;", "expected a register's name, found '5'"},
       {".reg;", "registers of type ';' are not known"},
       {".local .align 0 .b8 x[4];", "an alignment is 0, expected 1 to 256"},
       {".local .align -8 .b8 x[4];", "an alignment is -8, expected 1 to 256"},
       {".local .align 3 .b8 x[4];",
        "an alignment is 3, expected a power of 2"},
       {".local .align 512 .b8 x[4];", "an alignment is 512, expected 1 to"},
       {".local .align 0 .pred x;", "an alignment is 0"},
       {".local .pred x;", "'.pred' is not known in a declaration"},
       {".local .b8 x[1000000000000];",
        "an array's size is 1000000000000, expected 1 to 4294967295"},
       {".local .b8 x[-1];", "an array's size is -1, expected 1 to"},
       {".local .b8 x[0];", "an array's size is 0, expected 1 to"},
       {".local .b32 x[4294967295][4294967295];",
        "variable 'x' has 2^64 bytes or more"},
       {".local .b8 x[65537];",
        "variable 'x' has 65537 bytes, expected at most 65536"},
       {".local .b8 x[];", "variable 'x' has no size"},
       {".local .b8 x[4][];", "variable 'x' has no size"},
       {".local .b8 x[40000]; .local .b8 y[40000];",
        "80000 bytes of local memory, expected at most 65536"},
       {".local .v4 .b64 x[2049];", "has 65568 bytes"},
       {".param .b8 x[1000000];", "parameter 'x' has 1000000 bytes"},
       {".shared .b8 x[1000000000];",
        "shared variable 'x' has 1000000000 bytes, expected at most 49152"},
       {".shared .b8 x[40000]; .shared .b8 y[40000];\n"
        "mov.u32 %r1, x; mov.u32 %r1, y;",
        "80000 bytes of static shared memory, at most 49152 are possible"}});
  expectErrors(
      loadError,
      {{".global .b8 x[4000000000];",
        "variable 'x' has 4000000000 bytes, expected at most 67108864"},
       {".global .b8 x[60000000]; .global .b8 y[60000000];",
        "variable 'y' has 60000000 bytes, expected at most 7108864"},
       {".global .align 0 .pred x;", "an alignment is 0"},
       {".global .b8 x[];", "variable 'x' has no size"},
       {".global .b8 x[2] = {1, 256};",
        "initialiser 256 of 'x' has more than 8 bits"},
       {".global .b8 x[2] = {1, -129};", "initialiser -129 of 'x'"},
       {".global .b64 x = -9223372036854775809;", "more than 64 bits"},
       {".global .b16 x = 1.5;", "initialiser 1.5 of 'x', which has 16 bits"},
       {".entry k(.param .b8 x[40000]) { ret; }",
        "parameter 'x' has 40000 bytes, expected at most 32764"},
       {".entry k(.param .b8 x[20000], .param .b8 y[20000]) { ret; }",
        "parameters of 40000 bytes up to parameter 'y'"},
       {".entry k() .maxntid 4294967297 { ret; }",
        "a number of threads is 4294967297, expected 1 to 1024"},
       {".entry k() .reqntid 0 { ret; }",
        "a number of threads is 0, expected 1 to 1024"}});
  EXPECT_EQ(loadError(".global .b8 x[2] = {-128, 255};"), "");
  // What a parameter points to may be aligned to more.
  EXPECT_EQ(loadError(".entry k(.param .u64 .ptr .global .align 4096 x) {}"),
            "");
}

TEST(Limits, Operands) {
  expectErrors(
      inBody,
      {{"add.s32 %r1, %r2, 4294967296;",
        "the number 4294967296 has more than 32 bits"},
       {"add.s32 %r1, %r2, -2147483649;", "has more than 32 bits"},
       {"mov.b16 %h1, 65536;", "the number 65536 has more than 16 bits"},
       {"st.global.u8 [%rd1], 256;", "the number 256 has more than 8 bits"},
       {"mov.u64 %rd1, -9223372036854775809;", "has more than 64 bits"},
       {"mov.u32 %r1, 0x10000000000000000;", "malformed number"},
       {"mov.f32 %f1, 0f3F8;", "malformed number"},
       {"add.s32 %r1, !%r2, %r3;", "'!%r2' is not a register or a number"},
       {"add.s32 %r1, %r2|%p1, %r3;", "'%r2|%p1' is not a register"},
       {"add.s32 !%r1, %r2, %r3;", "one result is expected"},
       {"setp.eq.s32 !%p1, %r2, %r3;", "a result cannot be negated"},
       {"lop3.b32 %r1, %r2, %r3, %r4, 256;",
        "the number 256, expected 0 to 255"},
       {"cp.async.wait_group -1;", "the number -1, expected 0 to 4294967295"},
       {"cp.async.wait_group 9223372036854775807;", "expected 0 to 4294967295"},
       {"bra 5;", "a label is expected"},
       {"bra {%r1};", "a label is expected"},
       {"L: .branchtargets 5;", "expected a label, found '5'"},
       {"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f0, _, %f2, "
        "%f3}, {%r0, %r1, %r2, %r3}, {%r0, %r1}, {%f0, %f1, %f2, %f3};",
        "'_' is not a register"},
       {"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r1, _}, [%r2];",
        "'_' is not a register"},
       {"mov.u32 %r1, %r2", "expected ',', found 'ret'"},
       {".pragma 5;", "expected a string, found '5'"}});
  EXPECT_EQ(bodyError("add.s32 %r1, %r2, 4294967295;"
                      "add.s32 %r1, %r2, -2147483648;"
                      "mov.u64 %rd1, table; mov.b16 %h1, -32768;",
                      ".global .b8 table[4];"),
            "");
  EXPECT_NE(bodyError("mov.u32 %r1, table;", ".global .b8 table[4];")
                .find("the address of table has more than 32 bits"),
            std::string::npos);
  const std::string Many = repeated("%r1, ", 300);
  EXPECT_NE(bodyError(concat("add.s32 ", Many, "%r1;"))
                .find("more than 256 operands"),
            std::string::npos);
  EXPECT_NE(bodyError(concat("L: .branchtargets ", repeated("L, ", 5000), "L;"))
                .find("more than 4096 targets of a branch"),
            std::string::npos);
}

TEST(Limits, Nesting) {
  for (const char *Open : {"(", "[", "{", "[(", "{["})
    EXPECT_NE(bodyError(concat("mov.u32 %r1, ", repeated(Open, 20000)))
                  .find(*Open == '{' ? "unterminated '{'"
                                     : "expected an operand, found '"),
              std::string::npos);
  EXPECT_NE(bodyError(concat("mov.b64 %rd1, ", repeated("{", 20000),
                             repeated("}", 20000)))
                .find("expected an operand, found '{'"),
            std::string::npos);
  EXPECT_NE(bodyError(repeated("{", 20000) + repeated("}", 20000))
                .find("more than 64 nested '{'"),
            std::string::npos);
  EXPECT_EQ(bodyError(repeated("{", 50) + repeated("}", 50)), "");
}

TEST(Limits, Texts) {
  expectErrors(loadError,
               {{".version eight", "expected a version such as 8.0"},
                {".target ;", "expected a target, found ';'"},
                {".version", "found 'end of text'"},
                {".entry {}", "expected a function's name, found '{'"},
                {".entry 5() {}", "expected a function's name, found '5'"},
                {"/* a", "unterminated comment"},
                {".pragma \"a\n\";", "line 1: unterminated string"}});
  EXPECT_NE(loadError(repeated("a", 5000)).find("a word of 5000 bytes"),
            std::string::npos);
  EXPECT_NE(loadError(concat(".pragma \"", repeated("a", 5000), "\";"))
                .find("a string of 5001 bytes"),
            std::string::npos);
  EXPECT_EQ(loadError(std::string((16 << 20) + 1, ' ')),
            "ptx: module 'm' has 16777217 bytes of text, expected at most "
            "16777216");
}

/// A chain of functions, each of which calls the next.
std::string chain(unsigned Functions) {
  std::string Text;
  for (unsigned I = 0; I < Functions; ++I)
    Text += concat(".func f", I, "() { .reg .b32 %r<2>; mov.u32 %r1, 7; ",
                   I ? concat("call f", I - 1, ";") : "", " ret; }\n");
  return Text;
}

TEST(Limits, ManyFunctions) {
  // Names are looked up, registers named and calls followed in linear time and
  // without recursion.
  constexpr unsigned Count = 12000;
  Device D;
  absl::Status Ran =
      D.run(kernel(0, concat("call f", Count - 1, ";"), chain(Count)), {});
  EXPECT_TRUE(Ran.ok()) << Ran;
  EXPECT_NE(loadError(repeated(".entry k() { ret; }", 2)).find("defined twice"),
            std::string::npos);
  std::string Text;
  for (unsigned I = 0; I <= 1 << 14; ++I)
    Text += concat(".func f", I, "();\n");
  EXPECT_NE(loadError(Text).find("more than 16384 functions"),
            std::string::npos);
}

TEST(Limits, ManyInstructions) {
  EXPECT_NE(bodyError(repeated("ret;", (1 << 18) + 1))
                .find("more than 262144 instructions"),
            std::string::npos);
  // Each kernel is small, all together have too many registers.
  std::string Text;
  for (unsigned I = 0; I < 5; ++I)
    Text += concat(".entry k", I, "() { .reg .b32 %r<60000>; ret; }\n");
  EXPECT_NE(loadError(Text).find("more than 65536 registers, or 262144"),
            std::string::npos);
}

TEST(Limits, ManyBranches) {
  // Each branch could lead to the beginning of a long chain of others: where
  // their lanes meet again is found in almost linear time.
  constexpr unsigned Count = 60000;
  std::string Body = concat("setp.ne.u32 %p1, 1, 1;\n",
                            repeated("@%p1 bra C0;\n", Count), "ret;\n");
  for (unsigned I = 0; I < Count; ++I)
    Body += concat("C", I, ": bra C", I + 1, ";\n");
  Device D;
  absl::Status Ran = D.run(kernel(0, concat(Body, "C", Count, ":")), {});
  EXPECT_TRUE(Ran.ok()) << Ran;
}

TEST(Limits, LabelsAtTheEnd) {
  // Nothing follows the label, and the instruction before it is a return.
  for (const char *Body : {"bra L; ret; L:", "@%p1 bra L; exit; L: M:",
                           "T: .branchtargets L; mov.u32 %r1, 0;"
                           "brx.idx %r1, T; ret; L:"}) {
    Device D;
    absl::Status Ran =
        D.run(concat(".entry k() { .reg .b32 %r<2>; .reg .pred %p<2>;"
                     "setp.eq.u32 %p1, 1, 1; ",
                     Body, " }"),
              {});
    EXPECT_TRUE(Ran.ok()) << Body << "\n" << Ran;
  }
}

TEST(Limits, ParametersOfCalls) {
  // A call copies the callee's bytes: the caller's variables have as many.
  const char *Callee = ".func (.param .b32 r) f(.param .b8 p[64]) { ret; }";
  EXPECT_NE(bodyError("{ .param .b8 a[8]; .param .b32 b;\n"
                      "call (b), f, (a); }",
                      Callee)
                .find("a parameter of 8 bytes for 'p', which has 64"),
            std::string::npos);
  EXPECT_NE(bodyError("{ .param .b8 a[64]; .param .b16 b;\n"
                      "call (b), f, (a); }",
                      Callee)
                .find("a parameter of 2 bytes for 'r', which has 4"),
            std::string::npos);
  EXPECT_EQ(bodyError("{ .param .b8 a[64]; .param .b32 b;\n"
                      "call (b), f, (a); }",
                      Callee),
            "");
}

TEST(Limits, AlternatingStores) {
  // Bytes that one lane writes alone are noted until the next barrier, and only
  // once: a loop takes no more memory.
  Device D;
  absl::Status Ran = D.run(kernel(0, R"(
    .shared .align 4 .b8 x[128];
    mov.u32 %r1, x;
    mad.lo.u32 %r4, %r0, 4, %r1;
    mov.u32 %r2, 0;
  AGAIN:
    st.shared.u32 [%r4], %r0;
    setp.ne.u32 %p1, %r0, 0;
    @%p1 bra NEXT;
    st.shared.u32 [%r4], %r2;
  NEXT:
    add.u32 %r2, %r2, 1;
    setp.lt.u32 %p2, %r2, 3000;
    @%p2 bra AGAIN;
)"),
                           {});
  EXPECT_TRUE(Ran.ok()) << Ran;
}
} // namespace
