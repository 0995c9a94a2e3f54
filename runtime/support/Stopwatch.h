//===- Stopwatch.h - measures how long something takes ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_STOPWATCH_H
#define M1C_RUNTIME_SUPPORT_STOPWATCH_H

#include <chrono>

namespace m1 {

/// Runs from its construction on.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - Start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point Start = Clock::now();
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_STOPWATCH_H
