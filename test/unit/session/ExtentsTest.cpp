//===- ExtentsTest.cpp - whether arguments stay inside tensors ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Extents.h"
#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;
using plan::ArgKind;
using plan::DType;

namespace {
/// Whether the extent `Bytes` from `Offset` on has to be checked in each call,
/// for an output of U8 with `Shape`; N <= 8, M <= 4.
bool isUnproven(const std::vector<plan::Expr> &Shape, uint64_t Offset,
                plan::Expr Bytes) {
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  addSymbol(Plan, "M", 4);
  plan::FunctionT &F = addFunction(Plan, "f");
  F.inputs.push_back(tensor("n", DType::U8, {symbol(0)}));
  F.inputs.push_back(tensor("m", DType::U8, {symbol(1)}));
  F.outputs.push_back(tensor("out", DType::U8, Shape));
  addArena(Plan, "activations", plan::ArenaKind::Activations, 1000);
  F.steps.push_back(
      copy(memory(ArgKind::Output, 0, Bytes, /*Written=*/true, Offset),
           memory(ArgKind::Arena, 0, Bytes)));
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  return !unprovenArguments(**Loaded, *(*Loaded)->functions()->Get(0)).empty();
}

TEST(Extents, AreProvenWhereSizesAreLinear) {
  plan::Expr Half = {0, 1, 0, 2}; // ceil(N / 2)
  EXPECT_FALSE(isUnproven({symbol(0)}, 0, symbol(0)));
  EXPECT_FALSE(isUnproven({symbol(0, 3)}, 0, symbol(0, 2)));
  // A view of columns: negative for N = 0, where nothing is touched.
  EXPECT_FALSE(isUnproven({symbol(0), constant(5)}, 2, symbol(0, 5, -2)));
  EXPECT_FALSE(isUnproven({constant(20)}, 4, symbol(0, 2)));
  EXPECT_FALSE(isUnproven({symbol(0, 1, 9)}, 1, symbol(1, 2)));
  EXPECT_FALSE(isUnproven({symbol(0, 1, 4)}, 0, Half));
  EXPECT_FALSE(isUnproven({constant(20)}, 4, symbol(0, -4, 16)));
  // Fits at both bounds, but not where the extent becomes positive.
  EXPECT_TRUE(isUnproven({symbol(0, 2)}, 9, symbol(0, 1, -2)));
  // Fits at the greatest symbol, but not below it.
  EXPECT_TRUE(isUnproven({symbol(0)}, 0, symbol(0, -2, 6)));
  EXPECT_TRUE(isUnproven({symbol(0, 3)}, 0, symbol(0, 1, 16)));
  EXPECT_FALSE(isUnproven({symbol(0)}, 1, symbol(0, 1, -1)));
  EXPECT_TRUE(isUnproven({symbol(0)}, 0, symbol(1)));
  EXPECT_TRUE(isUnproven({constant(20), symbol(0)}, 0, constant(1)));
  // Always fits, but is not proven: sizes are not linear.
  EXPECT_TRUE(isUnproven({symbol(0), symbol(1)}, 0, symbol(0)));
  EXPECT_TRUE(isUnproven({Half}, 0, Half));
}
} // namespace
