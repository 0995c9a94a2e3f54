//===- EngineJob.cpp - the engine on a plan and its weights ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// schedules: random schedules of requests, compared with each request alone.
// bench: what the engine adds to the calls of a batch that decodes; what a
// cached prefix saves; and the time between tokens beside a long prompt.
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/InProcess.h"
#include "runtime/engine/Engine.h"
#include "runtime/plan/Mesh.h"
#include "runtime/session/LanguageModel.h"
#include "runtime/session/Session.h"
#include "runtime/support/Stopwatch.h"
#include "test/unit/engine/RandomSchedules.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <sys/resource.h>
#include <thread>

using namespace m1;
using namespace m1::test;

namespace {
struct Settings {
  std::string Plan, Weights, RanksPlan;
  std::vector<unsigned> Threads = {1};
  ScheduleSettings Schedules;
  int64_t Batch = 8, PromptLength = 64, NewTokens = 200, Repeat = 5;
  int64_t CacheBytes = int64_t(256) << 20;
  int64_t StepTokens = 0, Prefix = 0, LongPrompt = 0;
};

absl::StatusOr<std::unique_ptr<Session>> openWith(const Settings &S,
                                                  unsigned Threads) {
  SessionOptions Options;
  Options.Weights = S.Weights;
  Options.Device.Threads = Threads;
  return Session::open(S.Plan, Options);
}

/// Ranks that are threads of this process.
struct Job {
  std::vector<std::unique_ptr<Transport>> Transports;
  std::vector<std::unique_ptr<Session>> Sessions;
};

absl::StatusOr<Job> openRanks(const Settings &S) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(S.RanksPlan));
  const auto Count = static_cast<size_t>(rankCount(**Plan));
  Job Result;
  Result.Transports = createInProcessRanks(static_cast<int>(Count));
  std::vector<absl::StatusOr<std::unique_ptr<Session>>> Opened(Count);
  std::vector<std::thread> Threads;
  for (size_t Rank = 0; Rank < Count; ++Rank)
    Threads.emplace_back([&, Rank] {
      SessionOptions Options;
      Options.Weights = S.Weights;
      Options.Device.Threads = 1;
      Options.Ranks = Result.Transports[Rank].get();
      Opened[Rank] = Session::open(S.RanksPlan, Options);
      if (!Opened[Rank].ok())
        Options.Ranks->abort(Opened[Rank].status());
    });
  for (std::thread &Thread : Threads)
    Thread.join();
  for (auto &Each : Opened) {
    M1_RETURN_IF_ERROR(Each.status());
    Result.Sessions.push_back(std::move(*Each));
  }
  return Result;
}

absl::Status runSchedules(const Settings &S) {
  std::vector<std::unique_ptr<Session>> Sessions;
  std::vector<Executor *> Programs;
  for (unsigned Threads : S.Threads) {
    M1_ASSIGN_OR_RETURN(Sessions.emplace_back(), openWith(S, Threads));
    Programs.push_back(Sessions.back()->Program.get());
  }
  Job Ranks;
  ScheduleSettings Schedules = S.Schedules;
  if (!S.RanksPlan.empty()) {
    M1_ASSIGN_OR_RETURN(Ranks, openRanks(S));
    for (size_t I = 0; I < Ranks.Sessions.size(); ++I)
      Schedules.Ranks.push_back(
          {Ranks.Sessions[I]->Program.get(), Ranks.Transports[I].get()});
  }
  M1_ASSIGN_OR_RETURN(const ScheduleReport Report,
                      test::runSchedules(Programs, Schedules));
  for (const std::string &Failure : Report.Failures)
    std::printf("%s\n", Failure.c_str());
  auto print = [](const char *What, int64_t Count) {
    std::printf("%lld %s\n", static_cast<long long>(Count), What);
  };
  print("choices", Report.Choices);
  print("tokens", Report.Tokens);
  print("choices from cached prefixes", Report.CacheHits);
  print("second turns", Report.SecondTurns);
  print("preemptions", Report.Preemptions);
  print("aborted choices", Report.Aborted);
  print("schedules with several threads", Report.Threaded);
  print("schedules on ranks", Report.OnRanks);
  print("choices with masks", Report.Masked);
  std::printf("%lld schedules, %zu failures\n",
              static_cast<long long>(Report.Schedules), Report.Failures.size());
  return absl::OkStatus();
}

struct Usage {
  double Wall = 0, User = 0; ///< s
};
Usage now() {
  struct rusage R;
  ::getrusage(RUSAGE_SELF, &R);
  return {std::chrono::duration<double>(
              std::chrono::steady_clock::now().time_since_epoch())
              .count(),
          static_cast<double>(R.ru_utime.tv_sec) +
              1e-6 * static_cast<double>(R.ru_utime.tv_usec)};
}
Usage since(const Usage &Start) {
  const Usage End = now();
  return {End.Wall - Start.Wall, End.User - Start.User};
}

std::vector<int64_t> promptOf(int64_t Number, int64_t Length, int64_t V) {
  std::vector<int64_t> Tokens(Length);
  for (int64_t I = 0; I < Length; ++I)
    Tokens[I] = (7919 * (I + 1) * (Number + 1) + I * I) % V;
  return Tokens;
}

class Bench {
public:
  Bench(const Settings &S, Executor &Program, LanguageModel &Model)
      : S(S), Program(Program), Model(Model) {}

  /// The batch without an engine, as `m1run bench` runs it: what decoding
  /// takes.
  absl::StatusOr<Usage> decodeAlone() {
    RaggedBatch Given;
    Sampling How;
    std::vector<int32_t> Sampled(S.Batch);
    std::vector<float> LogProbs(S.Batch);
    std::vector<int64_t> Last(S.Batch);
    for (int64_t B = 0; B < S.Batch; ++B) {
      Given.clear();
      How.clear();
      Given.add(static_cast<int32_t>(B), 0,
                promptOf(B, S.PromptLength, Model.vocabulary()), blocksOf(B));
      How.add(0, 1, 0, 0, 0);
      M1_RETURN_IF_ERROR(Model.next(Given, How, std::span(Sampled).first(1),
                                    std::span(LogProbs).first(1)));
      Last[B] = Sampled[0];
    }
    const Usage Start = now();
    for (int64_t I = 0; I + 1 < S.NewTokens; ++I) {
      Given.clear();
      How.clear();
      for (int64_t B = 0; B < S.Batch; ++B) {
        Given.add(static_cast<int32_t>(B), S.PromptLength + I,
                  std::span(&Last[B], 1), blocksOf(B));
        How.add(0, 1, 0, 0, 0);
      }
      M1_RETURN_IF_ERROR(Model.next(Given, How, Sampled, LogProbs));
      std::copy(Sampled.begin(), Sampled.end(), Last.begin());
    }
    return since(Start);
  }

  /// The same from the step in which the last sequence has its first token.
  absl::StatusOr<Usage> decodeByEngine() {
    EngineOptions Options;
    Options.PrefixCacheBytes = S.CacheBytes;
    Options.MaxTokensPerStep = S.StepTokens;
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Engine> TheEngine,
                        Engine::create(Program, Options));
    Usage Start;
    int64_t First = 0;
    for (int64_t B = 0; B < S.Batch; ++B) {
      Request R;
      R.Prompt = promptOf(B, S.PromptLength, Model.vocabulary());
      // Those that start earlier decode until the last one has started too.
      R.MaxTokens = 2 * S.NewTokens;
      R.Sampling.Temperature = 0;
      R.TopLogProbs = 0;
      R.Seed = 1;
      auto Seen = std::make_shared<int64_t>(0);
      auto Counted = std::make_shared<int64_t>(0);
      M1_RETURN_IF_ERROR(TheEngine
                             ->submit(std::move(R),
                                      [&, Seen, Counted](Update &&News) {
                                        if (First == S.Batch &&
                                            ++*Counted == S.NewTokens - 1)
                                          TheEngine->abort(News.Id);
                                        if (++*Seen == 1 && ++First == S.Batch)
                                          Start = now();
                                      })
                             .status());
    }
    TheEngine->drain();
    return since(Start);
  }

  /// Seconds to the first token of a prompt.
  absl::StatusOr<double> firstToken(Engine &TheEngine,
                                    const std::vector<int64_t> &Prompt) {
    Request R;
    R.Prompt = Prompt;
    R.MaxTokens = 1;
    double Seconds = 0;
    std::mutex Mutex;
    std::condition_variable Done;
    bool IsDone = false;
    M1_RETURN_IF_ERROR(TheEngine
                           .submit(std::move(R),
                                   [&](Update &&News) {
                                     std::lock_guard Lock(Mutex);
                                     Seconds = std::chrono::duration<double>(
                                                   *News.When.FirstToken -
                                                   News.When.Arrival)
                                                   .count();
                                     IsDone = true;
                                     Done.notify_one();
                                   })
                           .status());
    std::unique_lock Lock(Mutex);
    Done.wait(Lock, [&] { return IsDone; });
    return Seconds;
  }

  absl::Status measurePrefix() {
    for (int64_t I = 0; I < S.Repeat; ++I) {
      EngineOptions Options;
      Options.PrefixCacheBytes = S.CacheBytes;
      Options.MaxTokensPerStep = S.StepTokens;
      M1_ASSIGN_OR_RETURN(std::unique_ptr<Engine> TheEngine,
                          Engine::create(Program, Options));
      std::vector<int64_t> Prompt =
          promptOf(I, S.Prefix + 16, Model.vocabulary());
      M1_ASSIGN_OR_RETURN(const double Cold, firstToken(*TheEngine, Prompt));
      for (int64_t T = S.Prefix; T < S.Prefix + 16; ++T)
        Prompt[T] = (Prompt[T] + 1) % Model.vocabulary();
      M1_ASSIGN_OR_RETURN(const double Hit, firstToken(*TheEngine, Prompt));
      std::printf("prefix of %lld tokens: first token after %.4f s cold, "
                  "%.4f s cached, %.2f %%\n",
                  static_cast<long long>(S.Prefix), Cold, Hit,
                  100 * Hit / Cold);
    }
    return absl::OkStatus();
  }

  /// The time between tokens of a batch while a long prompt is computed.
  absl::Status measureLongPrompt() {
    EngineOptions Options;
    Options.PrefixCacheBytes = S.CacheBytes;
    Options.MaxTokensPerStep = S.StepTokens;
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Engine> TheEngine,
                        Engine::create(Program, Options));
    std::vector<double> Gaps;
    std::vector<uint64_t> Ids;
    std::vector<double> Last(S.Batch);
    bool IsLong = false; // the engine's thread only, but for its start
    std::mutex Mutex;
    for (int64_t B = 0; B < S.Batch; ++B) {
      Request R;
      R.Prompt = promptOf(B, S.PromptLength, Model.vocabulary());
      R.MaxTokens = TheEngine->maxLength();
      M1_ASSIGN_OR_RETURN(
          uint64_t Id, TheEngine->submit(std::move(R), [&, B](Update &&News) {
            const double Now = now().Wall;
            std::lock_guard Lock(Mutex);
            if (IsLong && Last[B] > 0)
              Gaps.push_back(Now - Last[B]);
            Last[B] = IsLong ? Now : 0;
          }));
      Ids.push_back(Id);
    }
    {
      std::lock_guard Lock(Mutex);
      IsLong = true;
    }
    M1_ASSIGN_OR_RETURN(
        const double Seconds,
        firstToken(*TheEngine, promptOf(99, S.LongPrompt, Model.vocabulary())));
    for (uint64_t Id : Ids)
      TheEngine->abort(Id);
    TheEngine->drain();
    std::sort(Gaps.begin(), Gaps.end());
    if (Gaps.empty())
      return makeError("no tokens beside the long prompt");
    auto quantile = [&](double Q) {
      return 1e3 * Gaps[static_cast<size_t>(
                       Q * static_cast<double>(Gaps.size() - 1))];
    };
    std::printf("beside a prompt of %lld tokens (%.1f s): %zu tokens, "
                "p50 %.2f ms, p99 %.2f ms, longest %.2f ms between tokens\n",
                static_cast<long long>(S.LongPrompt), Seconds, Gaps.size(),
                quantile(0.5), quantile(0.99), quantile(1));
    return absl::OkStatus();
  }

private:
  /// The row of the block table for a sequence that has blocks of its own.
  std::span<const int32_t> blocksOf(int64_t Number) {
    const int64_t Each = Model.blocksPerSequence();
    Table.resize(Each);
    const int64_t Used =
        Each ? (S.PromptLength + S.NewTokens + Model.blockPositions() - 1) /
                   Model.blockPositions()
             : 0;
    for (int64_t I = 0; I < Used; ++I)
      Table[I] = static_cast<int32_t>(Number * Used + I);
    return Table;
  }

  const Settings &S;
  Executor &Program;
  LanguageModel &Model;
  std::vector<int32_t> Table;
};

absl::Status runBench(const Settings &S) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Session> Opened,
                      openWith(S, S.Threads[0]));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LanguageModel> Model,
                      LanguageModel::create(*Opened->Program));
  Bench B(S, *Opened->Program, *Model);
  if (S.Prefix > 0)
    return B.measurePrefix();
  if (S.LongPrompt > 0)
    return B.measureLongPrompt();
  std::vector<double> Walls, Users;
  for (int64_t I = 0; I <= S.Repeat; ++I) {
    M1_ASSIGN_OR_RETURN(const Usage Alone, B.decodeAlone());
    M1_ASSIGN_OR_RETURN(const Usage Engine, B.decodeByEngine());
    if (I == 0)
      continue; // pages are touched, threads are started
    const double Steps = static_cast<double>(S.NewTokens - 1);
    std::printf("a step without engine: %.1f us, %.1f us of user time; with: "
                "%.1f us, %.1f us\n",
                1e6 * Alone.Wall / Steps, 1e6 * Alone.User / Steps,
                1e6 * Engine.Wall / Steps, 1e6 * Engine.User / Steps);
    Walls.push_back(Engine.Wall / Alone.Wall);
    Users.push_back(Engine.User / Alone.User);
  }
  for (std::vector<double> *Ratios : {&Walls, &Users})
    std::sort(Ratios->begin(), Ratios->end());
  std::printf("with / without, medians of %lld: time %.4f, user time %.4f\n",
              static_cast<long long>(S.Repeat), Walls[Walls.size() / 2],
              Users[Users.size() / 2]);
  return absl::OkStatus();
}
} // namespace

int main(int Argc, char **Argv) {
  CLI::App App("The engine on a plan");
  App.require_subcommand(1);
  Settings S;
  auto addCommon = [&](CLI::App *Sub) {
    Sub->add_option("plan", S.Plan)->required();
    Sub->add_option("weights", S.Weights)->required();
    Sub->add_option("--threads", S.Threads, "of a session each")
        ->delimiter(',');
    return Sub;
  };
  CLI::App *Schedules = addCommon(App.add_subcommand("schedules"));
  Schedules->add_option("--count", S.Schedules.Count);
  Schedules->add_option("--seed", S.Schedules.Seed);
  Schedules->add_option("--longest-prompt", S.Schedules.LongestPrompt);
  Schedules->add_option("--longest-response", S.Schedules.LongestResponse);
  Schedules->add_option("--schedules-per-pool", S.Schedules.SchedulesPerPool);
  Schedules->add_option("--ranks", S.RanksPlan,
                        "the same model's plan for several ranks, which run "
                        "the schedules");
  CLI::App *Measure = addCommon(App.add_subcommand("bench"));
  Measure->add_option("--batch", S.Batch);
  Measure->add_option("--prompt-len", S.PromptLength);
  Measure->add_option("--new-tokens", S.NewTokens);
  Measure->add_option("--repeat", S.Repeat);
  Measure->add_option("--cache-bytes", S.CacheBytes);
  Measure->add_option("--step-tokens", S.StepTokens);
  Measure->add_option("--prefix", S.Prefix, "measure a cached prefix");
  Measure->add_option("--long-prompt", S.LongPrompt,
                      "measure decoding beside a long prompt");
  CLI11_PARSE(App, Argc, Argv);
  const absl::Status Status = *Schedules ? runSchedules(S) : runBench(S);
  if (Status.ok())
    return 0;
  std::fprintf(stderr, "m1-engine-job: error: %s\n",
               std::string(Status.message()).c_str());
  return 1;
}
