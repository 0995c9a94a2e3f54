//===- ThreadPool.h - parallel loops with little overhead -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_THREADPOOL_H
#define M1C_RUNTIME_SUPPORT_THREADPOOL_H

#include "absl/status/statusor.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace m1 {

/// Runs loops on a fixed set of threads, including the caller.
///
/// Designed for hundreds of loops of a few microseconds each: idle threads spin
/// for a while before they sleep, and a loop waits only for threads that took
/// part in it, so that a descheduled thread does not delay it.
class ThreadPool {
public:
  /// `Threads` includes the caller; at least 1. An error if the system refuses
  /// to start them.
  static absl::StatusOr<std::unique_ptr<ThreadPool>> create(unsigned Threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const { return Workers.size() + 1; }

  /// Calls Body(Begin, End, Thread) on disjoint ranges of at most `Chunk`
  /// indices that cover 0 <= i < Count; Count < 2^32. Ranges that run at the
  /// same time have different Thread < threads(). Neither reentrant nor
  /// thread-safe. An exception from `Body` ends the process (Exceptions.h) if
  /// there are several threads.
  template <typename BodyT>
  void parallelFor(int64_t Count, int64_t Chunk, BodyT &&Body) {
    if (Workers.empty() || Count <= Chunk) {
      if (Count > 0)
        Body(int64_t(0), Count, 0u);
      return;
    }
    run(
        Count, Chunk,
        [](void *Context, int64_t Begin, int64_t End, unsigned Thread) {
          (*static_cast<std::remove_reference_t<BodyT> *>(Context))(Begin, End,
                                                                    Thread);
        },
        &Body);
  }

private:
  ThreadPool() = default;

  using Function = void (*)(void *Context, int64_t Begin, int64_t End,
                            unsigned Thread);

  /// noexcept: other threads may still use what `LoopBody` refers to.
  void run(int64_t LoopCount, int64_t LoopChunk, Function LoopBody,
           void *LoopContext) noexcept;
  void work(uint32_t Epoch, unsigned Thread);
  void workerMain(unsigned Thread);

  /// The loop's number (epoch) in the upper half, the number of indices not yet
  /// taken in the lower. A single word decides whether a thread may take
  /// indices: a finished loop has none left, whatever a late thread reads from
  /// the fields below, which may already belong to the next loop.
  alignas(64) std::atomic<uint64_t> Ticket{0};
  /// Completed indices of the current loop.
  alignas(64) std::atomic<int64_t> Done{0};
  /// The current loop. Atomic because late threads may read them while they
  /// change. They are stable for a thread that has taken indices: the loop does
  /// not end before those are done.
  alignas(64) std::atomic<int64_t> Count{0};
  std::atomic<int64_t> Chunk{1};
  std::atomic<Function> Body{nullptr};
  std::atomic<void *> Context{nullptr};

  alignas(64) std::atomic<unsigned> Sleepers{0};
  std::atomic<bool> Stopping{false};
  std::mutex Mutex;
  std::condition_variable Wake;
  std::vector<std::thread> Workers;
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_THREADPOOL_H
