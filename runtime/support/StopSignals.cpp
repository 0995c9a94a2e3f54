//===- StopSignals.cpp - signals that ask a process to end ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/StopSignals.h"

#include "runtime/support/Temporaries.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <pthread.h>

using namespace m1;

namespace {
constexpr int StopSignals[] = {SIGINT, SIGTERM, SIGHUP};
struct sigaction Previous[NSIG];

std::atomic<bool> FinishFirst{false};
std::atomic<int> First{0};
std::atomic<int64_t> FirstTime{0}; // of First, in nanoseconds

/// Who may go on: nobody waits, signals wait, or the process is about to end. A
/// handler may run in any thread, also in the one that makes signals wait.
enum class Phase { Free, SignalsWait, Ending };
std::atomic<Phase> Now{Phase::Free};
std::atomic<int> Waiting{0}; // the signal that waits, or 0
std::mutex OneAtATime;
static_assert(std::atomic<Phase>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free &&
              std::atomic<int64_t>::is_always_lock_free);

int64_t nanoseconds() {
  timespec Time;
  ::clock_gettime(CLOCK_MONOTONIC, &Time);
  return int64_t(Time.tv_sec) * 1'000'000'000 + Time.tv_nsec;
}

/// Ends the process, now or when signals need not wait any more.
void end(int Signal) {
  Waiting.store(Signal);
  Phase Expected = Phase::Free;
  if (!Now.compare_exchange_strong(Expected, Phase::Ending))
    return; // Waiting is read when signals need not wait any more
  removeOwnTemporaries();
  ::sigaction(Signal, &Previous[Signal], nullptr);
  sigset_t Unblocked;
  sigemptyset(&Unblocked);
  sigaddset(&Unblocked, Signal);
  ::pthread_sigmask(SIG_UNBLOCK, &Unblocked, nullptr);
  ::raise(Signal);
  // The previous handler has returned.
  Waiting.store(0);
  Now.store(Phase::Free);
}

void onStopSignal(int Signal) {
  const int Errno = errno;
  constexpr int64_t Second = 1'000'000'000;
  int None = 0;
  if (!FinishFirst.load())
    end(Signal);
  else if (First.compare_exchange_strong(None, Signal))
    FirstTime.store(nanoseconds());
  else if (int64_t Time = FirstTime.load();
           Time && nanoseconds() - Time > Second)
    end(Signal);
  errno = Errno;
}
} // namespace

void m1::installStopHandlers() {
  static std::once_flag Once;
  std::call_once(Once, [] {
    for (int Signal : StopSignals) {
      ::sigaction(Signal, nullptr, &Previous[Signal]);
      if (Previous[Signal].sa_handler == SIG_IGN)
        continue;
      struct sigaction Action = {};
      Action.sa_handler = onStopSignal;
      Action.sa_flags = SA_RESTART;
      ::sigaction(Signal, &Action, nullptr);
    }
  });
}

void m1::finishOnStopSignal() {
  FinishFirst.store(true);
  installStopHandlers();
}

int m1::stopSignal() { return First.load(); }

StopSignalsWait::StopSignalsWait() {
  OneAtATime.lock();
  Phase Expected = Phase::Free;
  // While the process is ending, another thread's handler is about to end it.
  while (!Now.compare_exchange_weak(Expected, Phase::SignalsWait))
    Expected = Phase::Free;
}

StopSignalsWait::~StopSignalsWait() {
  Now.store(Phase::Free);
  if (int Signal = Waiting.load())
    end(Signal);
  OneAtATime.unlock();
}
