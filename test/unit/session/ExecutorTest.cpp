//===- ExecutorTest.cpp - running plans -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include <cmath>
#include <numeric>

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;

namespace {
HostTensor floats(std::vector<float> &Values) {
  return {
      Values.data(), ElementType::F32, {static_cast<int64_t>(Values.size())}};
}

TEST(Executor, RunsKernelsAndCopies) {
  plan::PlanT Plan = adderPlan();
  std::unique_ptr<Session> S = open(Plan);
  uint32_t Add = value(S->Program->find("add"));
  for (int64_t N : {1, 5, 8}) {
    std::vector<float> A(N), B(N), Sum(N);
    std::iota(A.begin(), A.end(), 1);
    std::iota(B.begin(), B.end(), 100);
    std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
    ASSERT_TRUE(S->Program->call(Add, In, Out).ok());
    for (int64_t I = 0; I < N; ++I)
      EXPECT_EQ(Sum[I], (1 + I) + 3 * (100 + I));
  }
}

TEST(Executor, ChecksShapesAndTypes) {
  plan::PlanT Plan = adderPlan();
  std::unique_ptr<Session> S = open(Plan);
  auto error = [&](std::vector<HostTensor> In, std::vector<HostTensor> Out) {
    return message(S->Program->call(0, In, Out));
  };
  std::vector<float> Three(3), Four(4), Nine(9);
  std::vector<int32_t> Integers(3);
  HostTensor I32{Integers.data(), ElementType::I32, {3}};
  HostTensor Square{Four.data(), ElementType::F32, {2, 2}};
  EXPECT_EQ(error({floats(Three)}, {floats(Three)}),
            "function 'add' takes 2 inputs, found 1");
  EXPECT_EQ(error({floats(Three), floats(Four)}, {floats(Three)}),
            "input 'b' of function 'add' has the shape [4], expected 3 as "
            "extent 0");
  EXPECT_EQ(error({floats(Nine), floats(Nine)}, {floats(Nine)}),
            "input 'a' of function 'add' has the shape [9]: N is 9, the plan "
            "was compiled for at most 8");
  EXPECT_EQ(error({floats(Three), I32}, {floats(Three)}),
            "input 'b' of function 'add' is F32, found I32");
  EXPECT_EQ(error({Square, floats(Four)}, {floats(Three)}),
            "input 'a' of function 'add' has 1 dimensions, found the shape "
            "[2, 2]");
  EXPECT_EQ(error({floats(Three), floats(Three)}, {floats(Four)}),
            "output 'sum' of function 'add' is F32 [3], found F32 [4]");
  EXPECT_NE(message(S->Program->find("sub").status())
                .find("no function 'sub'; it has add"),
            std::string::npos);
}

TEST(Executor, CopiesWhatSlotsAndBlocksHold) {
  plan::PlanT Plan = modelPlan(3, 8, 16);
  addStateParts(Plan, 5);
  std::unique_ptr<Session> S = open(Plan);
  Executor &Program = *S->Program;
  ASSERT_EQ(Program.slotBytes(), 12u);
  ASSERT_EQ(Program.blockBytes(), 2u);
  auto bytes = [](std::initializer_list<int> Values) {
    std::vector<std::byte> Result;
    for (int Value : Values)
      Result.push_back(std::byte(Value));
    return Result;
  };
  const auto One = bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const auto Two = bytes({21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32});
  const auto Zero = std::vector<std::byte>(12);
  auto slot = [&](int64_t Number) {
    std::vector<std::byte> Held(12, std::byte(0xff));
    EXPECT_TRUE(Program.readSlot(Number, Held).ok());
    return Held;
  };
  auto block = [&](int64_t Number) {
    std::vector<std::byte> Held(2, std::byte(0xff));
    EXPECT_TRUE(Program.readBlock(Number, Held).ok());
    return Held;
  };
  ASSERT_TRUE(Program.writeSlot(1, One).ok());
  ASSERT_TRUE(Program.writeSlot(2, Two).ok());
  EXPECT_EQ(slot(0), Zero);
  EXPECT_EQ(slot(1), One);
  EXPECT_EQ(slot(2), Two);
  // Part i of an arena is a range of bytes; parts follow the arenas' order.
  std::vector<std::byte> Arena(12);
  ASSERT_TRUE(Program.readArena(Plan.arenas.size() - 3, 0, Arena).ok());
  EXPECT_EQ(Arena, bytes({0, 0, 0, 0, 1, 2, 3, 4, 21, 22, 23, 24}));
  ASSERT_TRUE(Program.copySlot(2, 0).ok());
  ASSERT_TRUE(Program.copySlot(1, 1).ok());
  EXPECT_EQ(slot(0), Two);
  EXPECT_EQ(slot(1), One);
  EXPECT_EQ(slot(2), Two);

  ASSERT_TRUE(Program.writeBlock(4, bytes({7, 8})).ok());
  ASSERT_TRUE(Program.copyBlock(4, 2).ok());
  EXPECT_EQ(block(2), bytes({7, 8}));
  EXPECT_EQ(block(3), bytes({0, 0}));
  EXPECT_EQ(block(4), bytes({7, 8}));
  EXPECT_EQ(slot(1), One);

  std::vector<std::byte> Short(11);
  EXPECT_EQ(message(Program.readSlot(3, Short)),
            "state of slot 3: the plan has 3 slots with states");
  EXPECT_EQ(message(Program.readSlot(0, Short)),
            "state of slot 0: 11 bytes of memory, expected 12");
  EXPECT_EQ(message(Program.writeBlock(-1, {})),
            "state of block -1: the plan has 5 blocks with states");
  EXPECT_EQ(message(Program.writeBlock(0, Short)),
            "state of block 0: 11 bytes of memory, expected 2");
  EXPECT_EQ(message(Program.copySlot(0, 3)),
            "state of slot 3: the plan has 3 slots with states");
  EXPECT_EQ(message(Program.copyBlock(5, 5)),
            "state of block 5: the plan has 5 blocks with states");

  plan::PlanT Undivided = adderPlan();
  std::unique_ptr<Session> Other = open(Undivided);
  EXPECT_EQ(Other->Program->slotBytes(), 0u);
  EXPECT_EQ(message(Other->Program->copyBlock(0, 0)),
            "state of block 0: the plan has 0 blocks with states");
}

TEST(Executor, BindsASymbolPlusANumber) {
  plan::PlanT Plan = modelPlan(2, 8, 16);
  std::unique_ptr<Session> S = open(Plan);
  uint32_t Logits = value(S->Program->find("logits"));
  std::vector<int32_t> Tokens(5), Offsets(3), Slots(2);
  auto tensorOf = [](std::vector<int32_t> &Values) {
    return HostTensor{
        Values.data(), ElementType::I32, {static_cast<int64_t>(Values.size())}};
  };
  std::vector<HostTensor> In = {tensorOf(Tokens), tensorOf(Tokens),
                                tensorOf(Offsets), tensorOf(Slots)};
  EXPECT_EQ(value(S->Program->bindSymbols(Logits, In)),
            (std::vector<int64_t>{5, 2}));
  Offsets.resize(4); // three sequences, two slots
  In[2] = tensorOf(Offsets);
  EXPECT_NE(message(S->Program->bindSymbols(Logits, In).status())
                .find("B is 3, the plan was compiled for at most 2"),
            std::string::npos);
  Offsets.clear();
  In[2] = tensorOf(Offsets);
  EXPECT_NE(message(S->Program->bindSymbols(Logits, In).status())
                .find("'cu_seqlens' of function 'logits' has the shape [0]"),
            std::string::npos);
}

class Threads : public testing::TestWithParam<unsigned> {};

TEST_P(Threads, GridsReachEveryCell) {
  plan::PlanT Plan;
  addKernels(Plan, {"coordinates"}, {3});
  plan::FunctionT &F = addFunction(Plan, "f");
  F.outputs.push_back(
      tensor("out", DType::I32, {constant(4), constant(3), constant(7)}));
  F.steps.push_back(launch(
      0, constant(7), constant(3), constant(4),
      arguments(memory(ArgKind::Output, 0, constant(int64_t{4} * 84), true),
                scalar(constant(7)), scalar(constant(3)))));
  SessionOptions Options;
  Options.Device.Threads = GetParam();
  std::unique_ptr<Session> S = open(Plan, Options);
  for (int Round = 0; Round < 100; ++Round) {
    std::vector<int32_t> Values(84, -1);
    std::vector<HostTensor> Out = {
        {Values.data(), ElementType::I32, {4, 3, 7}}};
    ASSERT_TRUE(S->Program->call(0, {}, Out).ok());
    for (int Z = 0; Z < 4; ++Z)
      for (int Y = 0; Y < 3; ++Y)
        for (int X = 0; X < 7; ++X)
          ASSERT_EQ(Values[(Z * 3 + Y) * 7 + X], 100 * Z + 10 * Y + X);
  }
}
INSTANTIATE_TEST_SUITE_P(Executor, Threads, testing::Values(1u, 2u, 4u));

std::string floatsFile(const std::string &Extra = "", size_t Padding = 0,
                       const char *Shape = "[4]") {
  std::string Header = std::string(R"({"v":{"dtype":"F32","shape":)") + Shape +
                       R"(,"data_offsets":[0,16]},"z":{"dtype":"F32",)" +
                       R"("shape":[4],"data_offsets":[16,32]})" + Extra + "}" +
                       std::string(Padding, ' ');
  const float Values[8] = {1, 2, 3, 4, 100, 200, 300, 400};
  std::string File = safetensors(Header, 0);
  File.append(reinterpret_cast<const char *>(Values), sizeof Values);
  return File;
}

struct ReadResult {
  std::vector<float> W = std::vector<float>(4), Z = std::vector<float>(4);
  int64_t Calls = 0;
};
ReadResult read(Session &S) {
  ReadResult R;
  std::vector<HostTensor> Out = {
      floats(R.W), floats(R.Z), {&R.Calls, ElementType::I64, {}}};
  absl::Status Status =
      S.Program->call(value(S.Program->find("read")), {}, Out);
  EXPECT_TRUE(Status.ok()) << Status;
  return R;
}

TEST(Executor, InitPacksWeightsAndStatesLast) {
  TemporaryDirectory Directory;
  SessionOptions Options;
  Options.Weights = Directory.root();
  // Once with aligned data and three times with misaligned data.
  for (size_t Padding = 0; Padding < 4; ++Padding) {
    writeFile(Directory.path("model.safetensors"), floatsFile("", Padding));
    plan::PlanT Plan = initPlan(4);
    std::unique_ptr<Session> S = open(Plan, Options);
    ReadResult R = read(*S);
    EXPECT_EQ(R.W, (std::vector<float>{103, 206, 309, 412}));
    EXPECT_EQ(R.Z, (std::vector<float>{100, 200, 300, 400}));
    EXPECT_EQ(R.Calls, 2);
    EXPECT_EQ(read(*S).Calls, 4);
  }
}

TEST(Executor, InitCannotBeCalled) {
  SessionOptions Options;
  Options.Weights = "none";
  plan::PlanT Plan = initPlan(4);
  std::unique_ptr<Session> S = open(Plan, Options);
  EXPECT_NE(message(S->Program->find("init").status())
                .find("function 'init' ran when the plan was loaded and cannot "
                      "be called; expected one of read"),
            std::string::npos);
  uint32_t Read = value(S->Program->find("read"));
  ASSERT_EQ(Plan.functions[1 - Read]->name, "init");
  EXPECT_NE(message(S->Program->call(1 - Read, {}, {}))
                .find("function 'init' ran when the plan was loaded"),
            std::string::npos);
}

TEST(Executor, RefusesOtherCheckpoints) {
  TemporaryDirectory Directory;
  SessionOptions Options;
  Options.Weights = Directory.root();
  std::string Path = Directory.path("model.safetensors");
  auto error = [&](const std::string &File) {
    writeFile(Path, File);
    plan::PlanT Plan = initPlan(4);
    return message(
        Session::open(value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan")),
                      Options)
            .status());
  };
  EXPECT_EQ(error(floatsFile("", 0, "[2,2]")),
            Path + ": tensor 'v' is F32 [2, 2], p.m1plan expects F32 [4]");
  EXPECT_EQ(error(floatsFile(R"(,"y":{"dtype":"U8","shape":[0],)"
                             R"("data_offsets":[32,32]})")),
            Path + ": tensor 'y' is not in p.m1plan (3 tensors found, 2 "
                   "expected)");
  EXPECT_EQ(error(safetensors("{}", 0)),
            Directory.root() + ": no tensor 'v', which p.m1plan needs");
  Options.Weights = "";
  EXPECT_NE(error(floatsFile()).find("has 2 parameters: give"),
            std::string::npos);
}

TEST(Executor, RandomWeights) {
  SessionOptions Options;
  Options.Weights = "none";
  plan::PlanT Plan = initPlan(4);
  ReadResult First = read(*open(Plan, Options));
  EXPECT_EQ(read(*open(Plan, Options)).Z, First.Z);
  Options.InitSeed = 1;
  EXPECT_NE(read(*open(Plan, Options)).Z, First.Z);
  // w = z + 3 v although v has been released.
  for (int I = 0; I < 4; ++I) {
    EXPECT_NEAR(First.Z[I], 1, 0.15); // a norm: 1 plus noise
    EXPECT_NEAR(First.W[I], 4, 0.6);
    EXPECT_NE(First.Z[I], 1);
  }
}

TEST(Executor, CopiesConstants) {
  plan::PlanT Plan;
  uint32_t Constants = addConstants(Plan, {5, 6, 7, 8, 9});
  plan::FunctionT &F = addFunction(Plan, "f");
  F.outputs.push_back(tensor("out", DType::U8, {constant(4)}));
  F.steps.push_back(
      copy(memory(ArgKind::Output, 0, constant(3), true, 1),
           memory(ArgKind::Arena, Constants, constant(3), false, 2)));
  std::unique_ptr<Session> S = open(Plan);
  std::vector<uint8_t> Values = {1, 2, 3, 4};
  std::vector<HostTensor> Out = {{Values.data(), ElementType::U8, {4}}};
  ASSERT_TRUE(S->Program->call(0, {}, Out).ok());
  EXPECT_EQ(Values, (std::vector<uint8_t>{1, 7, 8, 9}));
}

TEST(Executor, DamagedDrawsFail) {
  plan::PlanT Plan;
  plan::FunctionT &F = addFunction(Plan, "f");
  F.outputs.push_back(tensor("counts", DType::I32, {constant(1)}));
  F.outputs.push_back(tensor("drawn", DType::I32, {constant(3)}));
  F.drawn = {1};
  const uint32_t Constants =
      addConstants(Plan, {0xFE, 0xFE, 0xFE, 0xFE, 7, 7, 7, 7});
  constexpr uint64_t Damaged = 0, Sound = 4; // offsets
  auto write = [&](uint32_t Output, uint64_t Offset, uint64_t From) {
    F.steps.push_back(
        copy(memory(ArgKind::Output, Output, constant(4), true, Offset),
             memory(ArgKind::Arena, Constants, constant(4), false, From)));
  };
  write(0, 0, Damaged); // not drawn: any number is valid
  write(1, 0, Sound);
  write(1, 4, Sound);
  write(1, 8, Sound);
  std::vector<int32_t> Counts(1), Drawn(3);
  std::vector<HostTensor> Out = {{Counts.data(), ElementType::I32, {1}},
                                 {Drawn.data(), ElementType::I32, {3}}};
  EXPECT_EQ(message(open(Plan)->Program->call(0, {}, Out)), "");
  EXPECT_EQ(Drawn[2], 0x07070707);
  EXPECT_EQ(message(open(Plan)->Program->call(
                0, {}, std::vector<HostTensor>{{}, Out[1]})),
            "");
  EXPECT_EQ(message(open(Plan)->Program->call(
                0, {}, std::vector<HostTensor>{Out[0], {}})),
            "output 'drawn' of function 'f' holds drawn tokens, which are "
            "checked: memory for it must be given");
  write(1, 8, Damaged); // -1 - 0x01010101
  EXPECT_EQ(message(open(Plan)->Program->call(0, {}, Out)),
            "sample: the logit of token 16843009 is not a number or is "
            "infinite; the weights are damaged or do not suit the model");
}

TEST(Executor, SizesBelowZeroCountAsZero) {
  // N - 4 bytes: nothing for N = 2.
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("a", DType::U8, {symbol(0)}));
  F.outputs.push_back(tensor("b", DType::U8, {symbol(0)}));
  F.steps.push_back(copy(memory(ArgKind::Output, 0, symbol(0, 1, -4), true),
                         memory(ArgKind::Input, 0, symbol(0, 1, -4))));
  std::unique_ptr<Session> S = open(Plan);
  for (int64_t N : {2, 6}) {
    std::vector<uint8_t> A(N, 5), B(N, 1), Expected(N, 1);
    std::fill_n(Expected.begin(), std::max<int64_t>(N - 4, 0), 5);
    std::vector<HostTensor> In = {{A.data(), ElementType::U8, {N}}};
    std::vector<HostTensor> Out = {{B.data(), ElementType::U8, {N}}};
    ASSERT_TRUE(S->Program->call(0, In, Out).ok());
    EXPECT_EQ(B, Expected);
  }
}

TEST(Executor, RefusesKernelsForOtherMachines) {
  auto error = [](auto Change) {
    plan::PlanT Plan = adderPlan();
    Change(Plan);
    return message(
        Session::open(value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan")),
                      {})
            .status());
  };
  EXPECT_EQ(
      error([](plan::PlanT &P) { P.images[0]->features = {"teleportation"}; }),
      "p.m1plan: compiled for teleportation, which this runtime does not "
      "know");
  EXPECT_NE(error([](plan::PlanT &P) {
              P.images[0]->target = "riscv64";
            }).find("p.m1plan: compiled for riscv64 (elf), this device runs"),
            std::string::npos);
  EXPECT_NE(error([](plan::PlanT &P) {
              P.kernels[0]->name = "absent";
            }).find("the image has no kernel 'absent'"),
            std::string::npos);
  EXPECT_NE(error([](plan::PlanT &P) {
              P.images[0]->data.resize(100);
            }).find("cannot load the kernels"),
            std::string::npos);
#if defined(__x86_64__)
  auto Common = [](plan::PlanT &P) {
    P.images[0]->features = {"sse2", "cmov"};
  };
  EXPECT_EQ(error(Common), "");
  if (!__builtin_cpu_supports("avx512f")) {
    EXPECT_EQ(error([](plan::PlanT &P) {
                P.images[0]->features = {"avx512f"};
              }).find("p.m1plan: compiled for avx512f, which this CPU lacks"),
              0u);
  }
#endif
}

TEST(Executor, SmallerSymbolsCannotOverrunOutputs) {
  // 16 + N bytes fit an output of 3 N at N = 8, but not at N = 2.
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("a", DType::U8, {symbol(0)}));
  F.outputs.push_back(tensor("b", DType::U8, {symbol(0, 3)}));
  uint32_t Arena = addArena(Plan, "activations", ArenaKind::Activations, 24);
  F.steps.push_back(copy(memory(ArgKind::Output, 0, symbol(0, 1, 16), true),
                         memory(ArgKind::Arena, Arena, symbol(0, 1, 16))));
  std::unique_ptr<Session> S = open(Plan);
  std::vector<uint8_t> A(8), B(24);
  auto run = [&](int64_t N) {
    std::vector<HostTensor> In = {{A.data(), ElementType::U8, {N}}};
    std::vector<HostTensor> Out = {{B.data(), ElementType::U8, {3 * N}}};
    return message(S->Program->call(0, In, Out));
  };
  EXPECT_EQ(run(8), "");
  EXPECT_EQ(run(2), "test.m1plan: invalid plan: function 'f': copy touches 18 "
                    "bytes from byte 0 of output 'b', which has 6");
}

TEST(Executor, ComputesOutputsThatAreNotTaken) {
  // first = a + 3 a, second = a + 5 a, sum = first + second.
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  addKernels(Plan, {"add_scaled"}, {4});
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("a", DType::F32, {symbol(0)}));
  for (const char *Name : {"first", "second", "sum"})
    F.outputs.push_back(tensor(Name, DType::F32, {symbol(0)}));
  auto add = [&](uint32_t To, ArgKind Kind, uint32_t A, uint32_t B,
                 int64_t Scale) {
    F.steps.push_back(launch(
        0, symbol(0), constant(1), constant(1),
        arguments(memory(ArgKind::Output, To, symbol(0, 4), true),
                  memory(Kind, A, symbol(0, 4)), memory(Kind, B, symbol(0, 4)),
                  scalar(constant(Scale)))));
  };
  add(0, ArgKind::Input, 0, 0, 3);
  add(1, ArgKind::Input, 0, 0, 5);
  add(2, ArgKind::Output, 0, 1, 1);
  std::unique_ptr<Session> S = open(Plan);
  for (int64_t N : {1, 8, 0, 8}) {
    std::vector<float> A(N, 1), Second(N), Sum(N);
    std::vector<HostTensor> In = {floats(A)};
    std::vector<HostTensor> Out = {{}, {}, floats(Sum)};
    EXPECT_EQ(message(S->Program->call(0, In, Out)), "");
    EXPECT_EQ(Sum, std::vector<float>(N, 10));
    Out = {{}, floats(Second), {}};
    EXPECT_EQ(message(S->Program->call(0, In, Out)), "");
    EXPECT_EQ(Second, std::vector<float>(N, 6));
  }
}

} // namespace
