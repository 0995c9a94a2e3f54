//===- MachineTest.cpp - descriptions of machines -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/Machine.h"
#include "runtime/support/Json.h"
#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
using ::testing::HasSubstr;

namespace {
json described() {
  return {{"name", "m"},
          {"source", "measured"},
          {"nodes", 2},
          {"ranks_per_node", 4},
          {"memory_gib", 2},
          {"memory_bandwidth_gb_per_s", 100},
          {"tflops", {{"bf16", 2}, {"f32", 0.5}}},
          {"units", 10},
          {"unit_bandwidth_gb_per_s", 20},
          {"launch_us", 3},
          {"exchange_us", 5},
          {"inside_node", {{"bandwidth_gb_per_s", 40}, {"latency_us", 1}}},
          {"between_nodes", {{"bandwidth_gb_per_s", 8}, {"latency_us", 4}}}};
}
std::string errorOf(const json &Value) {
  return message(parseMachine(Value.dump(), "m.json").status());
}

TEST(Machine, IsReadInItsUnits) {
  const Machine M = value(parseMachine(described().dump(), "m.json"));
  EXPECT_EQ(M.Name, "m");
  EXPECT_EQ(M.Sources, std::vector<std::string>{"measured"});
  EXPECT_EQ(M.ranks(), 8);
  EXPECT_EQ(M.MemoryBytes, 2147483648.0);
  EXPECT_EQ(M.MemoryBytesPerSecond, 100e9);
  EXPECT_EQ(M.OperationsPerSecond.at(ElementType::BF16), 2e12);
  EXPECT_EQ(M.OperationsPerSecond.at(ElementType::F32), 0.5e12);
  EXPECT_FALSE(M.OperationsPerSecond.contains(ElementType::F16));
  EXPECT_EQ(M.Units, 10);
  EXPECT_EQ(M.UnitBytesPerSecond, 20e9);
  EXPECT_DOUBLE_EQ(M.LaunchSeconds, 3e-6);
  EXPECT_DOUBLE_EQ(M.ExchangeSeconds, 5e-6);
  EXPECT_EQ(M.InsideNode.BytesPerSecond, 40e9);
  EXPECT_DOUBLE_EQ(M.InsideNode.Latency, 1e-6);
  EXPECT_EQ(M.BetweenNodes.BytesPerSecond, 8e9);
  EXPECT_DOUBLE_EQ(M.BetweenNodes.Latency, 4e-6);
}

TEST(Machine, IsScaled) {
  Machine M = value(parseMachine(described().dump(), "m.json"));
  for (const char *What :
       {"tflops", "memory_bandwidth", "link_bandwidth", "latency", "launch"})
    EXPECT_TRUE(scale(M, What, 2).ok());
  EXPECT_EQ(M.OperationsPerSecond.at(ElementType::F32), 1e12);
  EXPECT_EQ(M.MemoryBytesPerSecond, 200e9);
  EXPECT_EQ(M.UnitBytesPerSecond, 40e9);
  EXPECT_EQ(M.BetweenNodes.BytesPerSecond, 16e9);
  EXPECT_EQ(M.InsideNode.BytesPerSecond, 80e9);
  EXPECT_DOUBLE_EQ(M.InsideNode.Latency, 2e-6);
  EXPECT_DOUBLE_EQ(M.BetweenNodes.Latency, 8e-6);
  EXPECT_DOUBLE_EQ(M.ExchangeSeconds, 10e-6);
  EXPECT_DOUBLE_EQ(M.LaunchSeconds, 6e-6);
  EXPECT_THAT(message(scale(M, "latenci", 2)),
              HasSubstr("--scale latenci: unknown name; did you mean "
                        "'latency'?"));
}

TEST(Machine, OfOneRankNeedsNoLinks) {
  json Value = described();
  Value["nodes"] = Value["ranks_per_node"] = 1;
  for (const char *Key : {"exchange_us", "inside_node", "between_nodes",
                          "units", "unit_bandwidth_gb_per_s"})
    Value.erase(Key);
  const Machine M = value(parseMachine(Value.dump(), "m.json"));
  EXPECT_EQ(M.Units, 1);
  EXPECT_EQ(M.UnitBytesPerSecond, 100e9);
}

TEST(Machine, ErrorsNameTheKey) {
  json Value = described();
  Value["launch_ms"] = 3;
  EXPECT_EQ(errorOf(Value),
            "m.json: launch_ms: unknown key; did you mean 'launch_us'?");
  Value = described();
  Value["inside_node"]["latency"] = 3;
  EXPECT_THAT(errorOf(Value), HasSubstr("m.json: inside_node.latency: unknown "
                                        "key; did you mean 'latency_us'?"));
  Value = described();
  Value["tflops"]["bf61"] = 3;
  EXPECT_THAT(errorOf(Value), HasSubstr("tflops.bf61: unknown key"));
  Value = described();
  Value.erase("between_nodes"); // there are two nodes
  EXPECT_EQ(errorOf(Value),
            "m.json: between_nodes: found nothing; expected a value");
  Value = described();
  Value["memory_gib"] = 0;
  EXPECT_EQ(errorOf(Value),
            "m.json: memory_gib: found 0; expected a number above 0");
  Value = described();
  Value["ranks_per_node"] = 1.5;
  EXPECT_EQ(errorOf(Value), "m.json: ranks_per_node: found 1.5; expected a "
                            "whole number from 1 to 1048576");
  Value = described();
  Value["tflops"] = json::object();
  EXPECT_THAT(errorOf(Value), HasSubstr("tflops: found {}; expected an "
                                        "object"));
  Value = described();
  Value["launch_us"] = -1;
  EXPECT_EQ(errorOf(Value),
            "m.json: launch_us: found -1; expected a number of at least 0");
  EXPECT_THAT(errorOf(json::array()), HasSubstr("expected a JSON object"));
}

TEST(Machine, BuiltInOnesAreValidAndSayTheirSources) {
  EXPECT_GE(builtInMachines().size(), 4u);
  for (const BuiltInMachine &Each : builtInMachines()) {
    const Machine M = value(findMachine(std::string(Each.Name)));
    EXPECT_FALSE(M.Sources.empty()) << Each.Name;
    EXPECT_TRUE(M.OperationsPerSecond.contains(ElementType::BF16));
  }
  EXPECT_EQ(value(findMachine("64x8xH800")).ranks(), 512);
  EXPECT_THAT(message(findMachine("8xH20").status()),
              HasSubstr("no such machine; did you mean '8xH200'?"));
}
} // namespace
