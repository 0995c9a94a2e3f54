//===- RandomSchedules.cpp - requests in any order, compared --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/engine/RandomSchedules.h"

#include "runtime/engine/EngineLoop.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <random>
#include <thread>

using namespace m1;
using namespace m1::test;

namespace {
/// The same numbers everywhere, unlike the distributions of <random>.
class Random {
public:
  explicit Random(uint64_t Seed) : Engine(Seed) {}
  /// 0 <= result < Bound
  int64_t below(int64_t Bound) {
    return static_cast<int64_t>(Engine() % static_cast<uint64_t>(Bound));
  }
  int64_t between(int64_t First, int64_t Last) {
    return First + below(Last - First + 1);
  }
  bool chance(int64_t OneOf) { return below(OneOf) == 0; }
  template <typename T> T any(std::initializer_list<T> Of) {
    return Of.begin()[below(static_cast<int64_t>(Of.size()))];
  }
  uint64_t bits() { return Engine(); }

private:
  std::mt19937_64 Engine;
};

uint64_t mix(uint64_t Value) {
  Value = (Value ^ (Value >> 30)) * 0xbf58476d1ce4e5b9;
  Value = (Value ^ (Value >> 27)) * 0x94d049bb133111eb;
  return Value ^ (Value >> 31);
}

/// Masks that follow from a number and the tokens of a choice alone: about half
/// of all tokens, all, one, and, rarely, none, an end or an error. A call too
/// many, or with other tokens, changes all that follow.
MaskFunction masksOf(uint64_t Number) {
  auto States = std::make_shared<std::map<int32_t, uint64_t>>();
  return [Number, States](int32_t Choice, std::span<const int64_t> New,
                          std::span<uint32_t> Words) -> absl::StatusOr<Permit> {
    uint64_t &State = States->try_emplace(Choice, Number).first->second;
    for (int64_t Token : New)
      State = mix(State + static_cast<uint64_t>(Token));
    State = mix(State + 1);
    const uint64_t Kind = State % 1000;
    if (Kind < 200)
      return Permit::Any;
    if (Kind < 210)
      return Permit::End;
    if (Kind < 220)
      return makeError("mask ", State);
    for (size_t I = 0; I < Words.size(); ++I)
      Words[I] = Kind < 270 ? 0 : static_cast<uint32_t>(mix(State + I));
    if (Kind >= 225 && Kind < 270)
      Words[0] = uint32_t(1) << (State / 4096 % 16);
    return Permit::Listed;
  };
}

/// What came of a choice.
struct Outcome {
  std::vector<int64_t> Tokens;
  std::vector<float> LogProbs, PromptLogProbs;
  std::vector<TopTokens> Top, PromptTop;
  std::optional<Finish> End;
  std::optional<int64_t> StopToken;
  std::string Error;
  int64_t Cached = 0, Ends = 0;

  void take(Update &&News) {
    auto append = [](auto &To, const auto &From) {
      To.insert(To.end(), From.begin(), From.end());
    };
    append(Tokens, News.Tokens);
    append(LogProbs, News.LogProbs);
    append(Top, News.Top);
    append(PromptLogProbs, News.PromptLogProbs);
    append(PromptTop, News.PromptTop);
    Cached = News.CachedTokens;
    if (News.FinishReason) {
      ++Ends;
      End = News.FinishReason;
      StopToken = News.StopToken;
      Error = std::string(News.Error.message());
    }
  }
};

template <typename T>
bool isSame(const std::vector<T> &A, const std::vector<T> &B, size_t Count) {
  if (A.size() < Count || B.size() < Count)
    return false;
  for (size_t I = 0; I < Count; ++I)
    if constexpr (std::is_same_v<T, float>) {
      if (std::bit_cast<uint32_t>(A[I]) != std::bit_cast<uint32_t>(B[I]))
        return false;
    } else if constexpr (std::is_same_v<T, TopTokens>) {
      if (A[I].Ids != B[I].Ids || A[I].LogProbs != B[I].LogProbs)
        return false;
    } else if (A[I] != B[I]) {
      return false;
    }
  return true;
}

/// What differs, or null.
const char *difference(const Outcome &Alone, const Outcome &Found) {
  if (Found.Ends != 1)
    return "a number of ends other than 1";
  // Aborted: what there is must be a beginning.
  const bool IsWhole = Found.End != Finish::Abort;
  auto differs = [&](const auto &A, const auto &B) {
    return IsWhole ? A.size() != B.size() || !isSame(A, B, A.size())
                   : B.size() > A.size() || !isSame(A, B, B.size());
  };
  if (differs(Alone.Tokens, Found.Tokens))
    return "other tokens";
  if (differs(Alone.LogProbs, Found.LogProbs))
    return "other log-probabilities";
  if (differs(Alone.Top, Found.Top))
    return "other most probable tokens";
  if (differs(Alone.PromptLogProbs, Found.PromptLogProbs))
    return "other log-probabilities of the prompt";
  if (differs(Alone.PromptTop, Found.PromptTop))
    return "other most probable tokens of the prompt";
  if (IsWhole && (Alone.End != Found.End || Alone.StopToken != Found.StopToken))
    return "another end";
  if (IsWhole && Alone.Error != Found.Error)
    return "another error";
  return nullptr;
}

/// A request, and its choices computed alone.
struct Known {
  Request Given;
  uint64_t Masks = 0; ///< 0: none

  /// For another time.
  Request again() const {
    Request R = Given;
    if (Masks != 0)
      R.NextMask = masksOf(Masks);
    return R;
  }

  std::vector<Outcome> Alone;
};

class Requests {
public:
  Requests(Random &Rng, const ScheduleSettings &Settings, const Abilities &Plan)
      : Rng(Rng), Settings(Settings), Plan(Plan) {
    for (auto &Stem : Stems)
      Stem = tokens(Settings.LongestPrompt);
  }

  /// A request whose prompt begins like those of others, and often near the end
  /// of a chunk.
  Request make(const std::vector<Known> &Earlier, bool &IsSecondTurn) {
    Request R;
    IsSecondTurn = !Earlier.empty() && Rng.chance(4);
    if (IsSecondTurn) {
      const Known &Before =
          Earlier[Rng.below(static_cast<int64_t>(Earlier.size()))];
      R.Prompt = Before.Given.Prompt;
      const std::vector<int64_t> &Response = Before.Alone[0].Tokens;
      R.Prompt.insert(R.Prompt.end(), Response.begin(), Response.end());
    } else {
      const std::vector<int64_t> &Stem = Stems[Rng.below(std::size(Stems))];
      const int64_t Length =
          std::min(Rng.any<int64_t>({1, 2, 5, 17, 62, 63, 64, 65, 66, 127, 128,
                                     129, Rng.between(1, Stem.size())}),
                   Settings.LongestPrompt);
      R.Prompt.assign(Stem.begin(), Stem.begin() + Length);
    }
    if (IsSecondTurn || Rng.chance(2)) {
      const std::vector<int64_t> Tail = tokens(Rng.between(1, 20));
      R.Prompt.insert(R.Prompt.end(), Tail.begin(), Tail.end());
    }
    if (static_cast<int64_t>(R.Prompt.size()) > Plan.MaxLength)
      R.Prompt.resize(Plan.MaxLength);
    R.N = Rng.chance(4) ? static_cast<int32_t>(Rng.between(2, 4)) : 1;
    R.MaxTokens = Rng.chance(20) ? 0 : Rng.between(1, Settings.LongestResponse);
    R.StopTokens = tokens(Rng.below(3));
    R.IgnoreStop = Rng.chance(4);
    R.Seed = Rng.bits();
    R.TopLogProbs = Rng.any({-1, 0, 0, 3});
    R.PromptLogProbs = Rng.any({-1, -1, -1, -1, 0, 2});
    if (!Plan.Score)
      R.PromptLogProbs = -1;
    else if (!Plan.Logits)
      R.PromptLogProbs = std::min(R.PromptLogProbs, 0);
    R.PolicyLogProbs = Plan.Policy && Rng.chance(3);
    R.UsePrefixCache = !Rng.chance(10);
    if (Rng.chance(10)) {
      R.EarlyStopCount = 2;
      R.EarlyStopProbability = 0.2;
    }
    R.Sampling.Temperature = Rng.any({0.0F, 0.7F, 1.0F, 1.0F, 1.5F});
    R.Sampling.TopP = Rng.any({1.0F, 1.0F, 0.9F});
    R.Sampling.TopK = Rng.any({0, 0, 5});
    if (Plan.Serving)
      addRules(R);
    return R;
  }

  std::vector<int64_t> tokens(int64_t Count) {
    std::vector<int64_t> Result(Count);
    for (int64_t &Token : Result)
      Token = Rng.below(Plan.Vocabulary);
    return Result;
  }

private:
  void addRules(Request &R) {
    Rules &How = R.Sampling;
    if (Rng.chance(3))
      How.MinP = 0.05F;
    if (Rng.chance(4))
      How.RepetitionPenalty = Rng.any({0.8F, 1.3F});
    if (Rng.chance(4))
      How.PresencePenalty = Rng.any({-0.5F, 0.7F});
    if (Rng.chance(4))
      How.FrequencyPenalty = 0.4F;
    if (Rng.chance(4)) {
      const int64_t Token = Rng.below(Plan.Vocabulary - 1);
      How.LogitBias = {{Token, Rng.any({-INFINITY, -2.0F, 3.0F})},
                       {Token + 1, 1.0F}};
    }
    if (Rng.chance(6))
      for (int64_t Token = 0; Token < Plan.Vocabulary; Token += 3)
        How.AllowedTokens.push_back(Token);
    if (Rng.chance(4))
      R.MinTokens = std::min<int64_t>(R.MaxTokens, Rng.between(1, 8));
    if (Rng.chance(5)) {
      R.Force.AfterTokens = Rng.below(6);
      R.Force.Tokens = tokens(Rng.between(1, 3));
    }
  }

  Random &Rng;
  const ScheduleSettings &Settings;
  const Abilities &Plan;
  std::vector<int64_t> Stems[2];
};

/// A request in a schedule.
struct Planned {
  const Known *Of;
  int64_t Arrival, Abort; ///< steps; Abort < 0: never
  int32_t Priority;
  uint64_t Id = 0;
  std::vector<Outcome> Found;
};

class ScheduleRunner {
public:
  ScheduleRunner(std::span<Executor *const> Programs,
                 const ScheduleSettings &Settings)
      : Programs(Programs), Settings(Settings), Rng(Settings.Seed) {}

  absl::StatusOr<ScheduleReport> run() {
    EngineOptions AloneOptions;
    AloneOptions.MaxRunning = 1;
    AloneOptions.PrefixCacheBytes = 0;
    M1_ASSIGN_OR_RETURN(Alone, Scheduler::create(*Programs[0], AloneOptions));
    // Schedules with fewer blocks have the same bound on lengths.
    Requests Maker(Rng, Settings, Alone->abilities());
    for (; Report.Schedules < Settings.Count; ++Report.Schedules) {
      if (Report.Schedules % Settings.SchedulesPerPool == 0)
        M1_RETURN_IF_ERROR(makePool(Maker));
      M1_RETURN_IF_ERROR(runSchedule());
    }
    return std::move(Report);
  }

private:
  absl::Status makePool(Requests &Maker) {
    Pool.clear();
    Pool.reserve(Settings.RequestsPerPool);
    NeededLength = 1;
    while (static_cast<int64_t>(Pool.size()) < Settings.RequestsPerPool) {
      Known K;
      bool IsSecondTurn = false;
      K.Given = Maker.make(Pool, IsSecondTurn);
      if (Alone->abilities().Serving && Rng.chance(3))
        K.Masks = Rng.bits();
      // Rules may leave nothing to draw.
      if (!checkRequest(K.Given, Alone->abilities()).ok())
        continue;
      Report.SecondTurns += IsSecondTurn;
      for (int32_t I = 0; I < K.Given.N; ++I) {
        Request One = K.again();
        One.N = 1;
        One.Seed = *K.Given.Seed + I;
        One.UsePrefixCache = false;
        if (I > 0)
          One.PromptLogProbs = -1;
        K.Alone.emplace_back();
        Alone->add(++LastAlone, std::move(One), [&K](Update &&News) {
          K.Alone.back().take(std::move(News));
        });
        while (!Alone->isIdle()) {
          Alone->askForMasks();
          M1_RETURN_IF_ERROR(Alone->step());
        }
        Report.Masked += K.Masks != 0;
        Report.EndedByMask += K.Masks != 0 && !K.Alone.back().StopToken &&
                              K.Alone.back().End == Finish::Stop;
      }
      NeededLength =
          std::max(NeededLength, static_cast<int64_t>(K.Given.Prompt.size()) +
                                     K.Given.MaxTokens);
      Pool.push_back(std::move(K));
    }
    return absl::OkStatus();
  }

  EngineOptions chooseOptions(Executor &Program) {
    const EngineOptions &Most = Alone->options();
    EngineOptions O;
    O.MaxRunning = Rng.between(1, Program.plan()->model()->slots());
    O.MaxTokensPerStep = std::max(
        O.MaxRunning, std::min(Rng.any<int64_t>({1, 7, 33, 64, 65, 200, 512}),
                               Most.MaxTokensPerStep));
    if (const int64_t P = Program.plan()->model()->block_positions(); P > 0) {
      const int64_t Needed = (NeededLength + P - 1) / P;
      if (Needed < Most.MaxBlocks)
        O.MaxBlocks =
            Rng.chance(2) ? Needed : Rng.between(Needed, Most.MaxBlocks);
    }
    const auto SlotBytes = static_cast<int64_t>(Program.slotBytes());
    O.PrefixCacheBytes = Rng.any<int64_t>(
        {0, 3 * (SlotBytes + 4096), int64_t(64) << 20, int64_t(64) << 20});
    O.SwapBytes = Rng.any<int64_t>(
        {0, 2 * SlotBytes + 6 * static_cast<int64_t>(Program.blockBytes()),
         int64_t(64) << 20});
    O.PoisonFreed = true;
    return O;
  }

  absl::Status runSchedule() {
    const bool HasRanks =
        !Settings.Ranks.empty() && Rng.chance(Settings.OneOnRanksOf);
    Report.OnRanks += HasRanks;
    Executor &Program = HasRanks ? *Settings.Ranks[0].Program
                                 : *Programs[Rng.below(Programs.size())];
    const EngineOptions Options = chooseOptions(Program);
    std::vector<Planned> Schedule(Rng.between(2, 12));
    const bool HasPriorities = Rng.chance(2);
    for (Planned &P : Schedule) {
      P.Of = &Pool[Rng.below(static_cast<int64_t>(Pool.size()))];
      P.Arrival = Rng.chance(2) ? 0 : Rng.below(40);
      P.Abort = Rng.chance(8) ? P.Arrival + Rng.below(30) : -1;
      P.Priority = HasPriorities ? static_cast<int32_t>(Rng.between(-1, 1)) : 0;
      P.Found.resize(P.Of->Given.N);
    }
    const bool IsThreaded = Rng.chance(6) || HasRanks;
    Report.Threaded += IsThreaded;
    EngineStats Stats;
    M1_ASSIGN_OR_RETURN(Stats, HasRanks ? runOnRanks(Options, Schedule)
                               : IsThreaded
                                   ? runThreaded(Program, Options, Schedule)
                                   : runSteps(Program, Options, Schedule));
    Report.Preemptions += Stats.Preemptions;
    if (Stats.Running + Stats.Waiting + Stats.Preempted + Stats.BlocksUsed +
            Stats.SwapBytes !=
        0)
      fail("memory is in use after the last request");
    for (const Planned &P : Schedule)
      compare(P);
    return absl::OkStatus();
  }

  void compare(const Planned &P) {
    for (size_t Choice = 0; Choice < P.Found.size(); ++Choice) {
      const Outcome &Found = P.Found[Choice];
      ++Report.Choices;
      Report.Tokens += static_cast<int64_t>(Found.Tokens.size());
      Report.Aborted += Found.End == Finish::Abort;
      Report.CacheHits += Found.Cached > 0;
      if (P.Abort < 0 && Found.End == Finish::Abort)
        fail("an abort of its own");
      if (const char *What = difference(P.Of->Alone[Choice], Found))
        fail(concat("request ", P.Of - Pool.data(), " of ",
                    P.Of->Given.Prompt.size(), " tokens, choice ", Choice, ": ",
                    What));
    }
  }

  void fail(const std::string &What) {
    Report.Failures.push_back(concat("seed ", Settings.Seed, ", schedule ",
                                     Report.Schedules, ": ", What));
  }

  /// In the order of the steps at which requests arrive.
  absl::StatusOr<EngineStats> runSteps(Executor &Program,
                                       const EngineOptions &Options,
                                       std::vector<Planned> &Schedule) {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> Steps,
                        Scheduler::create(Program, Options));
    uint64_t LastId = 0;
    for (int64_t Step = 0;; ++Step) {
      bool IsDone = true;
      for (Planned &P : Schedule) {
        IsDone &= P.Arrival <= Step;
        if (P.Arrival != Step)
          continue;
        P.Id = ++LastId;
        Request R = P.Of->again();
        R.Priority = P.Priority;
        Steps->add(P.Id, std::move(R), [&P](Update &&News) {
          P.Found[News.Choice].take(std::move(News));
        });
      }
      for (Planned &P : Schedule)
        if (P.Abort == Step)
          M1_RETURN_IF_ERROR(Steps->abort(P.Id));
      if (Steps->isIdle() && IsDone)
        return Steps->stats();
      Steps->askForMasks();
      M1_RETURN_IF_ERROR(Steps->step());
    }
  }

  absl::StatusOr<EngineStats> runThreaded(Executor &Program,
                                          const EngineOptions &Options,
                                          std::vector<Planned> &Schedule) {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Engine> TheEngine,
                        Engine::create(Program, Options));
    return submitAll(*TheEngine, Schedule);
  }

  /// Rank 0 has the requests, the others follow.
  absl::StatusOr<EngineStats> runOnRanks(const EngineOptions &Options,
                                         std::vector<Planned> &Schedule) {
    std::vector<absl::Status> Ends(Settings.Ranks.size());
    std::vector<std::thread> Threads;
    for (size_t Rank = 1; Rank < Ends.size(); ++Rank)
      Threads.emplace_back([&, Rank] {
        const ScheduleRank &Own = Settings.Ranks[Rank];
        Ends[Rank] = followEngine(*Own.Program, Options, *Own.Others);
        if (!Ends[Rank].ok())
          Own.Others->abort(Ends[Rank]);
      });
    const ScheduleRank &Root = Settings.Ranks[0];
    absl::StatusOr<EngineStats> Stats;
    absl::StatusOr<std::unique_ptr<EngineLoop>> Requests =
        EngineLoop::create(*Root.Program, Options, Root.Others);
    if (Requests.ok()) {
      Threads.emplace_back([&] { Ends[0] = (*Requests)->run(); });
      Stats = submitAll(**Requests, Schedule);
      (*Requests)->stop();
    } else {
      Ends[0] = Requests.status();
    }
    for (std::thread &Thread : Threads)
      Thread.join();
    for (const absl::Status &End : Ends)
      M1_RETURN_IF_ERROR(End);
    return Stats;
  }

  /// From three threads, beside the engine's.
  absl::StatusOr<EngineStats> submitAll(Engine &TheEngine,
                                        std::vector<Planned> &Schedule) {
    std::vector<std::thread> Threads;
    std::mutex Mutex;
    absl::Status Status;
    for (size_t First = 0; First < 3; ++First)
      Threads.emplace_back([&, First] {
        for (size_t I = First; I < Schedule.size(); I += 3) {
          Planned &P = Schedule[I];
          std::this_thread::sleep_for(std::chrono::microseconds(P.Arrival * 5));
          Request R = P.Of->again();
          R.Priority = P.Priority;
          absl::StatusOr<uint64_t> Id =
              TheEngine.submit(std::move(R), [&P](Update &&News) {
                P.Found[News.Choice].take(std::move(News));
              });
          if (Id.ok() && P.Abort >= 0)
            TheEngine.abort(*Id);
          std::lock_guard Lock(Mutex);
          Status.Update(Id.status());
        }
      });
    for (std::thread &Thread : Threads)
      Thread.join();
    TheEngine.drain();
    const EngineStats Stats = TheEngine.stats();
    M1_RETURN_IF_ERROR(Status);
    return Stats;
  }

  std::span<Executor *const> Programs;
  const ScheduleSettings Settings;
  Random Rng;
  std::unique_ptr<Scheduler> Alone;
  uint64_t LastAlone = 0;
  std::vector<Known> Pool;
  int64_t NeededLength = 1; ///< of the pool's sequences
  ScheduleReport Report;
};
} // namespace

absl::StatusOr<ScheduleReport>
test::runSchedules(std::span<Executor *const> Programs,
                   const ScheduleSettings &Settings) {
  return ScheduleRunner(Programs, Settings).run();
}
