//===- ParameterUseTest.cpp - when parameters are needed ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/ParameterUse.h"
#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;

namespace {
TEST(ParameterUse, FindsThePeak) {
  // Steps of init use parameters 0; 0 and 1; 2; another function uses 2 and 3.
  plan::PlanT Plan;
  for (int I = 0; I < 5; ++I)
    addParameter(Plan, concat("p", I), DType::F32, {int64_t{10} * (I + 1)});
  addArena(Plan, "weights", ArenaKind::Weights, 200);
  plan::FunctionT &Init = addFunction(Plan, "init");
  auto use = [](plan::FunctionT &F, uint32_t Parameter) {
    F.steps.push_back(
        copy(memory(ArgKind::Arena, 0, constant(40), F.name == "init"),
             memory(ArgKind::Parameter, Parameter, constant(40))));
  };
  for (uint32_t Parameter : {0, 1, 0, 2})
    use(Init, Parameter);
  addArena(Plan, "activations", ArenaKind::Activations, 200);
  plan::FunctionT &Other = addFunction(Plan, "other");
  for (uint32_t Parameter : {2, 3})
    Other.steps.push_back(
        copy(memory(ArgKind::Arena, 1, constant(40), true),
             memory(ArgKind::Parameter, Parameter, constant(40))));
  auto peak = [&] {
    auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
    return peakParameterBytes(**Loaded);
  };
  EXPECT_EQ(peak(), 120u + 160u); // 2 and 3 at the end
  Plan.parameters[0]->shape = {100};
  EXPECT_EQ(peak(), 400u + 80u); // 0 and 1 in init
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  std::vector<ParameterUse> Uses = parameterUses(**Loaded);
  EXPECT_EQ(Uses[0].FirstInInit, 0);
  EXPECT_EQ(Uses[0].LastInInit, 2);
  EXPECT_EQ(Uses[1].LastInInit, 1);
  EXPECT_FALSE(Uses[0].Kept);
  EXPECT_TRUE(Uses[2].Kept);
  EXPECT_EQ(Uses[3].FirstInInit, ParameterUse::Never);
  EXPECT_FALSE(Uses[4].Kept);
}
} // namespace
