//===- Watchdog.cpp - a time limit for calls ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/Watchdog.h"

#include "runtime/comm/MessageTransport.h"
#include "runtime/support/Exceptions.h"

using namespace m1;

Watchdog::Watchdog(std::chrono::milliseconds Limit, std::string What)
    : Thread([this, Limit,
              What = concat("within ", describeTime(Limit), " ", What)] {
        std::unique_lock<std::mutex> Lock(Mutex);
        if (!Changed.wait_for(Lock, Limit, [&] { return IsOver; }))
          endProcess(What.c_str());
      }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard<std::mutex> Lock(Mutex);
    IsOver = true;
  }
  Changed.notify_one();
  Thread.join();
}
