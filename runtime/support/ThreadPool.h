//===- ThreadPool.h - parallel loops with little overhead -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_THREADPOOL_H
#define M1C_RUNTIME_SUPPORT_THREADPOOL_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace m1 {

/// Runs loops on a fixed set of threads, of which the caller is one.
///
/// Made for hundreds of loops of some microseconds each: a thread that has
/// nothing to do spins for a while before it sleeps, and a loop waits only for
/// the threads that took part in it, so one that the system has put aside does
/// not hold it up unless it holds a part of the work.
class ThreadPool {
public:
  /// `Threads` includes the caller; at least 1.
  explicit ThreadPool(unsigned Threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const { return Workers.size() + 1; }

  /// Calls Body(Begin, End, Thread) for ranges that cover 0 <= i < Count, each
  /// index once, at most `Chunk` in a range; Thread < threads() is different
  /// for ranges that run at the same time. Count < 2^32. Not from inside a
  /// Body, and from one thread at a time.
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
  using Function = void (*)(void *Context, int64_t Begin, int64_t End,
                            unsigned Thread);

  void run(int64_t LoopCount, int64_t LoopChunk, Function LoopBody,
           void *LoopContext);
  void work(uint32_t Epoch, unsigned Thread);
  void workerMain(unsigned Thread);

  /// Number of the loop in the upper half, how many of its indices nobody has
  /// taken in the lower. One word that says all that a thread must know to take
  /// some: of a loop that is over there are none left, whatever the fields
  /// below say of the next one by the time that a late thread reads them.
  alignas(64) std::atomic<uint64_t> Ticket{0};
  /// Indices of the current loop that are done.
  alignas(64) std::atomic<int64_t> Done{0};
  /// The current loop. Atomic since late threads may read while they change;
  /// whoever has taken a part of the loop reads them unchanged, as the loop
  /// does not end before that part is done.
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
