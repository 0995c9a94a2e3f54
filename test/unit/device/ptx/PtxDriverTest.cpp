//===- PtxDriverTest.cpp - plans on the emulated GPU ----------------------===//
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
using testing::HasSubstr;

namespace {
absl::Status add(Session &S, std::vector<float> &Sum) {
  int64_t N = Sum.size();
  std::vector<float> A(N, 5), B(N, 7);
  auto tensorOf = [&](std::vector<float> &Values) {
    return HostTensor{Values.data(), ElementType::F32, {N}};
  };
  std::vector<HostTensor> In = {tensorOf(A), tensorOf(B)},
                          Out = {tensorOf(Sum)};
  return S.Program->call(0, In, Out);
}

SessionOptions emulated() {
  SessionOptions Options;
  Options.Device.Name = "ptx";
  Options.Device.Threads = 2;
  return Options;
}

TEST(PtxDriver, RunsAPlan) {
  plan::PlanT Plan = onEmulatedGpu(adderPlan());
  std::unique_ptr<Session> S = open(Plan, emulated());
  EXPECT_EQ(S->TheDevice->description(), "ptx emulated on 2 threads");
  for (int64_t N : {8, 3, 0, 8}) {
    std::vector<float> Sum(N);
    ASSERT_EQ(message(add(*S, Sum)), "");
    EXPECT_EQ(Sum, std::vector<float>(N, 26));
  }
}

TEST(PtxDriver, FindsReadsOfWhatNothingWrote) {
  plan::PlanT Plan = onEmulatedGpu(adderPlan());
  // Reads the arena's second half before it is written.
  auto &Launch = *Plan.functions[0]->steps[0]->instruction.AsLaunch();
  Launch.args[1] =
      memory(plan::ArgKind::Arena, 0, symbol(0, 4), /*Written=*/false, 32);
  std::unique_ptr<Session> S = open(Plan, emulated());
  std::vector<float> Sum(3);
  std::string Error = message(add(*S, Sum));
  EXPECT_THAT(Error, HasSubstr("test.m1plan: kernel 'add_scaled' (here), grid "
                               "3 x 1 x 1, block 32, shared 64: ptx: "));
  EXPECT_THAT(Error, HasSubstr("ld.global.f32"));
}

TEST(PtxDriver, RefusesOtherText) {
  plan::PlanT Plan = onEmulatedGpu(adderPlan());
  auto error = [&] {
    return message(
        Session::open(value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan")),
                      emulated())
            .status());
  };
  Plan.kernels[0]->name = "absent";
  EXPECT_EQ(error(), "p.m1plan: the image has no kernel 'absent'");
  Plan.images[0]->data = {'x'};
  EXPECT_THAT(error(), HasSubstr("p.m1plan: ptx: "));
}

} // namespace
