//===- RankMemoryTest.cpp - the memory of each rank of a plan -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/RankMemory.h"
#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;
using ::testing::ElementsAre;
using ::testing::Pair;

namespace {
TEST(RankMemory, KindsHaveNoNumbers) {
  EXPECT_EQ(kindOf("model.layers.12.block_sparse_moe.experts.3.w1.weight"),
            "block_sparse_moe.experts.w1");
  EXPECT_EQ(kindOf("lm_head.weight"), "lm_head");
  EXPECT_EQ(kindOf("model.layers.0.self_attn.state.keys"),
            "self_attn.state.keys");
}

TEST(RankMemory, CountsByKind) {
  plan::PlanT Plan;
  Plan.model = std::make_unique<plan::ModelT>();
  Plan.model->vocabulary = 10;
  Plan.model->layers = 2;
  Plan.model->slots = 4;
  Plan.model->max_length = 100;
  const uint32_t Weights = addArena(Plan, "weights", ArenaKind::Weights, 300);
  const uint32_t Activations =
      addArena(Plan, "activations", ArenaKind::Activations, 512);
  for (const auto &[Name, Bytes] :
       std::vector<std::pair<std::string, uint64_t>>{
           {"model.layers.0.s.keys", 40},
           {"model.layers.0.s.state", 80},
           {"model.layers.1.s.keys", 800},
           {"model.layers.1.s.values", 1600}})
    addArena(Plan, Name, ArenaKind::State, Bytes);
  plan::FunctionT &Init = addFunction(Plan, "init");
  for (uint32_t Layer : {0, 1}) {
    addParameter(Plan, concat("model.layers.", Layer, ".q.weight"), DType::F32,
                 {20});
    Init.steps.push_back(
        copy(memory(ArgKind::Arena, Weights, constant(80), /*Written=*/true,
                    /*Offset=*/Layer * 128),
             memory(ArgKind::Parameter, Layer, constant(80))));
  }
  addParameter(Plan, "norm.weight", DType::F32, {5});
  addFunction(Plan, "f").steps.push_back(
      copy(memory(ArgKind::Arena, Activations, constant(20), /*Written=*/true),
           memory(ArgKind::Parameter, 2, constant(20))));
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  const RankMemory Memory(**Loaded);
  EXPECT_THAT(
      Memory.Weights,
      ElementsAre(Pair("norm", 20), Pair("padding", 140), Pair("q", 160)));
  EXPECT_THAT(Memory.States,
              ElementsAre(Pair("lightning attention: keys", 40),
                          Pair("lightning attention: state", 80),
                          Pair("softmax attention: keys", 800),
                          Pair("softmax attention: values", 1600)));
  EXPECT_EQ(Memory.Caches, 2400u);
  const auto Rest =
      static_cast<double>(Memory.Needs.total() - Memory.Needs.States);
  EXPECT_DOUBLE_EQ(Memory.total(4, 100), Rest + 2520);
  // One of four sequences, with half of the tokens.
  EXPECT_DOUBLE_EQ(Memory.total(1, 50), Rest + 30 + 300);

  // With blocks, as many of them as the tokens need.
  Plan.model->cache_blocks = 20;
  Plan.model->block_positions = 10;
  auto WithBlocks = value(LoadedPlan::fromBytes(serialize(Plan), "p"));
  EXPECT_DOUBLE_EQ(RankMemory(**WithBlocks).total(1, 50), Rest + 30 + 600);
}
} // namespace
