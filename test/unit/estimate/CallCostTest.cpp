//===- CallCostTest.cpp - what a call of a function costs -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/CallCost.h"
#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;

namespace {
Machine machine() {
  Machine M;
  M.Name = "m";
  M.MemoryBytesPerSecond = M.UnitBytesPerSecond = 1e9;
  M.OperationsPerSecond[ElementType::F32] = 1e9;
  M.LaunchSeconds = 1e-6;
  return M;
}

/// f(tokens [T], slots [B]) with a launch that reads 100 bytes of weights and
/// 8 T of the input and writes 16 T, one that runs in blocks of 4 tokens on 10
/// bytes of a state, and a copy of 4 B bytes.
plan::PlanT costPlan() {
  plan::PlanT Plan;
  addSymbol(Plan, "T", 64);
  addSymbol(Plan, "B", 8);
  addArena(Plan, "activations", ArenaKind::Activations, 2048);
  addArena(Plan, "weights", ArenaKind::Weights, 128);
  addArena(Plan, "state", ArenaKind::State, 64);
  addKernels(Plan, {"add_scaled", "accumulate"}, {3, 1});
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("tokens", DType::I64, {symbol(0)}));
  F.inputs.push_back(tensor("slots", DType::I32, {symbol(1)}));
  F.steps.push_back(
      launch(0, symbol(0), constant(2), constant(1),
             arguments(memory(ArgKind::Arena, 1, constant(100)),
                       memory(ArgKind::Input, 0, symbol(0, 8)),
                       memory(ArgKind::Arena, 0, symbol(0, 16), true))));
  F.steps.push_back(
      launch(1, plan::Expr(0, 1, 0, 4), constant(1), constant(1),
             arguments(memory(ArgKind::Arena, 2, constant(10), true))));
  F.steps.push_back(copy(memory(ArgKind::Arena, 0, symbol(1, 4), true),
                         memory(ArgKind::Input, 1, symbol(1, 4))));
  return Plan;
}

TEST(CallCost, SumsOverTheSteps) {
  plan::PlanT Plan = costPlan();
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  const plan::Function &F = *Loaded->function("f");
  const CallCost Cost = value(costOf(**Loaded, F, {2, 3, 0}, machine()));
  EXPECT_EQ(Cost.Launches, 3);
  EXPECT_EQ(Cost.Bytes.Weights, 100);
  EXPECT_EQ(Cost.Bytes.States, 10);
  EXPECT_EQ(Cost.Bytes.Activations, 24 * 6 + 8 * 2);
  EXPECT_DOUBLE_EQ(Cost.Memory, (100 + 10 + 24 * 6 + 8 * 2) * 1e-9);
  EXPECT_DOUBLE_EQ(Cost.Launch, 3e-6);
  EXPECT_EQ(Cost.bound(), "launches");
  EXPECT_EQ(Cost.Kernels.at("add_scaled").Bytes.total(), 100 + 24 * 6);
  EXPECT_EQ(Cost.Kernels.at("copies").Launches, 1);
}

TEST(CallCost, RefusesMoreThanThePlanHasRoomFor) {
  plan::PlanT Plan = costPlan();
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  const plan::Function &F = *Loaded->function("f");
  EXPECT_THAT(message(costOf(**Loaded, F, {1, 65, 0}, machine()).status()),
              ::testing::HasSubstr("compiled for at most 64 tokens in a call "
                                   "(m1c --max-tokens), found 65"));
  EXPECT_THAT(message(costOf(**Loaded, F, {9, 1, 0}, machine()).status()),
              ::testing::HasSubstr("at most 8 sequences (m1c --slots), found "
                                   "9"));
}
} // namespace
