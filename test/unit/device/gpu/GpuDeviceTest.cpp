//===- GpuDeviceTest.cpp - plans on a GPU's driver ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/gpu/GpuDevice.h"
#include "runtime/session/Generate.h"
#include "test/unit/TestSupport.h"
#include "test/unit/device/gpu/MockDriver.h"

#include <gmock/gmock.h>

#include <numeric>

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
HostTensor floats(std::vector<float> &Values) {
  return {
      Values.data(), ElementType::F32, {static_cast<int64_t>(Values.size())}};
}

/// Parameters with the value index + 0.5, whose uses are logged.
class CountedParameters : public ParameterSource {
public:
  CountedParameters(const LoadedPlan &Plan, std::vector<std::string> &Log)
      : Log(Log) {
    for (uint32_t I = 0; I < length(Plan->parameters()); ++I)
      Values.emplace_back(*elementCount(shapeOf(*Plan->parameters()->Get(I))),
                          I + 0.5f);
  }
  absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) override {
    Log.push_back(concat("get ", Index));
    return std::as_bytes(std::span(Values[Index]));
  }
  void release(uint32_t Index) override {
    Log.push_back(concat("forget ", Index));
    // Later reads get another value.
    std::fill(Values[Index].begin(), Values[Index].end(), -1.0f);
  }

private:
  std::vector<std::vector<float>> Values;
  std::vector<std::string> &Log;
};

/// A plan on a mock GPU.
struct OnMock {
  MockDriver::Control Control;
  std::unique_ptr<LoadedPlan> Plan;
  std::unique_ptr<Device> Gpu;
  std::unique_ptr<ParameterSource> Source;
  std::unique_ptr<Executor> Program;

  absl::Status load(plan::PlanT &Description, GpuOptions Options = {}) {
    forGpu(Description);
    Plan = value(LoadedPlan::fromBytes(serialize(Description), "p.m1plan"));
    Gpu = createGpuDevice(std::make_unique<MockDriver>(Control), Options);
    Source = std::make_unique<CountedParameters>(*Plan, Control.Log);
    M1_ASSIGN_OR_RETURN(Program, Executor::create(*Plan, *Gpu, *Source));
    return absl::OkStatus();
  }
  ~OnMock() {
    Program.reset();
    Gpu.reset();
    EXPECT_EQ(Control.LiveAllocations, 0u);
  }
};

TEST(GpuDevice, RunsKernelsAndCopies) {
  OnMock On;
  plan::PlanT Plan = adderPlan();
  GpuOptions Options;
  Options.TransferBytes = 12; // three floats at a time
  ASSERT_EQ(message(On.load(Plan, Options)), "");
  for (int64_t N : {1, 5, 8, 5, 8, 8}) {
    std::vector<float> A(N), B(N), Sum(N);
    std::iota(A.begin(), A.end(), 1);
    std::iota(B.begin(), B.end(), 100);
    std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
    ASSERT_TRUE(On.Program->call(0, In, Out).ok());
    for (int64_t I = 0; I < N; ++I)
      EXPECT_EQ(Sum[I], (1 + I) + 3 * (100 + I));
  }
  EXPECT_EQ(On.Control.count("launch add_scaled 5x1x1 of 32, 64"), 1u);
  // Only inputs, outputs and the arena are allocated.
  EXPECT_EQ(On.Control.count("allocate"), 2u);
  EXPECT_EQ(On.Control.count("allocate 64 undefined"), 1u);
}

TEST(GpuDevice, ParametersComeAndGo) {
  OnMock On;
  plan::PlanT Plan = initPlan(40);
  addParameter(Plan, "unused", DType::F32, {40});
  GpuOptions Options;
  Options.TransferBytes = 128;
  ASSERT_EQ(message(On.load(Plan, Options)), "");
  // v and z pass through the two buffers and are released on the host at once;
  // v is released on the GPU after init.
  EXPECT_THAT(On.Control.Log,
              ElementsAre("allocate 768 undefined", "load ptx",
                          "allocate 160 zero", "allocate 8 zero", "get 0",
                          "allocate 160 undefined", "copyIn 128", "copyIn 32",
                          "forget 0", "get 1", "allocate 160 undefined",
                          "copyIn 96", "copyIn 64", "forget 1",
                          "launch add_scaled 40x1x1 of 32, 64", "synchronize",
                          "release", "synchronize"));
  for (int64_t Round = 1; Round <= 4; ++Round) {
    std::vector<float> W(40), Z(40);
    int64_t Calls = 0;
    std::vector<HostTensor> Out = {
        floats(W), floats(Z), {&Calls, ElementType::I64, {}}};
    ASSERT_EQ(message(On.Program->call(1, {}, Out)), "");
    EXPECT_EQ(W, std::vector<float>(40, 1.5f + 3 * 0.5f));
    EXPECT_EQ(Z, std::vector<float>(40, 1.5f));
    EXPECT_EQ(Calls, 2 * Round);
  }
  EXPECT_EQ(On.Control.LiveRecordings, 1u);
  EXPECT_EQ(On.Control.count("replay 0"), 3u);
}

TEST(GpuDevice, ChecksMemoryBeforeAnythingElse) {
  OnMock On;
  plan::PlanT Plan = initPlan(40);
  addParameter(Plan, "unused", DType::F32, {40});
  addArena(Plan, "activations", ArenaKind::Activations, 1000);
  On.Control.FreeBytes = 1000 + 160 + 8 + 320 + 768 - 1;
  EXPECT_EQ(message(On.load(Plan)),
            "p.m1plan: needs 2256 bytes on the device (packed weights 160, "
            "states 8, activations 1000, parameters 320, inputs and outputs "
            "768), mock has 2255 free");
  EXPECT_TRUE(On.Control.Log.empty());
  ++On.Control.FreeBytes;
  EXPECT_EQ(message(On.load(Plan)), "");
}

TEST(GpuDevice, RefusesWhatItCannotRun) {
  auto error = [](auto Change, MockDriver::Control Control = {}) {
    OnMock On;
    On.Control = Control;
    plan::PlanT Plan = adderPlan();
    forGpu(Plan);
    Change(Plan);
    std::string Message = message(On.load(Plan));
    EXPECT_EQ(On.Control.count("launch"), 0u);
    return Message;
  };
  auto target = [](const char *Target) {
    return [=](plan::PlanT &P) { P.images[0]->target = Target; };
  };
  EXPECT_EQ(error([](plan::PlanT &) {}), "");
  EXPECT_EQ(error(target("sm_75")), "");
  EXPECT_EQ(error(target("sm_86")),
            "p.m1plan: compiled for sm_86, mock has compute capability 8.0; "
            "compile with --target cuda:sm_80");
  MockDriver::Control Blackwell;
  Blackwell.ComputeCapability = 100;
  EXPECT_EQ(error(target("sm_90"), Blackwell), "");
  EXPECT_EQ(error(target("sm_90a"), Blackwell),
            "p.m1plan: compiled for sm_90a, mock has compute capability 10.0; "
            "compile with --target cuda:sm_90");
  MockDriver::Control Between;
  Between.ComputeCapability = 88;
  EXPECT_EQ(error(target("sm_89"), Between),
            "p.m1plan: compiled for sm_89, mock has compute capability 8.8; "
            "compile with --target cuda:sm_87");
  MockDriver::Control Turing;
  Turing.ComputeCapability = 75;
  EXPECT_EQ(error(target("sm_80"), Turing),
            "p.m1plan: compiled for sm_80, mock has compute capability 7.5, "
            "for which m1c has no target");
  EXPECT_EQ(error([](plan::PlanT &P) { P.kernels[0]->scratch_bytes = 102401; }),
            "p.m1plan: kernel 'add_scaled' needs 102401 bytes of shared memory "
            "per thread block, mock has 102400");
  EXPECT_EQ(error([](plan::PlanT &P) { P.kernels[0]->name = "absent"; }),
            "p.m1plan: the image has no kernel 'absent'");
  MockDriver::Control Refusing;
  Refusing.Refusal = "line 3: what is this";
  EXPECT_EQ(error([](plan::PlanT &) {}, Refusing),
            "p.m1plan: line 3: what is this");
}

TEST(GpuDevice, RefusesPlansForCpus) {
  plan::PlanT Description = adderPlan();
  std::unique_ptr<LoadedPlan> Plan =
      value(LoadedPlan::fromBytes(serialize(Description), "p.m1plan"));
  MockDriver::Control Control;
  std::unique_ptr<Device> Gpu =
      createGpuDevice(std::make_unique<MockDriver>(Control), {});
  EXPECT_THAT(message(Gpu->loadKernels(*Plan)),
              HasSubstr("(elf), a GPU runs ptx; compile with --target "
                        "cuda:sm_80, or run with --device cpu"));
}

TEST(GpuDevice, SkipsEmptyGrids) {
  OnMock On;
  plan::PlanT Plan = adderPlan();
  ASSERT_EQ(message(On.load(Plan)), "");
  std::vector<float> None;
  std::vector<HostTensor> In = {floats(None), floats(None)},
                          Out = {floats(None)};
  EXPECT_EQ(message(On.Program->call(0, In, Out)), "");
  EXPECT_EQ(On.Control.count("launch"), 0u);
  EXPECT_EQ(On.Control.count("copy"), 0u);
}

TEST(GpuDevice, NamesTheLaunchesThatCanHaveFailed) {
  for (bool Blocking : {false, true}) {
    OnMock On;
    plan::PlanT Plan = adderPlan();
    std::unique_ptr<plan::StepT> Again = launch(
        0, symbol(0), constant(1), constant(1),
        arguments(memory(ArgKind::Arena, 0, symbol(0, 4), true),
                  memory(ArgKind::Input, 0, symbol(0, 4)),
                  memory(ArgKind::Input, 1, symbol(0, 4)), scalar(symbol(0))));
    Again->source = "there";
    Plan.functions[0]->steps.push_back(std::move(Again));
    GpuOptions Options;
    Options.Blocking = Blocking;
    ASSERT_EQ(message(On.load(Plan, Options)), "");
    std::vector<float> A(4), B(4), Sum(4);
    std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
    // Fail in the third call, which is a replay.
    ASSERT_EQ(message(On.Program->call(0, In, Out)), "");
    ASSERT_EQ(message(On.Program->call(0, In, Out)), "");
    On.Control.Fault = "a fault";
    std::string First = "kernel 'add_scaled' (here), grid 4 x 1 x 1, block 32, "
                        "shared 64",
                Second = "kernel 'add_scaled' (there), grid 4 x 1 x 1, block "
                         "32, shared 64";
    EXPECT_EQ(
        message(On.Program->call(0, In, Out)),
        Blocking ? "p.m1plan: a fault in " + First
                 : "p.m1plan: a fault in one of the last 2 launches: " + First +
                       "; " + Second +
                       " (run with --blocking to name the failing launch)");
    EXPECT_EQ(On.Control.LiveRecordings, Blocking ? 0u : 1u);
  }
}

TEST(GpuDevice, ForgetsFailedRecordings) {
  OnMock On;
  plan::PlanT Plan = adderPlan();
  ASSERT_EQ(message(On.load(Plan)), "");
  std::vector<float> A(4, 1), B(4, 2), Sum(4);
  std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
  ASSERT_EQ(message(On.Program->call(0, In, Out)), "");
  On.Control.LaunchRefusal = "refused";
  EXPECT_THAT(message(On.Program->call(0, In, Out)), HasSubstr("refused"));
  EXPECT_EQ(On.Control.LiveRecordings, 0u);
  // The next call records again.
  ASSERT_EQ(message(On.Program->call(0, In, Out)), "");
  EXPECT_EQ(On.Control.LiveRecordings, 1u);
  EXPECT_EQ(Sum, std::vector<float>(4, 7));
}

TEST(GpuDevice, NamesThePlanInAllocationErrors) {
  auto error = [](size_t Successes) {
    OnMock On;
    On.Control.AllocationsLeft = Successes;
    plan::PlanT Plan = initPlan(40);
    return message(On.load(Plan));
  };
  // Inputs and outputs, two arenas, the parameters.
  EXPECT_EQ(error(0), "p.m1plan: out of memory for 768 bytes");
  EXPECT_EQ(error(2).find("p.m1plan: arena '"), 0u);
  EXPECT_EQ(error(3), "p.m1plan: out of memory for 160 bytes");
  EXPECT_EQ(error(5), "");
}

TEST(GpuDevice, KeepsFewRecordings) {
  OnMock On;
  plan::PlanT Plan = adderPlan();
  Plan.symbols[0]->max = 100;
  Plan.arenas[0]->bytes = 512;
  ASSERT_EQ(message(On.load(Plan)), "");
  for (int64_t N = 1; N <= 100; ++N)
    for (int Round = 0; Round < 3; ++Round) {
      std::vector<float> A(N, 1), B(N, N), Sum(N);
      std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
      ASSERT_EQ(message(On.Program->call(0, In, Out)), "");
      ASSERT_EQ(Sum, std::vector<float>(N, 1 + 3 * N));
    }
  EXPECT_EQ(On.Control.LiveRecordings, 32u);
  EXPECT_EQ(On.Control.count("launch"), 100u);
  EXPECT_EQ(On.Control.count("record launch"), 100u);
  EXPECT_EQ(On.Control.count("replay"), 200u);
}

TEST(GpuDevice, CopiesBetweenRangesThatOverlap) {
  OnMock On;
  plan::PlanT Plan = adderPlan();
  ASSERT_EQ(message(On.load(Plan)), "");
  std::vector<uint8_t> Before(50), After(50);
  std::iota(Before.begin(), Before.end(), 0);
  for (auto [To, From] : {std::pair(3, 10), {10, 3}, {0, 25}, {5, 5}}) {
    uint64_t At = value(
        On.Gpu->map(Before.data(), Before.size(), Device::HostAccess::Read));
    uint64_t Out = value(
        On.Gpu->map(After.data(), After.size(), Device::HostAccess::Write));
    ASSERT_TRUE(On.Gpu->copy(At + To, At + From, 25).ok());
    ASSERT_TRUE(On.Gpu->copy(Out, At, 50).ok());
    ASSERT_TRUE(On.Gpu->unmap(At).ok());
    ASSERT_TRUE(On.Gpu->unmap(Out).ok());
    std::vector<uint8_t> Expected = Before;
    std::memmove(Expected.data() + To, Expected.data() + From, 25);
    EXPECT_EQ(After, Expected);
  }
}

TEST(GpuDevice, CopiesWhatSlotsAndBlocksHold) {
  OnMock On;
  plan::PlanT Plan = modelPlan(3, 8, 16);
  addStateParts(Plan, 5);
  ASSERT_EQ(message(On.load(Plan)), "");
  std::vector<std::byte> Given(12), Found(12);
  for (size_t I = 0; I < Given.size(); ++I)
    Given[I] = std::byte(I + 1);
  ASSERT_TRUE(On.Program->writeSlot(0, Given).ok());
  ASSERT_TRUE(On.Program->copySlot(0, 2).ok());
  ASSERT_TRUE(On.Program->readSlot(2, Found).ok());
  EXPECT_EQ(Found, Given);
  ASSERT_TRUE(On.Program->readSlot(1, Found).ok());
  EXPECT_EQ(Found, std::vector<std::byte>(12));
  Given.resize(2);
  Found.resize(2);
  ASSERT_TRUE(On.Program->writeBlock(4, Given).ok());
  ASSERT_TRUE(On.Program->copyBlock(4, 0).ok());
  ASSERT_TRUE(On.Program->readBlock(0, Found).ok());
  EXPECT_EQ(Found, Given);
}

TEST(GpuDevice, GeneratesAsTheCpuDoes) {
  const std::vector<std::vector<int64_t>> Prompts = {{1, 2, 3}, {4}, {5, 6}};
  auto generateOn = [&](Executor &Program) {
    auto Model = value(LanguageModel::create(Program));
    GenerateOptions Options;
    Options.MaxNewTokens = 9;
    Options.Temperature = 1.5;
    Options.Seed = 3;
    std::vector<Generated> Results(Prompts.size());
    auto Finished = [&](size_t I, const Generated &G) {
      Results[I] = G;
      return absl::OkStatus();
    };
    EXPECT_EQ(message(generate(*Model, Prompts, Options, Finished)), "");
    return Results;
  };
  plan::PlanT Plan = modelPlan(2, 8, 16);
  std::unique_ptr<Session> Cpu = open(Plan);
  auto Expected = generateOn(*Cpu->Program);
  OnMock On;
  ASSERT_EQ(message(On.load(Plan)), "");
  auto Found = generateOn(*On.Program);
  for (size_t I = 0; I < Found.size(); ++I) {
    EXPECT_EQ(Found[I].Tokens, Expected[I].Tokens);
    EXPECT_EQ(Found[I].LogProbs, Expected[I].LogProbs);
  }
  // Decoding is replayed, including sampling.
  EXPECT_GE(On.Control.count("replay 0"), 4u);
}

TEST(GpuDevice, LeavesUnwantedOutputsOnTheDevice) {
  OnMock On;
  plan::PlanT Plan = modelPlan(2, 8, 16);
  ASSERT_EQ(message(On.load(Plan)), "");
  uint32_t Next = value(On.Program->find("next"));
  std::vector<int32_t> Tokens = {1, 2}, Positions = {0, 0}, Offsets = {0, 1, 2},
                       Slots = {0, 1}, TopK = {0, 0};
  std::vector<float> Temperature = {0, 0}, TopP = {1, 1}, LogProbs(2);
  std::vector<int64_t> Seeds = {0, 0};
  std::vector<int32_t> Sampled(2);
  auto integers = [](std::vector<int32_t> &Values) {
    return HostTensor{
        Values.data(), ElementType::I32, {static_cast<int64_t>(Values.size())}};
  };
  std::vector<HostTensor> In = {
      integers(Tokens),    integers(Positions),
      integers(Offsets),   integers(Slots),
      floats(Temperature), floats(TopP),
      integers(TopK),      {Seeds.data(), ElementType::I64, {2}},
      integers(Positions),
  };
  std::vector<HostTensor> Out = {integers(Sampled), floats(LogProbs), {}};
  ASSERT_EQ(message(On.Program->call(Next, In, Out)), "");
  EXPECT_EQ(On.Control.count("copyOut 8"), 2u);
  EXPECT_EQ(On.Control.count("copyOut"), 2u);
  // The recording is made without the logits and replayed with them: addresses
  // do not depend on which outputs are taken.
  ASSERT_EQ(message(On.Program->call(Next, In, Out)), "");
  std::vector<float> Logits(2 * ModelVocabulary);
  Out[2] = {Logits.data(), ElementType::F32, {2, ModelVocabulary}};
  ASSERT_EQ(message(On.Program->call(Next, In, Out)), "");
  EXPECT_EQ(On.Control.count("replay 0"), 2u);
  EXPECT_EQ(On.Control.count("copyOut 128"), 1u);
  for (int B = 0; B < 2; ++B) {
    EXPECT_EQ(Sampled[B], modelFavourite({Tokens[B]}));
    EXPECT_EQ(Logits[B * ModelVocabulary + Sampled[B]], 4);
  }
}

} // namespace
