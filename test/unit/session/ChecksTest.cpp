//===- ChecksTest.cpp - checks of a call's inputs -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include <functional>

using namespace m1;
using namespace m1::test;
using plan::CheckKind;
using plan::DType;

namespace {
plan::CheckT &addCheck(plan::FunctionT &F, CheckKind Kind, uint32_t Input) {
  F.checks.push_back(std::make_unique<plan::CheckT>());
  F.checks.back()->kind = Kind;
  F.checks.back()->input = Input;
  return *F.checks.back();
}

enum { Tokens, Positions, CuSeqlens, Slots, Experts, Rules };

/// A function that computes nothing from a batch of T <= 8 tokens in B <= 4
/// sequences with two of six experts each; of T sets of rules a sequence has
/// one or none.
plan::PlanT batchPlan() {
  plan::PlanT Plan;
  addSymbol(Plan, "T", 8);
  addSymbol(Plan, "B", 4);
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("tokens", DType::I32, {symbol(0)}));
  F.inputs.push_back(tensor("positions", DType::I32, {symbol(0)}));
  F.inputs.push_back(tensor("cu_seqlens", DType::I32, {symbol(1, 1, 1)}));
  F.inputs.push_back(tensor("slots", DType::I32, {symbol(1)}));
  F.inputs.push_back(tensor("experts", DType::I32, {symbol(0), constant(2)}));
  addCheck(F, CheckKind::Below, Tokens).limit = 100;
  addCheck(F, CheckKind::Below, Positions).limit = 16;
  addCheck(F, CheckKind::Offsets, CuSeqlens).total =
      std::make_unique<plan::Expr>(symbol(0));
  addCheck(F, CheckKind::Below, Slots).limit = 4;
  addCheck(F, CheckKind::Unique, Slots);
  addCheck(F, CheckKind::Below, Experts).limit = 6;
  addCheck(F, CheckKind::Unique, Experts);
  addCheck(F, CheckKind::Consecutive, Positions).offsets = CuSeqlens;
  F.inputs.push_back(tensor("rules", DType::I32, {symbol(1)}));
  addCheck(F, CheckKind::RowOrNone, Rules).total =
      std::make_unique<plan::Expr>(symbol(0));
  return Plan;
}

/// Five tokens: two continue a sequence at position 14, none belongs to a
/// second one, three start a third.
struct BatchInputs {
  std::vector<int32_t> Values[6] = {{0, 99, 7, 7, 7},
                                    {14, 15, 0, 1, 2},
                                    {0, 2, 2, 5},
                                    {3, 0, 1},
                                    {0, 5, 1, 0, 2, 3, 5, 4, 3, 2},
                                    {-1, 4, 0}};

  std::string call(Session &S) {
    std::vector<HostTensor> In;
    for (int I = Tokens; I <= Rules; ++I) {
      int64_t Count = Values[I].size();
      In.push_back({Values[I].data(), ElementType::I32, {Count}});
    }
    In[Experts].Shape = {In[Experts].Shape[0] / 2, 2};
    return message(S.Program->call(0, In, {}));
  }
};

struct Broken {
  const char *Name;
  int Input, Index, Value;
  const char *Message;
};
void PrintTo(const Broken &Case, std::ostream *Out) { *Out << Case.Name; }

class Elements : public testing::TestWithParam<Broken> {};

TEST_P(Elements, AreChecked) {
  plan::PlanT Plan = batchPlan();
  std::unique_ptr<Session> S = open(Plan);
  BatchInputs Batch;
  ASSERT_EQ(Batch.call(*S), "");
  Batch.Values[GetParam().Input][GetParam().Index] = GetParam().Value;
  EXPECT_EQ(Batch.call(*S), GetParam().Message);
}

INSTANTIATE_TEST_SUITE_P(
    Checks, Elements,
    testing::Values(
        Broken{"TokenTooLarge", Tokens, 1, 100,
               "input 'tokens' of function 'f': element 1 is 100, expected 0 "
               "to 99"},
        Broken{"TokenNegative", Tokens, 4, -1,
               "input 'tokens' of function 'f': element 4 is -1, expected 0 to "
               "99"},
        Broken{"PositionTooLarge", Positions, 1, 16,
               "input 'positions' of function 'f': element 1 is 16, expected 0 "
               "to 15"},
        Broken{"PositionJumps", Positions, 4, 1,
               "input 'positions' of function 'f': element 4 is 1, expected 2, "
               "one more than the element before it"},
        Broken{"OffsetsStart", CuSeqlens, 0, 1,
               "input 'cu_seqlens' of function 'f': element 0 is 1, expected "
               "0"},
        Broken{"OffsetsDecrease", CuSeqlens, 2, 1,
               "input 'cu_seqlens' of function 'f': element 2 is 1, expected "
               "at least 2, the element before it"},
        Broken{
            "OffsetsEndEarly", CuSeqlens, 3, 4,
            "input 'cu_seqlens' of function 'f': element 3 is 4, expected 5, "
            "the total"},
        Broken{
            "OffsetsEndLate", CuSeqlens, 3, 6,
            "input 'cu_seqlens' of function 'f': element 3 is 6, expected 5, "
            "the total"},
        Broken{"SlotTooLarge", Slots, 2, 4,
               "input 'slots' of function 'f': element 2 is 4, expected 0 to "
               "3"},
        Broken{"SlotTwice", Slots, 2, 3,
               "input 'slots' of function 'f': element 2 is 3, expected "
               "a value different from element 0"},
        Broken{"ExpertTooLarge", Experts, 7, 6,
               "input 'experts' of function 'f': element [3, 1] is 6, expected "
               "0 to 5"},
        Broken{"ExpertTwice", Experts, 7, 5,
               "input 'experts' of function 'f': element [3, 1] is 5, expected "
               "a value different from element [3, 0]"},
        Broken{"RuleTooLarge", Rules, 1, 5,
               "input 'rules' of function 'f': element 1 is 5, expected -1 to "
               "4"},
        Broken{"RuleBelowNone", Rules, 0, -2,
               "input 'rules' of function 'f': element 0 is -2, expected -1 to "
               "4"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

TEST(Checks, BatchesWithoutTokens) {
  plan::PlanT Plan = batchPlan();
  std::unique_ptr<Session> S = open(Plan);
  BatchInputs Batch;
  for (int Input : {Tokens, Positions, Slots, Experts, Rules})
    Batch.Values[Input].clear();
  Batch.Values[CuSeqlens] = {0};
  EXPECT_EQ(Batch.call(*S), "");
  Batch.Values[CuSeqlens] = {1};
  EXPECT_EQ(Batch.call(*S), "input 'cu_seqlens' of function 'f': element 0 is "
                            "1, expected 0");
}

/// Invalid checks are an error when the plan is loaded.
struct BadCheck {
  const char *Name;
  std::function<void(plan::FunctionT &)> Change;
  const char *Message;
};
void PrintTo(const BadCheck &Case, std::ostream *Out) { *Out << Case.Name; }

class BadChecks : public testing::TestWithParam<BadCheck> {};

TEST_P(BadChecks, AreRefused) {
  plan::PlanT Plan = batchPlan();
  ASSERT_EQ(loadError(serialize(Plan)), "");
  GetParam().Change(*Plan.functions[0]);
  EXPECT_EQ(loadError(serialize(Plan)),
            std::string("test.m1plan: invalid plan: function 'f': ") +
                GetParam().Message);
}

INSTANTIATE_TEST_SUITE_P(
    Checks, BadChecks,
    testing::Values(
        BadCheck{"Kind",
                 [](auto &F) { F.checks[0]->kind = static_cast<CheckKind>(9); },
                 "check 0 is of unknown kind 9"},
        BadCheck{"Input", [](auto &F) { F.checks[3]->input = 6; },
                 "check 3 refers to input 6 of 6"},
        BadCheck{"Type", [](auto &F) { F.inputs[0]->dtype = DType::I64; },
                 "check 0 is about input 'tokens', which is not I32"},
        BadCheck{"Rank", [](auto &F) { F.checks[2]->input = Experts; },
                 "check 2 is about input 'experts', which has 2 dimensions, "
                 "expected 1"},
        BadCheck{"NoTotal", [](auto &F) { F.checks[2]->total.reset(); },
                 "a total is missing"},
        BadCheck{"NoRows", [](auto &F) { F.checks[8]->total.reset(); },
                 "a total is missing"},
        BadCheck{"UnknownRows",
                 [](auto &F) { *F.checks[8]->total = symbol(7); },
                 "a total refers to symbol 7 of 2"},
        BadCheck{"EmptyOffsets",
                 [](auto &F) { F.inputs[CuSeqlens]->shape[0] = symbol(1); },
                 "check 2 is about input 'cu_seqlens', which can be empty"},
        BadCheck{
            "OtherOffsets", [](auto &F) { F.checks[7]->offsets = Slots; },
            "check 7: no earlier Offsets check of input 3 has the extent of "
            "'positions' as its total"},
        BadCheck{
            "OtherTotal",
            [](auto &F) { *F.checks[2]->total = symbol(0, 1, 1); },
            "check 7: no earlier Offsets check of input 2 has the extent of "
            "'positions' as its total"},
        BadCheck{
            "Order", [](auto &F) { std::swap(F.checks[0], F.checks[7]); },
            "check 0: no earlier Offsets check of input 2 has the extent of "
            "'positions' as its total"}),
    [](const auto &Info) { return std::string(Info.param.Name); });
} // namespace
