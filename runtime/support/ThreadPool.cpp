//===- ThreadPool.cpp - parallel loops with little overhead ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/ThreadPool.h"

#include "runtime/support/Error.h"

#include <algorithm>
#include <chrono>
#include <exception>

using namespace m1;

namespace {
/// How long an idle thread spins: longer than the gaps between the launches of
/// one token, and short enough not to matter.
constexpr auto SpinTime = std::chrono::microseconds(50);

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

uint32_t epochOf(uint64_t Ticket) { return Ticket >> 32; }
} // namespace

absl::StatusOr<std::unique_ptr<ThreadPool>>
ThreadPool::create(unsigned Threads) {
  std::unique_ptr<ThreadPool> Result(new ThreadPool);
  unsigned Started = 1; // the caller
  try {
    Result->Workers.reserve(Threads - 1);
    for (; Started < Threads; ++Started)
      Result->Workers.emplace_back(
          [Pool = Result.get(), Started] { Pool->workerMain(Started); });
  } catch (const std::exception &Error) {
    std::string Reason = Error.what();
    Result.reset(); // ends the threads before memory is needed for the message
    return makeError("cannot start ", Threads, " threads: ", Reason, " after ",
                     Started,
                     "; each takes address space for its stack "
                     "(ulimit -s)");
  }
  return Result;
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> Lock(Mutex);
    Stopping.store(true);
  }
  Wake.notify_all();
  for (std::thread &Worker : Workers)
    Worker.join();
}

void ThreadPool::run(int64_t LoopCount, int64_t LoopChunk, Function LoopBody,
                     void *LoopContext) noexcept {
  Count.store(LoopCount, std::memory_order_relaxed);
  Chunk.store(LoopChunk, std::memory_order_relaxed);
  Body.store(LoopBody, std::memory_order_relaxed);
  Context.store(LoopContext, std::memory_order_relaxed);
  Done.store(0, std::memory_order_relaxed);
  uint32_t Epoch = epochOf(Ticket.load(std::memory_order_relaxed)) + 1;
  // Sequentially consistent, like the sleeper's increment and check: either the
  // sleeper sees this loop or this thread sees the sleeper.
  Ticket.store(static_cast<uint64_t>(Epoch) << 32 | LoopCount);
  if (Sleepers.load() > 0) {
    std::lock_guard<std::mutex> Lock(Mutex);
    Wake.notify_all();
  }

  work(Epoch, 0);
  for (unsigned Spins = 0; Done.load(std::memory_order_acquire) != LoopCount;
       ++Spins) {
    // If there are more threads than processors, the awaited one may need this
    // processor.
    if (Spins < 2000)
      relax();
    else
      std::this_thread::yield();
  }
}

void ThreadPool::work(uint32_t Epoch, unsigned Thread) {
  int64_t Finished = 0;
  uint64_t Current = Ticket.load(std::memory_order_acquire);
  while (epochOf(Current) == Epoch) {
    int64_t Left = static_cast<uint32_t>(Current);
    if (Left == 0)
      break;
    // A late thread may read the next loop's chunk here; the exchange below
    // then fails.
    int64_t Taken = std::min(Left, Chunk.load(std::memory_order_relaxed));
    // Succeeds only while the loop is still `Epoch` and has `Left` indices
    // left; the loop then cannot end before this thread adds to Done.
    if (!Ticket.compare_exchange_weak(Current, Current - Taken,
                                      std::memory_order_acq_rel,
                                      std::memory_order_acquire))
      continue;
    int64_t Begin = Count.load(std::memory_order_relaxed) - Left;
    Body.load(std::memory_order_relaxed)(
        Context.load(std::memory_order_relaxed), Begin, Begin + Taken, Thread);
    Finished += Taken;
    Current = Ticket.load(std::memory_order_acquire);
  }
  if (Finished)
    Done.fetch_add(Finished, std::memory_order_release);
}

void ThreadPool::workerMain(unsigned Thread) {
  uint32_t Seen = 0;
  for (;;) {
    auto Start = std::chrono::steady_clock::now();
    uint32_t Epoch;
    for (unsigned Spins = 1;; ++Spins) {
      Epoch = epochOf(Ticket.load(std::memory_order_acquire));
      if (Epoch != Seen || Stopping.load(std::memory_order_relaxed))
        break;
      relax();
      // Reading the clock costs more than a pause: do it rarely.
      if (Spins % 64 == 0 &&
          std::chrono::steady_clock::now() - Start > SpinTime) {
        std::unique_lock<std::mutex> Lock(Mutex);
        Sleepers.fetch_add(1);
        Wake.wait(Lock, [&] {
          return Stopping.load() || epochOf(Ticket.load()) != Seen;
        });
        Sleepers.fetch_sub(1);
      }
    }
    if (Stopping.load(std::memory_order_relaxed))
      return;
    Seen = Epoch;
    work(Epoch, Thread);
  }
}
