//===- Watchdog.h - a time limit for calls ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_WATCHDOG_H
#define M1C_RUNTIME_COMM_WATCHDOG_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace m1 {

/// While it lives, a call may take `Limit`; then the process ends with
/// an error of one line and exit code 1. For calls that cannot be interrupted.
class Watchdog {
public:
  Watchdog(std::chrono::milliseconds Limit, std::string What);
  ~Watchdog();
  Watchdog(const Watchdog &) = delete;
  Watchdog &operator=(const Watchdog &) = delete;

private:
  std::mutex Mutex;
  std::condition_variable Changed;
  bool IsOver = false;
  std::thread Thread;
};

} // namespace m1

#endif // M1C_RUNTIME_COMM_WATCHDOG_H
