//===- ServingPlan.cpp - a small plan for serving -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/engine/ServingPlan.h"

using namespace m1;
using namespace m1::test;
using plan::ArgKind;
using plan::DType;

namespace {
constexpr int V = ModelVocabulary;
constexpr int64_t SlotBytes = 8 + 64 * 4, BlockBytes = ServingBlock * 4;
enum { T, B, N };

class ServingPlan {
public:
  ServingPlan(int64_t Slots, int64_t MaxTokens, int64_t MaxLength,
              int64_t Blocks)
      : Columns((MaxLength + ServingBlock - 1) / ServingBlock),
        SlotsSize(constant(Slots * SlotBytes)),
        PoolSize(constant(Blocks * BlockBytes)) {
    addSymbol(Plan, "T", MaxTokens);
    addSymbol(Plan, "B", Slots);
    addSymbol(Plan, "R", Slots);
    addState("slots", plan::Division::Slot, Slots, SlotBytes);
    addState("pool", plan::Division::Block, Blocks, BlockBytes);
    addArena(Plan, "activations", plan::ArenaKind::Activations,
             MaxTokens * V * 4);
    addKernels(Plan, {"serving_logits", "serving_draw", "serving_targets"},
               {10, 11, 3});
    Plan.model = std::make_unique<plan::ModelT>();
    Plan.model->architecture = "Test";
    Plan.model->vocabulary = V;
    Plan.model->slots = Slots;
    Plan.model->max_length = MaxLength;
    Plan.model->layers = 1;
    Plan.model->cache_blocks = Blocks;
    Plan.model->block_positions = ServingBlock;
    addNext();
    addScore();
    addLogits();
  }

  plan::PlanT Plan;

private:
  void addState(const char *Name, plan::Division By, int64_t Parts,
                int64_t Bytes) {
    const uint32_t Arena =
        addArena(Plan, Name, plan::ArenaKind::State, Parts * Bytes);
    Plan.arenas[Arena]->division = By;
    Plan.arenas[Arena]->parts = Parts;
  }

  plan::FunctionT &addBatch(const char *Name) {
    plan::FunctionT &F = addFunction(Plan, Name);
    F.inputs.push_back(tensor("tokens", DType::I32, {symbol(T)}));
    F.inputs.push_back(tensor("positions", DType::I32, {symbol(T)}));
    F.inputs.push_back(tensor("cu_seqlens", DType::I32, {symbol(B, 1, 1)}));
    F.inputs.push_back(tensor("slots", DType::I32, {symbol(B)}));
    F.inputs.push_back(
        tensor("blocks", DType::I32, {symbol(B), constant(Columns)}));
    return F;
  }

  std::unique_ptr<plan::StepT> forward(std::unique_ptr<plan::ArgT> Logits,
                                       bool PerToken) const {
    return launch(0, symbol(B), constant(1), constant(1),
                  arguments(memory(ArgKind::Arena, 0, SlotsSize, true),
                            memory(ArgKind::Arena, 1, PoolSize, true),
                            memory(ArgKind::Input, 0, symbol(T, 4)),
                            memory(ArgKind::Input, 1, symbol(T, 4)),
                            memory(ArgKind::Input, 2, symbol(B, 4, 4)),
                            memory(ArgKind::Input, 3, symbol(B, 4)),
                            memory(ArgKind::Input, 4, symbol(B, 4 * Columns)),
                            scalar(constant(Columns)), std::move(Logits),
                            scalar(constant(PerToken))));
  }

  void addNext() {
    plan::FunctionT &F = addBatch("next");
    for (const char *Name : {"temperature", "top_p"})
      F.inputs.push_back(tensor(Name, DType::F32, {symbol(B)}));
    F.inputs.push_back(tensor("top_k", DType::I32, {symbol(B)}));
    F.inputs.push_back(tensor("seeds", DType::I64, {symbol(B)}));
    F.inputs.push_back(tensor("sample_positions", DType::I32, {symbol(B)}));
    F.inputs.push_back(tensor("min_p", DType::F32, {symbol(B)}));
    F.inputs.push_back(tensor("adjustments", DType::I32, {symbol(B)}));
    for (const char *Name : {"bias", "repetition"})
      F.inputs.push_back(tensor(Name, DType::F32, {symbol(N), constant(V)}));
    F.outputs.push_back(tensor("sampled", DType::I32, {symbol(B)}));
    F.outputs.push_back(tensor("log_probs", DType::F32, {symbol(B)}));
    F.outputs.push_back(tensor("logits", DType::F32, {symbol(B), constant(V)}));
    F.outputs.push_back(tensor("policy_log_probs", DType::F32, {symbol(B)}));
    F.steps.push_back(
        forward(memory(ArgKind::Output, 2, symbol(B, 4 * V), true), false));
    F.steps.push_back(
        launch(1, symbol(B), constant(1), constant(1),
               arguments(memory(ArgKind::Output, 2, symbol(B, 4 * V)),
                         memory(ArgKind::Input, 5, symbol(B, 4)),
                         memory(ArgKind::Input, 8, symbol(B, 8)),
                         memory(ArgKind::Input, 9, symbol(B, 4)),
                         memory(ArgKind::Input, 10, symbol(B, 4)),
                         memory(ArgKind::Input, 11, symbol(B, 4)),
                         memory(ArgKind::Input, 12, symbol(N, 4 * V)),
                         memory(ArgKind::Input, 13, symbol(N, 4 * V)),
                         memory(ArgKind::Output, 0, symbol(B, 4), true),
                         memory(ArgKind::Output, 1, symbol(B, 4), true),
                         memory(ArgKind::Output, 3, symbol(B, 4), true))));
    F.drawn = {0};
  }

  void addScore() {
    plan::FunctionT &F = addBatch("score");
    F.inputs.push_back(tensor("targets", DType::I32, {symbol(T)}));
    F.outputs.push_back(tensor("log_probs", DType::F32, {symbol(T)}));
    F.steps.push_back(
        forward(memory(ArgKind::Arena, 2, symbol(T, 4 * V), true), true));
    F.steps.push_back(
        launch(2, symbol(T), constant(1), constant(1),
               arguments(memory(ArgKind::Output, 0, symbol(T, 4), true),
                         memory(ArgKind::Arena, 2, symbol(T, 4 * V)),
                         memory(ArgKind::Input, 5, symbol(T, 4)))));
  }

  void addLogits() {
    plan::FunctionT &F = addBatch("logits");
    F.outputs.push_back(tensor("logits", DType::F32, {symbol(T), constant(V)}));
    F.steps.push_back(
        forward(memory(ArgKind::Output, 0, symbol(T, 4 * V), true), true));
  }

  const int64_t Columns;
  const plan::Expr SlotsSize, PoolSize;
};
} // namespace

plan::PlanT test::overRanks(plan::PlanT Serving, const char *Axis,
                            int64_t Count) {
  const int64_t Bytes = Serving.symbols[T]->max * 4;
  addAxis(Serving, Axis, Count);
  const uint32_t Own = addArena(Serving, "own tokens",
                                plan::ArenaKind::Activations, Bytes),
                 All = addArena(Serving, "all tokens",
                                plan::ArenaKind::Activations, Count * Bytes);
  for (auto &F : Serving.functions) {
    std::vector<std::unique_ptr<plan::StepT>> Steps;
    Steps.push_back(copy(memory(ArgKind::Arena, Own, symbol(T, 4), true),
                         memory(ArgKind::Input, 0, symbol(T, 4))));
    Steps.push_back(
        collective(plan::CollectiveKind::AllGather, 0, symbol(T),
                   memory(ArgKind::Arena, All, symbol(T, 4 * Count), true),
                   memory(ArgKind::Arena, Own, symbol(T, 4))));
    F->steps.insert(F->steps.begin(), std::make_move_iterator(Steps.begin()),
                    std::make_move_iterator(Steps.end()));
  }
  return Serving;
}

plan::PlanT test::servingPlan(int64_t Slots, int64_t MaxTokens,
                              int64_t MaxLength, int64_t Blocks) {
  return std::move(ServingPlan(Slots, MaxTokens, MaxLength, Blocks).Plan);
}
