//===- Patience.h - waits that poll -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_PATIENCE_H
#define M1C_RUNTIME_COMM_PATIENCE_H

#include <chrono>
#include <sched.h>
#include <thread>

namespace m1 {

/// Waits with less and less haste: at first without giving up the processor,
/// then by yielding it to ranks that may need it to get ready, then by
/// sleeping, longer when nothing may happen for long, which costs about a
/// hundredth of a processor.
class Patience {
public:
  using Clock = std::chrono::steady_clock;

  /// `Yields`: how long before it sleeps.
  explicit Patience(Clock::duration Yields = std::chrono::milliseconds(1))
      : Yields(Yields) {}

  /// Something has happened.
  void reset() { Start = Clock::now(); }
  Clock::duration waited() const { return Clock::now() - Start; }
  void wait() {
    const Clock::duration Waited = waited();
    if (Waited < std::chrono::microseconds(50))
      return;
    if (Waited < Yields)
      ::sched_yield();
    else
      std::this_thread::sleep_for(Waited < std::chrono::milliseconds(100)
                                      ? std::chrono::microseconds(50)
                                  : Waited < std::chrono::seconds(1)
                                      ? std::chrono::microseconds(500)
                                      : std::chrono::milliseconds(2));
  }

private:
  Clock::duration Yields;
  Clock::time_point Start = Clock::now();
};

} // namespace m1

#endif // M1C_RUNTIME_COMM_PATIENCE_H
