//===- MockNccl.h - a mock NCCL library -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_NCCL_MOCKNCCL_H
#define M1C_TEST_UNIT_COMM_NCCL_MOCKNCCL_H

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace m1::test {

/// A stream of a mock GPU: work in the order in which it is issued, executed by
/// the thread that looks whether it is idle.
struct MockStream {
  /// Begins a piece of work; what it returns is called until it returns true.
  using Work = std::function<std::function<bool()>()>;

  void issue(Work W) {
    if (IsRecording)
      Recorded.push_back(std::move(W));
    else
      Queue.push_back(std::move(W));
  }
  /// Executes what can be executed; whether that is all.
  bool run() {
    while (Running || !Queue.empty()) {
      if (!Running) {
        Running = Queue.front()();
        Queue.pop_front();
      }
      if (!Running())
        return false;
      Running = nullptr;
    }
    return true;
  }

  std::deque<Work> Queue;
  std::function<bool()> Running;
  bool IsRecording = false;
  std::vector<Work> Recorded;
};

/// Settings and counts of the library, by its symbol `mockNccl`; ranks are
/// threads.
struct MockNccl {
  std::mutex Mutex;
  int Version = 22005;
  /// Calls of a function by one rank of a communicator ("ncclSend" by rank 1)
  /// that succeed before one fails.
  std::map<std::pair<std::string, int>, int> Failures;
  /// The exchange, from 0 on, to which a rank never gets.
  std::map<int, int> Hangs;
  /// The exchange after which a rank's communicator has an error.
  std::map<int, int> AsyncErrors;
  /// How often a communicator says that a call is in progress.
  int Progress = 3;
  bool HangsAtStart = false;

  int Communicators = 0, Destroyed = 0, Aborted = 0;
  std::map<std::string, int> Calls;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_NCCL_MOCKNCCL_H
