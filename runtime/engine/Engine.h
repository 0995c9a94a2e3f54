//===- Engine.h - serves many requests at a time ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_ENGINE_H
#define M1C_RUNTIME_ENGINE_ENGINE_H

#include "runtime/engine/Request.h"
#include "runtime/session/Executor.h"

#include <memory>

namespace m1 {

struct EngineOptions {
  /// Tokens of a step, decoded ones and those of prompts together: a long
  /// prompt is computed in pieces beside the decoding of other sequences. At
  /// least MaxRunning. 0: 512, or the plan's bound if it is lower.
  int64_t MaxTokensPerStep = 0;
  /// Sequences, choices of requests, at a time. 0: the plan's slots, the most.
  int64_t MaxRunning = 0;
  /// Cache blocks to use. 0: all of the plan's, the most. A sequence that they
  /// have no room for is too long.
  int64_t MaxBlocks = 0;
  /// Sequences that wait for the first time; submit() fails beyond. >= 1
  int64_t MaxQueued = 1024;
  /// Host memory for snapshots of sequences' states at ends of chunks. The keys
  /// and values of cached prefixes stay in the plan's blocks, until others need
  /// them. 0: no prefix cache.
  int64_t PrefixCacheBytes = int64_t(256) << 20;
  /// Host memory for the states of sequences that gave way to others. What does
  /// not fit there is computed again, with the same result. 0: always.
  int64_t SwapBytes = int64_t(1) << 30;
  /// For tests: overwrites slots and blocks with NaN when they become free.
  bool PoisonFreed = false;
};

/// Counts since the engine was created, unless a field says otherwise.
struct EngineStats {
  // Now.
  int64_t Running = 0;   ///< sequences with a slot
  int64_t Waiting = 0;   ///< that wait for the first time
  int64_t Preempted = 0; ///< that gave way to others, and wait
  int64_t QueueBound = 0;
  int64_t BlocksUsed = 0; ///< by sequences; those that only the cache holds are
  int64_t BlocksCached = 0;  ///< here
  int64_t Blocks = 0;        ///< of the pool; 0 without block tables
  int64_t SnapshotBytes = 0; ///< of the prefix cache
  int64_t Snapshots = 0;
  int64_t SwapBytes = 0;    ///< of preempted sequences
  bool PrefixCache = false; ///< whether there is one

  int64_t Requests = 0;
  int64_t Finished = 0, Aborted = 0, Failed = 0; ///< choices of requests
  int64_t PromptTokens = 0; ///< computed or cached, of prompts
  int64_t GeneratedTokens = 0;
  int64_t ComputedTokens = 0; ///< fed to the plan, recomputed ones included
  int64_t Preemptions = 0;
  int64_t CacheLookupTokens = 0, CacheHitTokens = 0; ///< of prompts
  int64_t Steps = 0;
  int64_t Dequeued = 0; ///< sequences that have left the queue: see Waiting
  double SecondsInCalls = 0; ///< in the plan's functions
  double SecondsInSteps = 0; ///< in all of a step, calls and callbacks included
  double SecondsInMasks = 0; ///< before steps, in Request::NextMask
};

/// Executes requests on a language model's plan, many at a time: token ids in,
/// token ids out. One thread owns the executor; all functions may be called on
/// any thread.
///
/// The result of a request depends on the plan, the weights and the request
/// alone: tokens and log-probabilities are the same bits whatever else runs,
/// however the prompt was cut, cached or not, preempted or not, and for any
/// number of ranks. docs/engine.md describes scheduling and memory.
class Engine {
public:
  /// An engine with a thread of its own. Nothing else may use the executor
  /// until the engine has been destroyed. An error if the plan is not a
  /// language model's with the function `next`, if it needs several ranks (see
  /// EngineLoop.h), or if an option is out of range.
  static absl::StatusOr<std::unique_ptr<Engine>>
  create(Executor &Program, const EngineOptions &Options = {});
  /// As stop().
  virtual ~Engine();

  /// Accepts a request and returns its number. Errors: "invalid argument" if it
  /// is not well-formed or could never be executed; "resource exhausted" if the
  /// queue is full; "unavailable" after drain() or stop(); after a failure of
  /// the device or of a rank, that error. `OnUpdate` is called until each
  /// choice has an update with a FinishReason, and not after an error. The
  /// first call may precede the return.
  virtual absl::StatusOr<uint64_t> submit(Request Given,
                                          UpdateFunction OnUpdate) = 0;

  /// Ends all choices of a request at the next step, with Abort and without
  /// further tokens. No effect if it has ended, or is not known.
  virtual void abort(uint64_t Id) = 0;

  /// Accepts no more requests, and returns when all have ended. Not to be
  /// called by an UpdateFunction; nor is stop().
  virtual void drain() = 0;
  /// Accepts no more requests, aborts all, and returns when all have ended.
  virtual void stop() = 0;

  /// At the end of the last step.
  virtual EngineStats stats() const = 0;
  /// The error after which no request runs any more: of the device, or of a
  /// rank.
  virtual absl::Status failure() const = 0;

  /// What requests are checked against.
  virtual const Abilities &abilities() const = 0;
  /// The most tokens of a sequence, prompt and response together.
  int64_t maxLength() const { return abilities().MaxLength; }
  /// The options with their defaults resolved.
  virtual const EngineOptions &options() const = 0;
};

/// An error unless there is room for the choices of a request beside the
/// `Queued` sequences that wait: "resource exhausted", or "invalid argument" if
/// there never is.
absl::Status checkQueue(const Request &Given, int64_t Queued, int64_t Bound);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_ENGINE_H
