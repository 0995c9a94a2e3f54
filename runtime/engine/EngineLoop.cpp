//===- EngineLoop.cpp - an engine on the caller's thread ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/EngineLoop.h"

#include "runtime/comm/StartCheck.h"
#include "runtime/engine/Wire.h"
#include "runtime/plan/Mesh.h"
#include "runtime/session/DataAxis.h"

#include <random>

using namespace m1;

namespace {
/// What steps depend on, beside the plan and the requests.
std::vector<StartFact> engineFacts(const Executor &Program,
                                   const EngineOptions &O) {
  auto number = [](auto Value) { return std::to_string(Value); };
  return {{"the engine's max_tokens_per_step", number(O.MaxTokensPerStep)},
          {"the engine's max_running", number(O.MaxRunning)},
          {"the engine's max_blocks", number(O.MaxBlocks)},
          {"the engine's prefix_cache_bytes", number(O.PrefixCacheBytes)},
          {"the engine's swap_bytes", number(O.SwapBytes)},
          {"the bytes of a slot", number(Program.slotBytes())},
          {"the bytes of a block", number(Program.blockBytes())}};
}

absl::StatusOr<std::unique_ptr<Scheduler>>
createScheduler(Executor &Program, const EngineOptions &Options,
                Transport *Ranks) {
  const LoadedPlan &Plan = Program.plan();
  const int Count = Ranks ? Ranks->size() : 1;
  M1_RETURN_IF_ERROR(checkRankCount(Plan, Count));
  M1_RETURN_IF_ERROR(checkEngineMesh(Plan));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> Steps,
                      Scheduler::create(Program, Options));
  if (Ranks)
    M1_RETURN_IF_ERROR(
        checkFacts(*Ranks, engineFacts(Program, Steps->options())));
  return Steps;
}

uint64_t randomSeed() {
  std::random_device Device;
  return static_cast<uint64_t>(Device()) << 32 | Device();
}
} // namespace

absl::Status m1::checkEngineMesh(const LoadedPlan &Plan) {
  if (dataPlace(*Plan, 0).Sequences.Step == 1)
    return absl::OkStatus();
  return makeError(Plan.name(), ": its mesh (", describeMesh(*Plan),
                   ") has the axis data, whose coordinates would have "
                   "different requests; compile it with the other axes only, "
                   "and start an engine for each copy of the model");
}

EngineLoop::EngineLoop(std::unique_ptr<Scheduler> Steps, Transport *Ranks)
    : Steps(std::move(Steps)), Ranks(Ranks), Latest(this->Steps->stats()) {}

EngineLoop::~EngineLoop() = default;

absl::StatusOr<std::unique_ptr<EngineLoop>>
EngineLoop::create(Executor &Program, const EngineOptions &Options,
                   Transport *Ranks) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> Steps,
                      createScheduler(Program, Options, Ranks));
  return std::unique_ptr<EngineLoop>(new EngineLoop(std::move(Steps), Ranks));
}

absl::Status
EngineLoop::run(const std::function<void(const EngineStats &)> &AfterStep) {
  absl::Status Status;
  for (;;) {
    StepCommands Given = waitForCommands();
    const bool Stops = Given.Stops;
    const int64_t Before = Steps->dequeued();
    const absl::Status Step = runRound(std::move(Given));
    Status.Update(Step);
    finishStep(Steps->dequeued() - Before, Step);
    if (AfterStep)
      AfterStep(Steps->stats());
    Ended.notify_all();
    if (Stops || (Ranks && !Status.ok()))
      break;
  }
  std::lock_guard Lock(Mutex);
  IsOver = true;
  Ended.notify_all();
  return Status;
}

StepCommands EngineLoop::waitForCommands() {
  std::unique_lock Lock(Mutex);
  Wake.wait(Lock, [&] {
    return Inbox.Stops || !Inbox.New.empty() || !Inbox.Aborted.empty() ||
           !Steps->isIdle();
  });
  IsIdle = false;
  StepCommands Given = std::move(Inbox);
  Inbox = {};
  Inbox.Stops = Given.Stops;
  return Given;
}

/// One round on all ranks.
absl::Status EngineLoop::runRound(StepCommands Given) {
  std::string Bytes;
  if (Ranks)
    Bytes = pack(Given);
  absl::Status Status = apply(*Steps, std::move(Given));
  StepMasks Masks;
  if (Status.ok())
    Steps->askForMasks(Ranks ? &Masks : nullptr);
  if (Ranks && Status.ok()) {
    Bytes += pack(Masks);
    Status = Ranks->broadcast(Bytes);
  }
  return runStep(*Steps, std::move(Status));
}

/// After a step, or instead of one that failed.
void EngineLoop::finishStep(int64_t LeftQueue, const absl::Status &Status) {
  std::vector<Submitted> Late;
  {
    std::lock_guard Lock(Mutex);
    Queued -= LeftQueue;
    Latest = Steps->stats();
    if (!Status.ok()) {
      if (Failure.ok())
        Failure = Status;
      Late.swap(Inbox.New);
    }
    IsIdle = Steps->isIdle() && Inbox.New.empty() && Late.empty();
  }
  if (Late.empty())
    return;
  // Accepted during the step that failed.
  for (Submitted &S : Late)
    Steps->add(S.Id, std::move(S.Given), std::move(S.OnUpdate), S.Arrival);
  Steps->endAll(Finish::Error, Status);
  std::lock_guard Lock(Mutex);
  Latest = Steps->stats();
  IsIdle = true;
}

absl::Status EngineLoop::refuse() const {
  if (!Failure.ok())
    return Failure;
  return Refuses ? absl::UnavailableError("the engine accepts no more requests")
                 : absl::OkStatus();
}

absl::StatusOr<uint64_t> EngineLoop::submit(Request Given,
                                            UpdateFunction OnUpdate) {
  {
    std::lock_guard Lock(Mutex);
    M1_RETURN_IF_ERROR(refuse());
  }
  M1_RETURN_IF_ERROR(checkRequest(Given, abilities()));
  if (!Given.Seed)
    Given.Seed = randomSeed();
  std::lock_guard Lock(Mutex);
  M1_RETURN_IF_ERROR(refuse());
  M1_RETURN_IF_ERROR(checkQueue(Given, Queued, options().MaxQueued));
  Queued += Given.N;
  IsIdle = false;
  Inbox.New.push_back({++LastId, std::move(Given), std::move(OnUpdate),
                       std::chrono::steady_clock::now()});
  Wake.notify_one();
  return LastId;
}

void EngineLoop::abort(uint64_t Id) {
  std::lock_guard Lock(Mutex);
  if (Id == 0 || Id > LastId || Inbox.Stops)
    return;
  Inbox.Aborted.push_back(Id);
  Wake.notify_one();
}

void EngineLoop::drain() {
  std::unique_lock Lock(Mutex);
  Refuses = true;
  Ended.wait(Lock, [&] { return IsIdle || IsOver; });
}

void EngineLoop::stop() {
  std::unique_lock Lock(Mutex);
  Refuses = Inbox.Stops = true;
  Wake.notify_one();
  Ended.wait(Lock, [&] { return IsOver; });
}

EngineStats EngineLoop::stats() const {
  std::lock_guard Lock(Mutex);
  return Latest;
}

absl::Status EngineLoop::failure() const {
  std::lock_guard Lock(Mutex);
  return Failure;
}

absl::Status m1::followEngine(Executor &Program, const EngineOptions &Options,
                              Transport &Ranks) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> Steps,
                      createScheduler(Program, Options, &Ranks));
  for (;;) {
    std::string Bytes;
    {
      // Rank 0 speaks when there is something to do.
      UnlimitedWait Wait(Ranks);
      M1_RETURN_IF_ERROR(Ranks.broadcast(Bytes));
    }
    M1_ASSIGN_OR_RETURN(Round Next, unpackRound(Bytes));
    const bool Stops = Next.Given.Stops;
    const absl::Status Applied = apply(*Steps, std::move(Next.Given));
    for (auto &[Key, Given] : Next.Masks)
      Steps->setMask(Key, std::move(Given));
    M1_RETURN_IF_ERROR(runStep(*Steps, Applied));
    if (Stops)
      return absl::OkStatus();
  }
}
