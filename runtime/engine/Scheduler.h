//===- Scheduler.h - requests, step by step ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_SCHEDULER_H
#define M1C_RUNTIME_ENGINE_SCHEDULER_H

#include "runtime/engine/SequenceMemory.h"
#include "runtime/engine/StepCalls.h"

namespace m1 {

/// Runs requests in steps, on the caller's thread: the engine without its
/// thread. A step admits sequences that wait, feeds one ragged batch to `next`
/// and, for prompts' log-probabilities, one to `score`, and reports what came
/// of it. Deterministic: the calls depend on the order of requests alone.
class Scheduler {
public:
  /// See Engine::create; the plan may need several ranks if all of them make
  /// the same calls.
  static absl::StatusOr<std::unique_ptr<Scheduler>>
  create(Executor &Program, const EngineOptions &Options);

  const Abilities &abilities() const { return Plan; }
  const EngineOptions &options() const { return Options; }

  /// Adds a request, which must pass checkRequest(), with a number above those
  /// of all others.
  void add(uint64_t Id, Request Given, UpdateFunction OnUpdate,
           Times::Point Arrival = std::chrono::steady_clock::now());
  /// Ends a request, if there is one of this number, with Abort.
  absl::Status abort(uint64_t Id);
  /// Ends all requests; if a device has failed, with its error.
  void endAll(Finish Reason, const absl::Status &Error = {});
  bool isIdle() const {
    return Running.empty() && Waiting.empty() && Empty.empty();
  }

  /// A choice whose next token needs a mask (Request::NextMask).
  struct MaskWish {
    SequenceKey Key;
    const Sequence *Of;
    std::span<const int64_t> New; ///< its tokens since the last mask
  };
  /// Those that run, or could start at the next step, and have no mask for
  /// their next token. Valid until the next call of another function.
  std::vector<MaskWish> maskWishes() const;
  /// Says what the next token of a choice may be; no effect if there is no such
  /// choice. A choice without a mask waits before its next token.
  void setMask(const SequenceKey &Key, Mask Given);
  /// Calls Request::NextMask for all wishes, and sets what it says, which it
  /// also appends to `Answers`, for other schedulers with the same requests. To
  /// be called before step().
  void
  askForMasks(std::vector<std::pair<SequenceKey, Mask>> *Answers = nullptr);

  /// An error is the device's: no further step is possible, and all requests
  /// have to be ended.
  absl::Status step();

  /// How many sequences have left the queue, in all: started, or ended before.
  int64_t dequeued() const { return Dequeued; }
  EngineStats stats() const;

private:
  Scheduler(Executor &Program, std::unique_ptr<LanguageModel> Model,
            const EngineOptions &Options, const Abilities &Plan,
            int64_t DoublingContext);

  // Admission and memory.
  absl::Status growRunning();
  absl::Status admit();
  absl::StatusOr<bool> start(Sequence &S);
  absl::StatusOr<bool> tryToStart(Sequence &S, int64_t Spare);
  absl::Status forkLeaders();
  const Sequence *leaderAtFork(const Sequence &S) const;
  bool dropAnOrigin();
  absl::Status preempt(Sequence &S);

  // The step itself.
  void checkMasks();
  absl::Status computePieces();
  void takeToken(Piece &P);
  absl::Status keepPrefix(Sequence &S);
  static std::optional<Finish> finishOf(Sequence &S);
  absl::Status report();

  // Ends. The sequence has no slot afterwards, and its last update is sent when
  // it is destroyed.
  absl::Status takeMemory(Sequence &S);
  void leaveQueue(Sequence &S);
  absl::Status endRequest(uint64_t Id, Finish Reason,
                          const absl::Status &Error);
  void deliver(Sequence &S);

  const EngineOptions Options;
  Abilities Plan;
  const int64_t DoublingContext; ///< of StepBounds
  std::unique_ptr<LanguageModel> Model;
  RuleRows Rows;
  SequenceMemory Memory;
  StepCalls Calls;
  Sequences Running, Waiting;
  /// Without anything to compute; they end in the next step.
  std::vector<std::unique_ptr<Sequence>> Empty;
  int64_t Dequeued = 0;
  EngineStats Counts; ///< those that only grow
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_SCHEDULER_H
