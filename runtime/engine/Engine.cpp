//===- Engine.cpp - serves many requests at a time ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Engine.h"

#include "runtime/engine/Scheduler.h"

#include <cfenv>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace m1;

struct Engine::State {
  struct Submitted {
    uint64_t Id;
    Request Given;
    UpdateFunction OnUpdate;
    Times::Point Arrival;
  };

  explicit State(std::unique_ptr<Scheduler> Steps)
      : Steps(std::move(Steps)), Latest(this->Steps->stats()) {}

  void run();
  absl::Status takeIn(std::vector<Submitted> New,
                      const std::vector<uint64_t> &Aborts, bool Stop);
  absl::Status refuse() const;

  /// The engine's thread only, but for what never changes.
  const std::unique_ptr<Scheduler> Steps;

  mutable std::mutex Mutex;
  std::condition_variable Wake;  ///< of the engine's thread
  std::condition_variable Ended; ///< all requests have
  // What follows is guarded by `Mutex`.
  std::vector<Submitted> Inbox;
  std::vector<uint64_t> Aborts;
  uint64_t LastId = 0;
  int64_t Queued = 0; ///< sequences that have not left the queue
  bool Refuses = false, Stopping = false, IsIdle = true;
  absl::Status Failure; ///< of the device
  EngineStats Latest;

  std::mutex Joining;
  std::thread Thread;
};

/// Until the engine is stopped.
void Engine::State::run() {
  // Threads inherit the floating-point environment, which libraries change.
  std::fesetenv(FE_DFL_ENV);
  for (;;) {
    std::vector<Submitted> New;
    std::vector<uint64_t> Aborted;
    bool Stop = false;
    {
      std::unique_lock Lock(Mutex);
      Wake.wait(Lock, [&] {
        return Stopping || !Inbox.empty() || !Aborts.empty() ||
               !Steps->isIdle();
      });
      New.swap(Inbox);
      Aborted.swap(Aborts);
      Stop = Stopping;
      IsIdle = false;
    }
    const int64_t Before = Steps->dequeued();
    const absl::Status Status = takeIn(std::move(New), Aborted, Stop);
    std::vector<Submitted> Late;
    {
      std::lock_guard Lock(Mutex);
      Queued -= Steps->dequeued() - Before;
      Latest = Steps->stats();
      if (!Status.ok()) {
        Failure = Status;
        Late.swap(Inbox);
      }
      IsIdle = Steps->isIdle() && Inbox.empty() && Late.empty();
    }
    if (!Late.empty()) {
      // Accepted during the step that failed.
      for (Submitted &S : Late)
        Steps->add(S.Id, std::move(S.Given), std::move(S.OnUpdate), S.Arrival);
      Steps->endAll(Finish::Error, Status);
      std::lock_guard Lock(Mutex);
      Latest = Steps->stats();
      IsIdle = true;
    }
    Ended.notify_all();
    if (Stop)
      return;
  }
}

/// One round of the thread. An error is the device's, and all requests have
/// ended with it.
absl::Status Engine::State::takeIn(std::vector<Submitted> New,
                                   const std::vector<uint64_t> &Aborted,
                                   bool Stop) {
  for (Submitted &S : New)
    Steps->add(S.Id, std::move(S.Given), std::move(S.OnUpdate), S.Arrival);
  absl::Status Status;
  for (uint64_t Id : Aborted)
    Status.Update(Steps->abort(Id));
  if (Stop) {
    Steps->endAll(Finish::Abort);
  } else if (Status.ok() && !Steps->isIdle()) {
    Steps->askForMasks();
    Status = Steps->step();
  }
  if (!Status.ok())
    Steps->endAll(Finish::Error, Status);
  return Status;
}

Engine::Engine(std::unique_ptr<State> S) : S(std::move(S)) {}

Engine::~Engine() { stop(); }

absl::StatusOr<std::unique_ptr<Engine>>
Engine::create(Executor &Program, const EngineOptions &Options) {
  if (length(Program.plan()->mesh()) > 0)
    return makeError(Program.plan().name(),
                     ": needs several ranks, the engine runs on one");
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> Steps,
                      Scheduler::create(Program, Options));
  auto S = std::make_unique<State>(std::move(Steps));
  State &Started = *S;
  std::unique_ptr<Engine> Result(new Engine(std::move(S)));
  Started.Thread = std::thread([&Started] { Started.run(); });
  return Result;
}

absl::Status Engine::State::refuse() const {
  if (!Failure.ok())
    return Failure;
  return Refuses ? absl::UnavailableError("the engine accepts no more requests")
                 : absl::OkStatus();
}

absl::StatusOr<uint64_t> Engine::submit(Request Given,
                                        UpdateFunction OnUpdate) {
  {
    std::lock_guard Lock(S->Mutex);
    M1_RETURN_IF_ERROR(S->refuse());
  }
  M1_RETURN_IF_ERROR(checkRequest(Given, abilities()));
  const int64_t Bound = options().MaxQueued;
  if (Given.N > Bound)
    return makeError("n: ", Given.N, ", the queue has room for ", Bound);
  std::lock_guard Lock(S->Mutex);
  M1_RETURN_IF_ERROR(S->refuse());
  if (S->Queued + Given.N > Bound)
    return absl::ResourceExhaustedError(concat("the queue is full: ", S->Queued,
                                               " sequences of at most ", Bound,
                                               " wait"));
  S->Queued += Given.N;
  S->IsIdle = false;
  S->Inbox.push_back({++S->LastId, std::move(Given), std::move(OnUpdate),
                      std::chrono::steady_clock::now()});
  S->Wake.notify_one();
  return S->LastId;
}

void Engine::abort(uint64_t Id) {
  std::lock_guard Lock(S->Mutex);
  if (Id == 0 || Id > S->LastId || S->Stopping)
    return;
  S->Aborts.push_back(Id);
  S->Wake.notify_one();
}

void Engine::drain() {
  std::unique_lock Lock(S->Mutex);
  S->Refuses = true;
  S->Ended.wait(Lock, [&] { return S->IsIdle; });
}

void Engine::stop() {
  {
    std::lock_guard Lock(S->Mutex);
    S->Refuses = S->Stopping = true;
    S->Wake.notify_one();
  }
  std::lock_guard Lock(S->Joining);
  if (S->Thread.joinable())
    S->Thread.join();
}

EngineStats Engine::stats() const {
  std::lock_guard Lock(S->Mutex);
  return S->Latest;
}

const Abilities &Engine::abilities() const { return S->Steps->abilities(); }
const EngineOptions &Engine::options() const { return S->Steps->options(); }
