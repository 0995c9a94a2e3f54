//===- PtxDriverTest.cpp - plans on the emulated GPU ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using testing::HasSubstr;

namespace {
/// add_scaled of Kernels.c: one block an element, of which one thread works.
constexpr std::string_view AddScaled = R"(
.version 8.0
.target sm_80
.address_size 64

.visible .entry add_scaled(
	.param .u64 add_scaled_param_0,
	.param .u64 add_scaled_param_1,
	.param .u64 add_scaled_param_2,
	.param .u64 add_scaled_param_3
)
{
	.reg .pred 	%p<2>;
	.reg .b32 	%r<3>;
	.reg .f32 	%f<5>;
	.reg .b64 	%rd<9>;

	mov.u32 	%r1, %tid.x;
	setp.ne.s32 	%p1, %r1, 0;
	@%p1 bra 	$L__BB0_2;
	ld.param.u64 	%rd1, [add_scaled_param_0];
	ld.param.u64 	%rd2, [add_scaled_param_1];
	ld.param.u64 	%rd3, [add_scaled_param_2];
	ld.param.u64 	%rd4, [add_scaled_param_3];
	mov.u32 	%r2, %ctaid.x;
	mul.wide.u32 	%rd5, %r2, 4;
	add.s64 	%rd6, %rd1, %rd5;
	add.s64 	%rd7, %rd2, %rd5;
	add.s64 	%rd8, %rd3, %rd5;
	ld.global.f32 	%f1, [%rd7];
	ld.global.f32 	%f2, [%rd8];
	cvt.rn.f32.s64 	%f3, %rd4;
	fma.rn.f32 	%f4, %f2, %f3, %f1;
	st.global.f32 	[%rd6], %f4;
$L__BB0_2:
	ret;
}
)";

plan::PlanT emulatedAdder() {
  plan::PlanT Plan = adderPlan();
  forGpu(Plan);
  Plan.images[0]->data.assign(AddScaled.begin(), AddScaled.end());
  return Plan;
}

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
  plan::PlanT Plan = emulatedAdder();
  std::unique_ptr<Session> S = open(Plan, emulated());
  EXPECT_EQ(S->TheDevice->description(), "ptx emulated on 2 threads");
  for (int64_t N : {8, 3, 0, 8}) {
    std::vector<float> Sum(N);
    ASSERT_EQ(message(add(*S, Sum)), "");
    EXPECT_EQ(Sum, std::vector<float>(N, 26));
  }
}

TEST(PtxDriver, FindsReadsOfWhatNothingWrote) {
  plan::PlanT Plan = emulatedAdder();
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
  plan::PlanT Plan = emulatedAdder();
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

TEST(Devices, AreChosenByName) {
  plan::PlanT Plan = emulatedAdder();
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
  auto error = [&](const char *Name, unsigned Threads = 0) {
    return message(createDevice(*Loaded, {Name, Threads, false}).status());
  };
  for (const char *Name : {"gpu", "cuda:", "cuda:x", "cuda:1x", "cuda1", "CPU"})
    EXPECT_EQ(error(Name),
              concat("--device ", Name, ": expected cpu, cuda, cuda:N or ptx"));
  EXPECT_EQ(error("cpu", 1025), "--threads 1025: at most 1024");
  EXPECT_EQ(error("cpu"), "");
}
} // namespace
