//===- CheckedTest.cpp - out-of-bounds accesses of kernels ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using plan::ArgKind;
using plan::DType;
using testing::HasSubstr;
using testing::StartsWith;

namespace {
/// The devices that detect out-of-bounds accesses.
class Checked : public testing::TestWithParam<const char *> {
protected:
  bool onCpu() const { return GetParam() == std::string_view("cpu"); }

  /// Runs add_scaled on `Cells` cells. out, a and b are ranges of an arena of
  /// 64 floats; `IsWritten`: whether the plan says that out is written.
  struct Range {
    uint64_t Offset, Bytes;
  };
  std::string run(int64_t Cells, Range Out, Range A, Range B,
                  bool IsWritten = true, bool IsChecked = true) {
    plan::PlanT Plan;
    addKernels(Plan, {"add_scaled"}, {4});
    uint32_t Arena = addArena(Plan, "state", plan::ArenaKind::State, 256);
    auto range = [&](Range R, bool Written) {
      return memory(ArgKind::Arena, Arena,
                    constant(static_cast<int64_t>(R.Bytes)), Written, R.Offset);
    };
    plan::FunctionT &F = addFunction(Plan, "f");
    F.outputs.push_back(tensor("all", DType::F32, {constant(64)}));
    F.steps.push_back(launch(0, constant(Cells), constant(1), constant(1),
                             arguments(range(Out, IsWritten), range(A, false),
                                       range(B, false), scalar(constant(3)))));
    F.steps.push_back(copy(memory(ArgKind::Output, 0, constant(256), true),
                           range({0, 256}, false)));
    if (!onCpu())
      Plan = onEmulatedGpu(std::move(Plan));
    SessionOptions Options;
    Options.Device.Name = GetParam();
    Options.Device.Threads = 2;
    Options.Device.Checked = IsChecked;
    std::unique_ptr<Session> S = open(Plan, Options);
    std::vector<float> All(64);
    std::vector<HostTensor> Results = {{All.data(), ElementType::F32, {64}}};
    return message(S->Program->call(0, {}, Results));
  }
};

TEST_P(Checked, FindsStoresPastTheEnd) {
  // The eleventh element belongs to another buffer.
  std::string Error = run(11, {0, 40}, {64, 44}, {128, 44});
  EXPECT_THAT(Error, StartsWith("test.m1plan: kernel 'add_scaled' (here), "
                                "grid 11 x 1 x 1"));
  EXPECT_THAT(Error,
              HasSubstr(onCpu() ? ": writes byte 40 of argument 0, whose "
                                  "extent is 40 bytes"
                                : "writes 4 bytes at offset 40 of argument 0, "
                                  "whose extent is 40 bytes"));
  EXPECT_EQ(run(10, {0, 40}, {64, 40}, {128, 40}), "");
  if (onCpu()) {
    EXPECT_EQ(run(11, {0, 40}, {64, 44}, {128, 44}, true, false), "");
  }
}

TEST_P(Checked, FindsLoadsPastTheEnd) {
  EXPECT_THAT(run(11, {0, 44}, {64, 44}, {128, 40}),
              HasSubstr(onCpu() ? ": reads byte 40 of argument 2, whose extent "
                                  "is 40 bytes"
                                : "reads 4 bytes at offset 40 of argument 2, "
                                  "whose extent is 40 bytes"));
  EXPECT_THAT(run(1, {0, 4}, {64, 0}, {128, 4}),
              HasSubstr("of argument 1, whose extent is 0 bytes"));
}

TEST_P(Checked, FindsStoresToWhatIsOnlyRead) {
  EXPECT_THAT(run(3, {0, 12}, {64, 12}, {128, 12}, false),
              HasSubstr("argument 0, which is only read"));
}

TEST_P(Checked, LetsArgumentsOverlap) {
  EXPECT_EQ(run(5, {64, 20}, {64, 20}, {128, 20}), "");
  EXPECT_EQ(run(5, {64, 20}, {72, 20}, {80, 20}), "");
}
INSTANTIATE_TEST_SUITE_P(Device, Checked, testing::Values("cpu", "ptx"));

TEST(CheckedCpu, ResultsAreTheSame) {
  plan::PlanT Plan = modelPlan(2, 8, 16);
  auto score = [&](bool IsChecked) {
    SessionOptions Options;
    Options.Device.Checked = IsChecked;
    Options.Device.Threads = 3;
    std::unique_ptr<Session> S = open(Plan, Options);
    EXPECT_EQ(S->TheDevice->description(),
              IsChecked ? "cpu, 3 threads, checked" : "cpu, 3 threads");
    std::vector<int32_t> Tokens = {1, 2, 3, 4, 5}, Positions = {0, 1, 2, 0, 1},
                         Offsets = {0, 3, 5}, Slots = {1, 0};
    auto integers = [](std::vector<int32_t> &Values) {
      return HostTensor{Values.data(),
                        ElementType::I32,
                        {static_cast<int64_t>(Values.size())}};
    };
    std::vector<float> LogProbs(5);
    std::vector<HostTensor> In = {integers(Tokens), integers(Positions),
                                  integers(Offsets), integers(Slots),
                                  integers(Tokens)};
    std::vector<HostTensor> Out = {{LogProbs.data(), ElementType::F32, {5}}};
    EXPECT_EQ(
        message(S->Program->call(value(S->Program->find("score")), In, Out)),
        "");
    return LogProbs;
  };
  EXPECT_EQ(score(true), score(false));
}

TEST(CheckedCpu, FindsScratchThatIsTooSmall) {
  plan::PlanT Plan;
  addKernels(Plan, {"coordinates"}, {3});
  Plan.kernels[0]->scratch_bytes = 0;
  plan::FunctionT &F = addFunction(Plan, "f");
  F.outputs.push_back(tensor("out", DType::I32, {constant(4)}));
  F.steps.push_back(
      launch(0, constant(4), constant(1), constant(1),
             arguments(memory(ArgKind::Output, 0, constant(16), true),
                       scalar(constant(4)), scalar(constant(1)))));
  SessionOptions Options;
  Options.Device.Checked = true;
  std::unique_ptr<Session> S = open(Plan, Options);
  std::vector<int32_t> Values(4);
  std::vector<HostTensor> Out = {{Values.data(), ElementType::I32, {4}}};
  EXPECT_EQ(message(S->Program->call(0, {}, Out)),
            "test.m1plan: kernel 'coordinates' (here), grid 4 x 1 x 1: leaves "
            "its scratch memory of 0 bytes");
}

TEST(CheckedCpu, FindsStoresInFront) {
  plan::PlanT Plan;
  addKernels(Plan, {"store_before"}, {1});
  plan::FunctionT &F = addFunction(Plan, "f");
  F.outputs.push_back(tensor("out", DType::I32, {constant(4)}));
  F.steps.push_back(
      launch(0, constant(1), constant(1), constant(1),
             arguments(memory(ArgKind::Output, 0, constant(8), true, 8))));
  SessionOptions Options;
  Options.Device.Checked = true;
  std::unique_ptr<Session> S = open(Plan, Options);
  std::vector<int32_t> Values(4);
  std::vector<HostTensor> Out = {{Values.data(), ElementType::I32, {4}}};
  EXPECT_THAT(message(S->Program->call(0, {}, Out)),
              HasSubstr("grid 1 x 1 x 1: writes byte -1 of argument 0"));
}

} // namespace
