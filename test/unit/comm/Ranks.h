//===- Ranks.h - ranks of a test --------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_RANKS_H
#define M1C_TEST_UNIT_COMM_RANKS_H

#include "runtime/comm/InProcess.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace m1::test {

/// Runs `Body` on `Count` ranks, which are threads; the error of each, or "".
/// `Wrap` returns what a rank uses instead of its transport.
inline std::vector<std::string> onRanks(
    int Count, const std::function<absl::Status(Transport &)> &Body,
    const TransportOptions &Options = {},
    const std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)>
        &Wrap = nullptr) {
  std::vector<std::unique_ptr<Transport>> Ranks =
      createInProcessRanks(Count, Options);
  std::vector<std::string> Errors(Count);
  std::vector<std::thread> Threads;
  for (int Rank = 0; Rank < Count; ++Rank)
    Threads.emplace_back([&, Rank] {
      if (Wrap)
        Ranks[Rank] = Wrap(std::move(Ranks[Rank]));
      Errors[Rank] = std::string(Body(*Ranks[Rank]).message());
      Ranks[Rank].reset();
    });
  for (std::thread &Thread : Threads)
    Thread.join();
  return Errors;
}

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_RANKS_H
