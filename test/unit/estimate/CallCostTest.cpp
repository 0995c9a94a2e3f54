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

plan::TermT term(plan::Quantity Quantity, double Factor) {
  plan::TermT Term;
  Term.quantity = Quantity;
  Term.factor = Factor;
  return Term;
}

/// The value of one term for T = 6 and B = 2.
double valueOf(const plan::TermT &Term, const CallShape &Shape) {
  plan::PlanT Plan = costPlan();
  plan::LaunchT &Launch = *Plan.functions[0]->steps[0]->instruction.AsLaunch();
  Launch.operations.push_back(std::make_unique<plan::TermT>(Term));
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  return sumOf(*Loaded->function("f")
                    ->steps()
                    ->Get(0)
                    ->instruction_as_Launch()
                    ->operations(),
               Shape, std::vector<int64_t>{6, 2});
}

TEST(CallCost, TermsAreFactorsTimesQuantities) {
  using enum plan::Quantity;
  const CallShape Several{2, 3, 10}, Single{2, 1, 10};
  plan::TermT Size_ = term(Size, 2);
  Size_.size = std::make_unique<plan::Expr>(symbol(0, 3, 1));
  EXPECT_EQ(valueOf(Size_, Several), 38);
  Size_.most = 5;
  EXPECT_EQ(valueOf(Size_, Several), 10);
  Size_.size = std::make_unique<plan::Expr>(symbol(0, 1, -7));
  EXPECT_EQ(valueOf(Size_, Several), 0);
  // 11, 12 and 13 keys of each sequence's tokens.
  EXPECT_EQ(valueOf(term(Keys, 10), Several), 720);
  EXPECT_EQ(valueOf(term(OtherKeys, 10), Several), 720);
  EXPECT_EQ(valueOf(term(SingleKeys, 10), Several), 0);
  EXPECT_EQ(valueOf(term(Keys, 10), Single), 220);
  EXPECT_EQ(valueOf(term(OtherKeys, 10), Single), 0);
  EXPECT_EQ(valueOf(term(SingleKeys, 10), Single), 220);
  EXPECT_EQ(valueOf(term(Positions, 10), Several), 260);
  EXPECT_EQ(valueOf(term(OtherPositions, 10), Several), 260);
  EXPECT_EQ(valueOf(term(SinglePositions, 10), Several), 0);
  EXPECT_EQ(valueOf(term(SinglePositions, 10), Single), 220);
}

TEST(CallCost, ExpertsAreChosenAtRandom) {
  plan::TermT Term = term(plan::Quantity::Chosen, 32);
  Term.choices = 2;
  Term.of = 8;
  EXPECT_EQ(valueOf(Term, {1, 1, 0}), 8);
  // A quarter of the experts by each of two tokens: 1 - (3/4)^2.
  EXPECT_DOUBLE_EQ(valueOf(Term, {2, 1, 0}), 14);
  EXPECT_NEAR(valueOf(Term, {1, 1000, 0}), 32, 1e-9);
  Term.choices = 8;
  EXPECT_DOUBLE_EQ(valueOf(Term, {2, 1, 0}), 32);
}

TEST(CallCost, BlocksAreClosedOnceInSoManyTokens) {
  plan::TermT Term = term(plan::Quantity::Closed, 64);
  Term.of = 16;
  EXPECT_EQ(valueOf(Term, {4, 1, 0}), 16);
  EXPECT_EQ(valueOf(Term, {4, 8, 0}), 128);
  EXPECT_EQ(valueOf(Term, {4, 100, 0}), 256);
}

TEST(CallCost, TakesTermsInPlaceOfExtents) {
  plan::PlanT Plan = costPlan();
  plan::LaunchT &Launch = *Plan.functions[0]->steps[0]->instruction.AsLaunch();
  Launch.operations.push_back(
      std::make_unique<plan::TermT>(term(plan::Quantity::Keys, 1000)));
  Launch.operand = DType::F32;
  plan::ArgT &Weights = *Launch.args[0];
  Weights.touched.push_back(
      std::make_unique<plan::TermT>(term(plan::Quantity::Closed, 16)));
  Weights.touched[0]->of = 4;
  Weights.touched.push_back(
      std::make_unique<plan::TermT>(term(plan::Quantity::Positions, 1)));
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  const CallCost Cost =
      value(costOf(**Loaded, *Loaded->function("f"), {2, 1, 10}, machine()));
  EXPECT_EQ(Cost.Bytes.Weights, 8 + 22);
  EXPECT_EQ(Cost.Operations.at(ElementType::F32), 22000);
  EXPECT_DOUBLE_EQ(Cost.Compute, 22e-6);
  EXPECT_EQ(Cost.bound(), "compute");
  EXPECT_EQ(Cost.Kernels.at("add_scaled").Operations, 22000);
}

TEST(CallCost, ExchangesAreCountedOnTheMesh) {
  plan::PlanT Plan = costPlan();
  for (const auto &[Name, Extent] :
       std::vector<std::pair<std::string, int64_t>>{{"data", 2},
                                                    {"tensor", 3}}) {
    auto Axis = std::make_unique<plan::MeshAxisT>();
    Axis->name = Name;
    Axis->extent = Extent;
    Axis->symbol = static_cast<uint32_t>(Plan.symbols.size());
    addSymbol(Plan, Name, Extent - 1);
    Plan.mesh.push_back(std::move(Axis));
  }
  addArena(Plan, "gathered", ArenaKind::Activations, 4096);
  // Blocks of 8 T bytes; below 4 tokens, and from 4 on.
  for (const auto &[Kind, AtLeast, Below] :
       std::vector<std::tuple<plan::CollectiveKind, int64_t, int64_t>>{
           {plan::CollectiveKind::AllGather, 0, 4},
           {plan::CollectiveKind::AllToAll, 4, 65}}) {
    const bool IsGather = Kind == plan::CollectiveKind::AllGather;
    plan::CollectiveT Exchange;
    Exchange.kind = Kind;
    Exchange.axis = 1;
    Exchange.source = memory(ArgKind::Arena, 0, symbol(0, IsGather ? 8 : 24));
    Exchange.destination =
        memory(ArgKind::Arena, 3, symbol(0, 24), /*Written=*/true);
    Exchange.block = std::make_unique<plan::Expr>(symbol(0));
    Exchange.unit = 8;
    auto Step = std::make_unique<plan::StepT>();
    Step->instruction.Set(std::move(Exchange));
    Step->condition = std::make_unique<plan::ConditionT>();
    Step->condition->symbol = 0;
    Step->condition->at_least = AtLeast;
    Step->condition->below = Below;
    Plan.functions[0]->steps.push_back(std::move(Step));
  }
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  const plan::Function &F = *Loaded->function("f");
  Machine M = machine();
  EXPECT_THAT(message(costOf(**Loaded, F, {1, 1, 0}, M).status()),
              ::testing::HasSubstr("the plan is for 6 ranks; m has 1"));
  M.RanksPerNode = 4;
  M.Nodes = 2;
  M.ExchangeSeconds = 5e-6;
  M.InsideNode = {1e9, 1e-6};
  M.BetweenNodes = {1e8, 4e-6};
  for (int64_t T : {2, 5}) {
    const CallCost Cost = value(costOf(**Loaded, F, {1, T, 0}, M));
    EXPECT_EQ(Cost.Sent.Exchanges, 1u);
    EXPECT_EQ(Cost.Sent.Messages, 2u);
    EXPECT_EQ(Cost.Sent.Bytes, static_cast<uint64_t>(16 * T));
    // Of ranks 3 to 5, rank 3 is on the other node than 4 and 5.
    EXPECT_DOUBLE_EQ(Cost.Exchange,
                     5e-6 + 2 * (4e-6 + static_cast<double>(8 * T) / 1e8));
    EXPECT_EQ(Cost.bound(), "exchanges");
  }
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
