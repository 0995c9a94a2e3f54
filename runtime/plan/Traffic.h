//===- Traffic.h - what a plan's ranks exchange -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_PLAN_TRAFFIC_H
#define M1C_RUNTIME_PLAN_TRAFFIC_H

#include "runtime/plan/Plan.h"

#include <map>
#include <utility>

namespace m1 {

/// What one rank sends: to each other rank of its group on an axis, one block
/// for each exchange. It receives as much.
struct Traffic {
  uint64_t Exchanges = 0;
  uint64_t Messages = 0; ///< blocks
  uint64_t Bytes = 0;

  Traffic &operator+=(const Traffic &Other) {
    Exchanges += Other.Exchanges;
    Messages += Other.Messages;
    Bytes += Other.Bytes;
    return *this;
  }
};

/// The bytes of a collective's block.
uint64_t blockBytes(const plan::Collective &Collective,
                    std::span<const int64_t> Symbols);

/// Whether a step is executed.
bool isExecuted(const plan::Step &Step, std::span<const int64_t> Symbols);

/// One exchange.
Traffic trafficOf(const plan::Plan &Plan, const plan::Collective &Collective,
                  std::span<const int64_t> Symbols);

/// A call of a function, by kind and axis; only those that it has.
using TrafficByKind =
    std::map<std::pair<plan::CollectiveKind, uint32_t>, Traffic>;
TrafficByKind trafficOf(const plan::Plan &Plan, const plan::Function &Function,
                        std::span<const int64_t> Symbols);

/// "all-gather", "all-to-all".
const char *nameOf(plan::CollectiveKind Kind);

} // namespace m1

#endif // M1C_RUNTIME_PLAN_TRAFFIC_H
