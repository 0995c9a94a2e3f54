//===- Traffic.cpp - what a plan's ranks exchange -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Traffic.h"

using namespace m1;

uint64_t m1::blockBytes(const plan::Collective &Collective,
                        std::span<const int64_t> Symbols) {
  return static_cast<uint64_t>(evaluate(*Collective.block(), Symbols) *
                               Collective.unit());
}

bool m1::isExecuted(const plan::Step &Step, std::span<const int64_t> Symbols) {
  const plan::Condition *Condition = Step.condition();
  return !Condition || (Condition->at_least() <= Symbols[Condition->symbol()] &&
                        Symbols[Condition->symbol()] < Condition->below());
}

Traffic m1::trafficOf(const plan::Plan &Plan,
                      const plan::Collective &Collective,
                      std::span<const int64_t> Symbols) {
  const auto Others =
      static_cast<uint64_t>(Plan.mesh()->Get(Collective.axis())->extent() - 1);
  return {1, Others, Others * blockBytes(Collective, Symbols)};
}

TrafficByKind m1::trafficOf(const plan::Plan &Plan,
                            const plan::Function &Function,
                            std::span<const int64_t> Symbols) {
  TrafficByKind Result;
  for (uint32_t I = 0; I < length(Function.steps()); ++I) {
    const plan::Step &Step = *Function.steps()->Get(I);
    const plan::Collective *Each = Step.instruction_as_Collective();
    if (Each && isExecuted(Step, Symbols))
      Result[{Each->kind(), Each->axis()}] += trafficOf(Plan, *Each, Symbols);
  }
  return Result;
}

const char *m1::nameOf(plan::CollectiveKind Kind) {
  return Kind == plan::CollectiveKind::AllGather ? "all-gather" : "all-to-all";
}
