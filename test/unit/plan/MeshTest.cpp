//===- MeshTest.cpp - plans for many ranks that the loader rejects --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/plan/Mesh.h"
#include "runtime/plan/Traffic.h"

#include <functional>

using namespace m1;
using namespace m1::test;
using plan::ArgKind;
using plan::DType;

namespace {
/// A valid plan but for one change.
struct BadCase {
  const char *Name;
  std::function<void(plan::PlanT &)> Change;
  const char *Message;
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for it.
void PrintTo(const BadCase &Case, std::ostream *Out) { *Out << Case.Name; }

plan::StepT &gather(plan::PlanT &Plan) { return *Plan.functions[0]->steps[1]; }
plan::CollectiveT &gatherOf(plan::PlanT &Plan) {
  return *gather(Plan).instruction.AsCollective();
}
plan::CollectiveT &exchangeOf(plan::PlanT &Plan) {
  return *Plan.functions[0]->steps[2]->instruction.AsCollective();
}
plan::ParameterT &weight(plan::PlanT &Plan) { return *Plan.parameters[0]; }
plan::ParameterT &expert(plan::PlanT &Plan) { return *Plan.parameters[1]; }

class BadMesh : public testing::TestWithParam<BadCase> {};

TEST_P(BadMesh, IsRejected) {
  plan::PlanT Plan = meshPlan();
  ASSERT_EQ(loadError(serialize(Plan)), "");
  GetParam().Change(Plan);
  std::string Error = loadError(serialize(Plan));
  EXPECT_EQ(Error.find("test.m1plan: invalid plan: "), 0u) << Error;
  EXPECT_NE(Error.find(GetParam().Message), std::string::npos) << Error;
}

std::unique_ptr<plan::Expr> expr(int32_t Symbol, int64_t Multiply, int64_t Add,
                                 int64_t Divide) {
  return std::make_unique<plan::Expr>(Symbol, Multiply, Add, Divide);
}

INSTANTIATE_TEST_SUITE_P(
    Mesh, BadMesh,
    testing::Values(
        // The mesh.
        BadCase{"OneRank", [](auto &P) { P.mesh[0]->extent = 1; },
                "axis 'tensor' has the extent 1, expected 2 or more"},
        BadCase{"TooManyRanks", [](auto &P) { P.mesh[1]->extent = 2000; },
                "axis 'expert' has the extent 2000, expected 2 or more and at "
                "most 4096 ranks in all"},
        BadCase{"AxisNames", [](auto &P) { P.mesh[1]->name = "tensor"; },
                "axis 1 has the name 'tensor', expected one of its own"},
        BadCase{"AxisSymbol", [](auto &P) { P.mesh[0]->symbol = 3; },
                "axis 'tensor' has symbol 3 of 3"},
        BadCase{"AxesOfOneSymbol", [](auto &P) { P.mesh[1]->symbol = 1; },
                "symbol 'mesh.tensor' is of two axes"},
        BadCase{"AxisBound", [](auto &P) { P.symbols[1]->max = 3; },
                "symbol 'mesh.tensor' of axis 'tensor' has the bound 3, "
                "expected 2"},
        // Slices.
        BadCase{"SliceDimension",
                [](auto &P) { weight(P).slices[0]->dimension = 2; },
                "'w' of 2 dimensions has a slice of dimension 2"},
        BadCase{"SliceOrder",
                [](auto &P) {
                  auto Second = *weight(P).slices[0];
                  Second.axis = 1;
                  weight(P).slices.push_back(
                      std::make_unique<plan::ParameterSliceT>(Second));
                },
                "has a slice of dimension 0, expected ascending dimensions"},
        BadCase{"SliceAxis", [](auto &P) { weight(P).slices[0]->axis = 2; },
                "'w' is sliced over axis 2 of 2"},
        BadCase{"Diagonal",
                [](auto &P) {
                  auto Second = *weight(P).slices[0];
                  Second.dimension = 1;
                  Second.end = 4;
                  weight(P).slices.push_back(
                      std::make_unique<plan::ParameterSliceT>(Second));
                },
                "'w' depends on axis 'tensor' twice"},
        BadCase{"SliceRange", [](auto &P) { weight(P).slices[0]->end = 8; },
                "'w' has the indices 0 to 8 of dimension 0, which has 7"},
        BadCase{"SliceBegin", [](auto &P) { weight(P).slices[0]->begin = -1; },
                "'w' has the indices -1 to 7 of dimension 0"},
        BadCase{"Replicas", [](auto &P) { weight(P).slices[0]->replicas = 2; },
                "'w' has 2 replicas of each slice on the 3 ranks of axis "
                "'tensor', expected a divisor"},
        BadCase{"SliceStep", [](auto &P) { weight(P).slices[0]->step = 0; },
                "'w' has slices of 0 indices"},
        BadCase{"NotCovered", [](auto &P) { weight(P).slices[0]->step = 2; },
                "'w': the ranks of axis 'tensor' have 3 slices of 2 indices of "
                "dimension 0, which do not cover 7"},
        BadCase{"SameSlices",
                [](auto &P) {
                  P.parameters.push_back(
                      std::make_unique<plan::ParameterT>(weight(P)));
                },
                "two parameters are the same slices of 'w'"},
        BadCase{"OtherShape",
                [](auto &P) {
                  auto Other = std::make_unique<plan::ParameterT>(weight(P));
                  Other->shape[1] = 5;
                  Other->slices[0]->step = 4;
                  P.parameters.push_back(std::move(Other));
                },
                "tensor 'w' is also that of parameter 'w', which has another "
                "shape or dtype or no slices"},
        BadCase{"TooLarge",
                [](auto &P) { weight(P).slices[0]->step = int64_t(1) << 44; },
                "parameter 'w' has the shape [17592186044416, 4] on each rank"},
        // Names.
        BadCase{"NamesAxis", [](auto &P) { expert(P).names_axis = 2; },
                "'e.0' has names for axis 2 of 2"},
        BadCase{"NamesWithoutAxis", [](auto &P) { expert(P).names_axis = -1; },
                "'e.0' has 2 names and no axis for them"},
        BadCase{"TooFewNames", [](auto &P) { expert(P).names.pop_back(); },
                "'e.0' has 1 names, expected one for each of the 2 coordinates "
                "on axis 'expert'"},
        BadCase{"FirstName", [](auto &P) { expert(P).names[0] = "e.2"; },
                "'e.0' has the first name 'e.2'"},
        BadCase{"EqualNames", [](auto &P) { expert(P).names[1] = "e.0"; },
                "two names are named 'e.0'"},
        BadCase{"NameOfAnother", [](auto &P) { expert(P).names[1] = "w"; },
                "tensor 'w' is also that of parameter 'w'"},
        // Expressions.
        BadCase{
            "InputExtent",
            [](auto &P) { P.functions[0]->inputs[0]->shape[0] = symbol(1); },
            "an extent is not the same on all ranks: it uses "
            "'mesh.tensor'"},
        BadCase{
            "OutputExtent",
            [](auto &P) { P.functions[0]->outputs[0]->shape[0] = symbol(1); },
            "an extent is not the same on all ranks"},
        BadCase{
            "ShiftSymbol",
            [](auto &P) {
              P.functions[0]->steps[0]->instruction.AsCopy()->source->shift =
                  expr(0, 4, 0, 1);
            },
            "a shift uses symbol 'N', expected a coordinate in the mesh"},
        BadCase{"OddShift",
                [](auto &P) {
                  P.functions[0]
                      ->steps[0]
                      ->instruction.AsCopy()
                      ->destination->shift = expr(1, 3, 0, 1);
                },
                "an argument's shift is 3 on coordinate 1, expected an even"},
        BadCase{"ShiftPastTheEnd",
                [](auto &P) { gatherOf(P).source->shift = expr(1, 64, 0, 1); },
                "covers 32 bytes from byte 64 plus 0 to 128 of Arena 0, which "
                "has 192"},
        BadCase{"ShiftBeforeTheStart",
                [](auto &P) { gatherOf(P).source->shift = expr(1, 2, -66, 1); },
                "covers 32 bytes from byte 64 plus -66 to -62 of Arena 0"},
        // Collectives.
        BadCase{"CollectiveKind",
                [](auto &P) {
                  gatherOf(P).kind = static_cast<plan::CollectiveKind>(2);
                },
                "step 1: a collective of unknown kind 2"},
        BadCase{"CollectiveAxis", [](auto &P) { gatherOf(P).axis = 2; },
                "a collective on axis 2 of 2"},
        BadCase{"BlockOfRank",
                [](auto &P) { gatherOf(P).block = expr(1, 1, 0, 1); },
                "a block is not the same on all ranks"},
        BadCase{"NoBlock", [](auto &P) { gatherOf(P).block = nullptr; },
                "a block is missing"},
        BadCase{"NegativeBlock",
                [](auto &P) { gatherOf(P).block = expr(0, 1, -1, 1); },
                "a collective's block has -1 units of 4 bytes"},
        BadCase{"NoUnit", [](auto &P) { gatherOf(P).unit = 0; },
                "a collective's block has 0 units of 0 bytes"},
        BadCase{"SmallSource",
                [](auto &P) { gatherOf(P).block = expr(0, 1, 1, 1); },
                "expected 1 blocks of up to 9 x 4 bytes to fit the "
                "collective's source, which has up to 32"},
        BadCase{"SmallDestination",
                [](auto &P) {
                  gatherOf(P).destination->bytes = expr(0, 12, -4, 1);
                },
                "expected 3 blocks of up to 8 x 4 bytes to fit the "
                "collective's destination, which has up to 92"},
        BadCase{"SmallBlocks", // of 3 N / 2 rows, rounded up
                [](auto &P) { exchangeOf(P).source->bytes = expr(0, 4, 4, 1); },
                "expected 3 blocks of up to 3 x 4 bytes to fit the "
                "collective's source, which has up to 36"},
        BadCase{
            "WritesParameter",
            [](auto &P) { gatherOf(P).destination->kind = ArgKind::Parameter; },
            "writes Parameter 1, which is read-only"},
        BadCase{"SharedBytes",
                [](auto &P) {
                  gatherOf(P).destination->index = 0;
                  gatherOf(P).destination->offset = 80;
                },
                "the two sides of a collective share bytes"},
        // Conditions.
        BadCase{"ConditionOfRank",
                [](auto &P) { gather(P).condition->symbol = 1; },
                "a condition is not the same on all ranks: it uses "
                "'mesh.tensor'"},
        BadCase{"ConditionSymbol",
                [](auto &P) { gather(P).condition->symbol = 3; },
                "a condition uses symbol 3 of 3"},
        BadCase{"ConditionNotDetermined",
                [](auto &P) {
                  addSymbol(P, "M", 4);
                  gather(P).condition->symbol = 3;
                },
                "a condition uses symbol 'M', which no input of the function "
                "determines"},
        BadCase{"ConditionRange",
                [](auto &P) { gather(P).condition->below = 0; },
                "a condition asks for at least 0 and below 0"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

TEST(Mesh, ConditionsBoundWhatAStepUses) {
  plan::PlanT Plan = meshPlan();
  gatherOf(Plan).destination->bytes = expr(0, 12, 0, 1);
  Plan.arenas[1]->bytes = 72; // 3 blocks of 6 numbers
  plan::CopyT &Copy = *Plan.functions[0]->steps[3]->instruction.AsCopy();
  *Copy.source->bytes = *Copy.destination->bytes = constant(72);
  EXPECT_NE(loadError(serialize(Plan)), "");
  gather(Plan).condition->below = 7;
  EXPECT_EQ(loadError(serialize(Plan)), "");
}

TEST(Mesh, PlacesRanks) {
  plan::PlanT PlanT = meshPlan();
  std::unique_ptr<LoadedPlan> Loaded =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  const plan::Plan &Plan = **Loaded;
  EXPECT_EQ(rankCount(Plan), 6);
  EXPECT_EQ(describeMesh(Plan), "tensor 3 x expert 2");
  EXPECT_EQ(coordinatesOf(Plan, 5), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(coordinatesOf(Plan, 2), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(groupOf(Plan, 3, 0), (std::vector<int>{1, 3, 5}));
  EXPECT_EQ(groupOf(Plan, 3, 1), (std::vector<int>{2, 3}));
  EXPECT_EQ(localShape(*Plan.parameters()->Get(0)),
            (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(tensorName(*Plan.parameters()->Get(1), coordinatesOf(Plan, 3)),
            "e.1");
  // The last rank has one row, and two of zeros.
  const plan::ParameterSlice &Slice =
      *Plan.parameters()->Get(0)->slices()->Get(0);
  EXPECT_EQ(heldRange(Slice, 1).Begin, 3);
  EXPECT_EQ(heldRange(Slice, 1).End, 6);
  EXPECT_EQ(heldRange(Slice, 2).Begin, 6);
  EXPECT_EQ(heldRange(Slice, 2).End, 7);
}

TEST(Mesh, ChecksCoordinates) {
  plan::PlanT PlanT = meshPlan();
  std::unique_ptr<LoadedPlan> Plan =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  auto error = [&](std::vector<int64_t> Own) {
    return message(checkCoordinates(*Plan, Own));
  };
  EXPECT_EQ(error({2, 1}), "");
  EXPECT_EQ(error({}), "p: was compiled for 6 ranks (tensor 3 x expert 2), "
                       "found one: start it with mpirun -np 6 m1run ...");
  EXPECT_EQ(error({3, 1}), "p: the rank's coordinates are [3, 1], expected one "
                           "on each axis of tensor 3 x expert 2");
}

TEST(Mesh, CountsTraffic) {
  plan::PlanT PlanT = meshPlan();
  std::unique_ptr<LoadedPlan> Loaded =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  const plan::Plan &Plan = **Loaded;
  const std::vector<int64_t> Symbols = {5, 0, 0};
  TrafficByKind Found = trafficOf(Plan, *Plan.functions()->Get(0), Symbols);
  ASSERT_EQ(Found.size(), 2u);
  const Traffic &Gather = Found[{plan::CollectiveKind::AllGather, 0}];
  EXPECT_EQ(Gather.Exchanges, 1u);
  EXPECT_EQ(Gather.Messages, 2u);
  EXPECT_EQ(Gather.Bytes, 2u * 5 * 4);
  const Traffic &Exchange = Found[{plan::CollectiveKind::AllToAll, 0}];
  EXPECT_EQ(Exchange.Bytes, 2u * 2 * 4); // blocks of ceil(5 / 3) numbers
}
} // namespace
