//===- RooflineTest.cpp - the least time that work can take ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/Roofline.h"
#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;

namespace {
Machine machine() {
  Machine M;
  M.Name = "m";
  M.Nodes = 2;
  M.RanksPerNode = 4;
  M.MemoryBytesPerSecond = 1e12;
  M.OperationsPerSecond[ElementType::BF16] = 1e14;
  M.Units = 100;
  M.UnitBytesPerSecond = 20e9;
  M.LaunchSeconds = 2e-6;
  M.ExchangeSeconds = 5e-6;
  M.InsideNode = {100e9, 1e-6};
  M.BetweenNodes = {10e9, 4e-6};
  return M;
}
LaunchTime timeOf(double Cells, double Operations, double Bytes) {
  return value(
      m1::timeOf(machine(), {Cells, Operations, ElementType::BF16, Bytes}));
}

TEST(Roofline, ComputingAndMovingDataOverlap) {
  // 1e9 operations at 1e14 per second; 1e6 bytes at 1e12 per second.
  LaunchTime Time = timeOf(1000, 1e9, 1e6);
  EXPECT_DOUBLE_EQ(Time.Compute, 10e-6);
  EXPECT_DOUBLE_EQ(Time.Memory, 1e-6);
  EXPECT_DOUBLE_EQ(Time.total(), 12e-6);
  EXPECT_DOUBLE_EQ(timeOf(1000, 1e9, 50e6).total(), 52e-6);
}

TEST(Roofline, FewCellsLeaveUnitsIdle) {
  // A quarter of the units computes; 25 · 20 GB/s is half of the bandwidth.
  LaunchTime Time = timeOf(25, 1e9, 1e6);
  EXPECT_DOUBLE_EQ(Time.Compute, 40e-6);
  EXPECT_DOUBLE_EQ(Time.Memory, 2e-6);
  // 50 units are enough for all of the bandwidth.
  EXPECT_DOUBLE_EQ(timeOf(50, 0, 1e6).Memory, 1e-6);
  EXPECT_EQ(timeOf(0, 1e9, 1e6).total(), 0);
}

TEST(Roofline, ARateMustBeKnown) {
  EXPECT_THAT(
      message(m1::timeOf(machine(), {1, 1, ElementType::F32, 0}).status()),
      ::testing::HasSubstr("m: tflops: found no rate for F32"));
}

/// Peers inside and between nodes of 8 ranks.
std::pair<int64_t, int64_t> peers(std::vector<int64_t> Mesh, size_t Axis,
                                  int64_t RanksPerNode = 8) {
  Peers Found = peersOf(Mesh, Axis, RanksPerNode);
  return {Found.Inside, Found.Between};
}
using Pair = std::pair<int64_t, int64_t>;

TEST(Roofline, RanksOfAnAxisAreCountedByNode) {
  // The last axis varies fastest: it stays in the node.
  EXPECT_EQ(peers({64, 8}, 1), Pair(7, 0));
  EXPECT_EQ(peers({64, 8}, 0), Pair(0, 63));
  // Data coordinates 0 and 1 share a node.
  EXPECT_EQ(peers({4, 4}, 0), Pair(1, 2));
  EXPECT_EQ(peers({16}, 0), Pair(7, 8));
  EXPECT_EQ(peers({1, 3}, 0), Pair(0, 0));
  // Ranks 3 to 5 on nodes of 4: 3 is alone on the first.
  EXPECT_EQ(peers({2, 3}, 1, 4), Pair(0, 2));
}

TEST(Roofline, MessagesOfAnExchangeFollowEachOther) {
  const Machine M = machine();
  // 5 us; 3 times 1 us and 1e5 B / 100 GB/s = 1 us.
  EXPECT_DOUBLE_EQ(exchangeTime(M, {3, 0}, 1e5), 11e-6);
  // And 4 times 4 us and 10 us.
  EXPECT_DOUBLE_EQ(exchangeTime(M, {3, 4}, 1e5), 67e-6);
  EXPECT_DOUBLE_EQ(exchangeTime(M, {0, 0}, 1e5), 5e-6);
}
} // namespace
