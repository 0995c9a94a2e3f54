//===- EngineLoop.h - an engine on the caller's thread ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_ENGINELOOP_H
#define M1C_RUNTIME_ENGINE_ENGINELOOP_H

#include "runtime/comm/Transport.h"
#include "runtime/engine/Commands.h"
#include "runtime/engine/Engine.h"
#include "runtime/engine/Scheduler.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace m1 {

/// An engine whose requests are executed by whoever calls `run`: on rank 0 of a
/// job, or on the only rank. Before each step, it tells the other ranks what
/// has happened since the last one; they follow (followEngine) and make the
/// same calls. Requests, and news about them, are rank 0's only.
class EngineLoop final : public Engine {
public:
  /// As Engine::create, for the rank's executor. `Ranks`, null with one rank,
  /// is used by the thread that calls this and by the one that calls `run`; all
  /// ranks of the job call this or followEngine together. An error if they
  /// differ in what steps depend on; see also checkEngineMesh.
  static absl::StatusOr<std::unique_ptr<EngineLoop>>
  create(Executor &Program, const EngineOptions &Options,
         Transport *Ranks = nullptr);
  ~EngineLoop() override;

  /// Executes requests until stop() has been called. Called once. An error is
  /// that of the device, or of another rank; with several ranks, it is returned
  /// at once, otherwise when the engine is stopped. All requests have ended.
  /// `AfterStep` is called after the updates of each step.
  absl::Status
  run(const std::function<void(const EngineStats &)> &AfterStep = {});

  absl::StatusOr<uint64_t> submit(Request Given,
                                  UpdateFunction OnUpdate) override;
  void abort(uint64_t Id) override;
  void drain() override;
  void stop() override;
  EngineStats stats() const override;
  absl::Status failure() const override;
  const Abilities &abilities() const override { return Steps->abilities(); }
  const EngineOptions &options() const override { return Steps->options(); }

private:
  EngineLoop(std::unique_ptr<Scheduler> Steps, Transport *Ranks);
  StepCommands waitForCommands();
  absl::Status runRound(StepCommands Given);
  void finishStep(int64_t LeftQueue, const absl::Status &Status);
  absl::Status refuse() const;

  /// `run` only, but for what never changes.
  const std::unique_ptr<Scheduler> Steps;
  Transport *const Ranks;

  mutable std::mutex Mutex;
  std::condition_variable Wake;  ///< of `run`
  std::condition_variable Ended; ///< all requests have
  // What follows is guarded by `Mutex`.
  StepCommands Inbox;
  uint64_t LastId = 0;
  int64_t Queued = 0; ///< sequences that have not left the queue
  bool Refuses = false, IsIdle = true;
  bool IsOver = false; ///< `run` has returned
  absl::Status Failure;
  EngineStats Latest;
};

/// The part of any other rank than 0: follows rank 0 until it stops. An error
/// is that of the device, or of another rank. While rank 0 has nothing to do,
/// the rank waits without a time limit, and hardly uses its processor.
absl::Status followEngine(Executor &Program, const EngineOptions &Options,
                          Transport &Ranks);

/// An error if the mesh has the axis `data`: its coordinates have different
/// sequences, and an engine has all.
absl::Status checkEngineMesh(const LoadedPlan &Plan);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_ENGINELOOP_H
