//===- Scheduler.cpp - requests, step by step -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Scheduler.h"

#include "runtime/support/Stopwatch.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace m1;

absl::Status Scheduler::step() {
  const Stopwatch Watch;
  M1_RETURN_IF_ERROR(growRunning());
  M1_RETURN_IF_ERROR(admit());
  M1_RETURN_IF_ERROR(forkLeaders());
  checkMasks();
  M1_RETURN_IF_ERROR(computePieces());
  ++Counts.Steps;
  absl::Status Status = report();
  Counts.SecondsInSteps += Watch.seconds();
  return Status;
}

void Scheduler::add(uint64_t Id, Request Given, UpdateFunction OnUpdate,
                    Times::Point Arrival) {
  auto Of = std::make_shared<Group>();
  Of->Id = Id;
  Of->Given = std::move(Given);
  Of->OnUpdate = std::move(OnUpdate);
  Of->Arrival = Arrival;
  const Request &R = Of->Given;
  if (R.Seed) {
    Of->Seed = *R.Seed;
  } else {
    std::random_device Device;
    Of->Seed = static_cast<uint64_t>(Device()) << 32 | Device();
  }
  const auto Length = static_cast<int64_t>(R.Prompt.size());
  const int64_t Limit = Length + std::min(R.MaxTokens, Plan.MaxLength - Length);
  const bool Forks = R.N > 1 && Limit > Length && Memory.canCopy();
  Of->IsForked = !Forks;
  Of->Unforked = Forks ? R.N - 1 : 0;
  Of->Open = R.N;
  ++Counts.Requests;
  for (int32_t Choice = 0; Choice < R.N; ++Choice) {
    auto S = std::make_unique<Sequence>(Of);
    S->Choice = Choice;
    S->Tokens = R.Prompt;
    S->Limit = Limit;
    S->WaitsForFork = Forks && Choice > 0;
    S->When.Arrival = Arrival;
    if (!S->draws() && !(S->scores() && Length > 1))
      Empty.push_back(std::move(S));
    else
      Waiting.emplace(keyOf(*S), std::move(S));
  }
}

/// Makes room for the tokens that the last step drew. If there is none, the
/// last sequence in the order gives way; the first one always has room.
absl::Status Scheduler::growRunning() {
  for (auto I = Running.begin(); I != Running.end();) {
    Sequence &S = *I->second;
    bool HasRoom = Memory.grow(S);
    bool IsGone = false;
    while (!HasRoom && !IsGone) {
      if (!dropAnOrigin()) {
        Sequence &Last = *Running.rbegin()->second;
        IsGone = &Last == &S;
        M1_RETURN_IF_ERROR(preempt(Last));
      }
      HasRoom = !IsGone && Memory.grow(S);
    }
    if (IsGone)
      break; // it was the last one
    ++I;
  }
  return absl::OkStatus();
}

/// Starts sequences that wait, in order, until one has no room.
absl::Status Scheduler::admit() {
  for (auto I = Waiting.begin(); I != Waiting.end();) {
    Sequence &S = *I->second;
    if (S.WaitsForFork && !S.HasStarted && !S.Of->IsForked &&
        !leaderAtFork(S)) {
      ++I;
      continue;
    }
    M1_ASSIGN_OR_RETURN(const bool HasStarted, start(S));
    if (!HasStarted)
      break;
    leaveQueue(S);
    if (RuleRow::isNeededBy(S.request()))
      S.Row = std::make_unique<RuleRow>(
          Rows, S.request(), std::span(S.Tokens).subspan(S.promptTokens()));
    if (S.MaskedAt >= 0)
      S.Row->mask(S.Next.What, S.Next.Words);
    Running.insert(Waiting.extract(I++));
  }
  return absl::OkStatus();
}

/// Running sequences of a lower priority give way.
absl::StatusOr<bool> Scheduler::start(Sequence &S) {
  for (;;) {
    if (Memory.hasFreeSlot()) {
      // Each of those that run will soon need another block.
      const auto Spare = static_cast<int64_t>(Running.size());
      M1_ASSIGN_OR_RETURN(const bool HasStarted, tryToStart(S, Spare));
      if (HasStarted)
        return true;
      if (Running.empty()) {
        if (dropAnOrigin())
          continue;
        return absl::InternalError("a sequence has no room although no other "
                                   "runs");
      }
    }
    Sequence &Last = *Running.rbegin()->second;
    if (Last.request().Priority <= S.request().Priority)
      return false;
    M1_RETURN_IF_ERROR(preempt(Last));
  }
}

absl::StatusOr<bool> Scheduler::tryToStart(Sequence &S, int64_t Spare) {
  Group &Of = *S.Of;
  if (!S.WaitsForFork || S.HasStarted)
    return Memory.start(S, Spare);
  S.CachedTokens = Of.CachedTokens;
  if (const Sequence *Leader = leaderAtFork(S))
    return Memory.startAs(*Leader, S, Spare);
  return Of.Origin ? Memory.startFromOrigin(S, Spare) : Memory.start(S, Spare);
}

/// Choice 0 of the request if it has computed the prompt but for its last token
/// and others can copy its state.
const Sequence *Scheduler::leaderAtFork(const Sequence &S) const {
  if (S.Of->IsForked)
    return nullptr;
  auto Found = Running.find({S.request().Priority, S.Of->Id, 0});
  return Found != Running.end() && Found->second->Fed == S.promptTokens() - 1
             ? Found->second.get()
             : nullptr;
}

/// Choices that could not start beside choice 0 do so later from a copy of its
/// state. If there is no room for one, they compute the prompt again.
absl::Status Scheduler::forkLeaders() {
  for (auto &[Key, S] : Running) {
    if (!S->leads() || S->Fed != S->promptTokens() - 1)
      continue;
    S->Of->IsForked = true;
    if (S->Of->Unforked > 0)
      M1_RETURN_IF_ERROR(Memory.keepOrigin(*S));
  }
  return absl::OkStatus();
}

/// Of the last request in the order.
bool Scheduler::dropAnOrigin() {
  for (auto I = Waiting.rbegin(); I != Waiting.rend(); ++I)
    if (Group &Of = *I->second->Of; Of.Origin) {
      Memory.dropOrigin(Of);
      return true;
    }
  return false;
}

absl::Status Scheduler::preempt(Sequence &S) {
  M1_RETURN_IF_ERROR(Memory.save(S));
  S.Row.reset();
  ++Counts.Preemptions;
  Waiting.insert(Running.extract(keyOf(S)));
  return absl::OkStatus();
}

absl::Status Scheduler::computePieces() {
  // Some megabytes of logits at a time.
  constexpr int64_t PromptLogits = 128;
  std::vector<Piece> Pieces =
      planStep(Running, {Options.MaxTokensPerStep, PromptLogits,
                         Memory.chunkTokens(), DoublingContext});
  M1_RETURN_IF_ERROR(Calls.score(Pieces));
  M1_RETURN_IF_ERROR(Calls.draw(Pieces));
  for (Piece &P : Pieces) {
    if (!P.S->News.Error.ok())
      continue;
    M1_RETURN_IF_ERROR(keepPrefix(*P.S));
    if (P.Draws)
      takeToken(P);
  }
  return absl::OkStatus();
}

void Scheduler::takeToken(Piece &P) {
  Sequence &S = *P.S;
  const Request &R = S.request();
  S.Tokens.push_back(P.Token);
  S.News.Tokens.push_back(P.Token);
  if (R.TopLogProbs >= 0)
    S.News.LogProbs.push_back(P.LogProb);
  if (R.TopLogProbs > 0)
    S.News.Top.push_back(std::move(P.Top));
  if (S.Row)
    S.Row->append(P.Token);
  S.Closing.append(P.Token);
  const bool Confident =
      std::exp(static_cast<double>(P.LogProb)) > R.EarlyStopProbability;
  S.ConfidentRun = Confident ? S.ConfidentRun + 1 : 0;
  S.When.LastToken = std::chrono::steady_clock::now();
  if (!S.When.FirstToken)
    S.When.FirstToken = S.When.LastToken;
  ++Counts.GeneratedTokens;
}

/// Keeps a state for others at the end of the prompt, where others would have
/// wanted one, and at some places in between.
absl::Status Scheduler::keepPrefix(Sequence &S) {
  if (!Memory.hasPrefixCache() || !S.request().UsePrefixCache)
    return absl::OkStatus();
  const int64_t Chunk = Memory.chunkTokens();
  const int64_t End = S.Fed / Chunk * Chunk;
  if (End <= S.LastKept || End > S.promptTokens())
    return absl::OkStatus();
  const bool IsWanted =
      std::find(S.Wanted.begin(), S.Wanted.end(), End) != S.Wanted.end();
  const bool EndsPrompt = S.Fed >= S.promptTokens();
  if (IsWanted || EndsPrompt || End - S.LastKept >= Memory.prefixSpacing(S))
    return Memory.keepPrefix(S);
  return absl::OkStatus();
}

std::optional<Finish> Scheduler::finishOf(Sequence &S) {
  const Request &R = S.request();
  if (!S.News.Error.ok())
    return Finish::Error;
  if (!S.draws())
    return S.Fed >= S.promptTokens() - 1 ? std::optional(Finish::Length)
                                         : std::nullopt;
  if (S.endsByMask())
    return Finish::Stop;
  if (S.newTokens() == 0)
    return std::nullopt;
  const int64_t Last = S.Tokens.back();
  if (!R.IgnoreStop && std::find(R.StopTokens.begin(), R.StopTokens.end(),
                                 Last) != R.StopTokens.end()) {
    S.News.StopToken = Last;
    return Finish::Stop;
  }
  if (S.size() >= S.Limit)
    return Finish::Length;
  if (R.EarlyStopCount > 0 && S.ConfidentRun >= R.EarlyStopCount)
    return Finish::Stop;
  return std::nullopt;
}

/// Sends the updates of the step, and ends what is complete.
absl::Status Scheduler::report() {
  std::vector<std::unique_ptr<Sequence>> Ended = std::move(Empty);
  Empty.clear();
  for (auto &S : Ended) {
    S->News.FinishReason = Finish::Length;
    leaveQueue(*S);
  }
  std::vector<std::pair<uint64_t, absl::Status>> Failed;
  for (auto I = Running.begin(); I != Running.end();) {
    Sequence &S = *I->second;
    const bool EndsByMask = S.endsByMask() && S.pending() == 1 && !S.leads();
    if (EndsByMask)
      S.News.Error.Update(S.Next.Error);
    if (S.News.Tokens.empty() && S.draws() && S.News.Error.ok() &&
        !EndsByMask) {
      ++I;
      continue;
    }
    S.News.FinishReason = finishOf(S);
    if (!S.News.FinishReason) {
      if (!S.News.Tokens.empty())
        deliver(S);
      ++I;
      continue;
    }
    // A choice may go on from where this one ended.
    if (S.News.Error.ok() && Memory.hasPrefixCache() &&
        S.Fed / Memory.chunkTokens() * Memory.chunkTokens() > S.LastKept)
      M1_RETURN_IF_ERROR(Memory.keepPrefix(S));
    if (!S.News.Error.ok() && S.leads())
      Failed.emplace_back(S.Of->Id, S.News.Error);
    M1_RETURN_IF_ERROR(takeMemory(S));
    Ended.push_back(std::move(I->second));
    I = Running.erase(I);
  }
  for (auto &S : Ended)
    deliver(*S);
  for (auto &[Id, Error] : Failed)
    M1_RETURN_IF_ERROR(endRequest(Id, Finish::Error, Error));
  return absl::OkStatus();
}

/// A sequence starts for the first time, or ends before.
void Scheduler::leaveQueue(Sequence &S) {
  if (S.HasStarted)
    return;
  S.HasStarted = true;
  ++Dequeued;
  if (S.Slot >= 0) {
    S.When.FirstScheduled = std::chrono::steady_clock::now();
    Counts.PromptTokens += S.promptTokens();
  }
  if (S.WaitsForFork && --S.Of->Unforked == 0)
    Memory.dropOrigin(*S.Of);
}

absl::Status Scheduler::takeMemory(Sequence &S) {
  leaveQueue(S);
  S.Row.reset();
  Memory.forget(S);
  return S.Slot >= 0 ? Memory.release(S) : absl::OkStatus();
}

absl::Status Scheduler::endRequest(uint64_t Id, Finish Reason,
                                   const absl::Status &Error) {
  absl::Status Status;
  std::vector<std::unique_ptr<Sequence>> Ended;
  for (Sequences *From : {&Running, &Waiting})
    for (auto I = From->begin(); I != From->end();) {
      if (I->second->Of->Id != Id) {
        ++I;
        continue;
      }
      Status.Update(takeMemory(*I->second));
      Ended.push_back(std::move(I->second));
      I = From->erase(I);
    }
  for (auto I = Empty.begin(); I != Empty.end();) {
    if ((*I)->Of->Id != Id) {
      ++I;
      continue;
    }
    leaveQueue(**I);
    Ended.push_back(std::move(*I));
    I = Empty.erase(I);
  }
  for (auto &S : Ended) {
    S->News = Update();
    S->News.FinishReason = Reason;
    S->News.Error = Error;
    deliver(*S);
  }
  return Status;
}

absl::Status Scheduler::abort(uint64_t Id) {
  return endRequest(Id, Finish::Abort, {});
}

void Scheduler::endAll(Finish Reason, const absl::Status &Error) {
  std::vector<uint64_t> Ids;
  for (const Sequences *From : {&Running, &Waiting})
    for (const auto &[Key, S] : *From)
      Ids.push_back(S->Of->Id);
  for (const auto &S : Empty)
    Ids.push_back(S->Of->Id);
  std::sort(Ids.begin(), Ids.end());
  Ids.erase(std::unique(Ids.begin(), Ids.end()), Ids.end());
  // What the device says about it no longer matters.
  for (uint64_t Id : Ids)
    endRequest(Id, Reason, Error).IgnoreError();
}

/// Sends the news of a sequence.
void Scheduler::deliver(Sequence &S) {
  Update News = std::move(S.News);
  S.News = Update();
  Group &Of = *S.Of;
  News.Id = Of.Id;
  News.Choice = S.Choice;
  News.CachedTokens = S.CachedTokens;
  News.When = S.When;
  if (S.scores() && News.FinishReason != Finish::Abort &&
      News.FinishReason != Finish::Error) {
    News.PromptLogProbs = std::move(Of.PromptLogProbs);
    News.PromptTop = std::move(Of.PromptTop);
    Of.PromptLogProbs.clear();
    Of.PromptTop.clear();
  }
  if (News.FinishReason) {
    --Of.Open;
    ++(*News.FinishReason == Finish::Abort   ? Counts.Aborted
       : *News.FinishReason == Finish::Error ? Counts.Failed
                                             : Counts.Finished);
  }
  if (Of.OnUpdate)
    Of.OnUpdate(std::move(News));
}

EngineStats Scheduler::stats() const {
  EngineStats Stats = Counts;
  Memory.addStats(Stats);
  Stats.Running = static_cast<int64_t>(Running.size());
  for (const auto &[Key, S] : Waiting)
    ++(S->HasStarted ? Stats.Preempted : Stats.Waiting);
  Stats.Waiting += static_cast<int64_t>(Empty.size());
  Stats.QueueBound = Options.MaxQueued;
  Stats.Dequeued = Dequeued;
  Stats.ComputedTokens = Calls.tokens();
  Stats.SecondsInCalls = Calls.seconds();
  return Stats;
}
