//===- EngineRanksTest.cpp - an engine on several ranks -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"
#include "runtime/comm/InProcess.h"
#include "runtime/engine/EngineLoop.h"

#include "test/unit/engine/FailingDevice.h"
#include "test/unit/engine/RandomSchedules.h"
#include "test/unit/engine/ServingPlan.h"

#include <gmock/gmock.h>

#include <thread>

using namespace m1;
using namespace m1::test;
using testing::HasSubstr;

namespace {
/// Ranks that are threads, each with an executor.
struct RankThreads {
  RankThreads(plan::PlanT Serving, int Count)
      : Plan(value(LoadedPlan::fromBytes(serialize(Serving), "p"))),
        Transports(createInProcessRanks(Count)) {
    DeviceOptions Options;
    Options.Threads = 1;
    for (int Rank = 0; Rank < Count; ++Rank) {
      Devices.push_back(value(createDevice(*Plan, Options)));
      EXPECT_EQ(Devices.back()->loadKernels(*Plan), absl::OkStatus());
      Failing.push_back(std::make_unique<FailingDevice>(*Devices.back()));
      Exchanges.push_back(
          createHostCommunicator(**Plan, *Transports[Rank], *Failing.back()));
      Sources.push_back(
          value(randomParameters(*Plan, 0, Exchanges.back()->coordinates())));
      Programs.push_back(
          value(Executor::create(*Plan, *Failing.back(), *Sources.back(),
                                 nullptr, Exchanges.back().get())));
    }
  }

  std::unique_ptr<LoadedPlan> Plan;
  std::vector<std::unique_ptr<Transport>> Transports;
  std::vector<std::unique_ptr<Device>> Devices;
  std::vector<std::unique_ptr<FailingDevice>> Failing;
  std::vector<std::unique_ptr<Communicator>> Exchanges;
  std::vector<std::unique_ptr<ParameterSource>> Sources;
  std::vector<std::unique_ptr<Executor>> Programs;
};

Request request(int64_t Length, int64_t MaxTokens) {
  Request R;
  for (int64_t I = 0; I < Length; ++I)
    R.Prompt.push_back((I * I + 3 * I) % ModelVocabulary);
  R.MaxTokens = MaxTokens;
  return R;
}

/// Calls followEngine, and does what a process does when it fails.
absl::Status follow(RankThreads &Ranks, int Rank,
                    const EngineOptions &Options = {}) {
  absl::Status End =
      followEngine(*Ranks.Programs[Rank], Options, *Ranks.Transports[Rank]);
  if (!End.ok())
    Ranks.Transports[Rank]->abort(End);
  return End;
}

TEST(EngineRanks, SchedulesEqualRequestsAlone) {
  plan::PlanT One = servingPlan(5, 512, 256, 40);
  std::unique_ptr<Session> S = open(One);
  Executor *Program = S->Program.get();
  RankThreads Ranks(overRanks(servingPlan(5, 512, 256, 40), "tensor", 2), 2);
  ScheduleSettings Settings;
  Settings.Count = 100;
  Settings.OneOnRanksOf = 1;
  for (int Rank = 0; Rank < 2; ++Rank)
    Settings.Ranks.push_back(
        {Ranks.Programs[Rank].get(), Ranks.Transports[Rank].get()});
  ScheduleReport Report = value(runSchedules({&Program, 1}, Settings));
  EXPECT_EQ(Report.OnRanks, Settings.Count);
  for (size_t I = 0; I < std::min<size_t>(Report.Failures.size(), 10); ++I)
    ADD_FAILURE() << Report.Failures[I];
  EXPECT_GT(Report.Preemptions, 10);
  EXPECT_GT(Report.CacheHits, 10);
  EXPECT_GT(Report.Aborted, 2);
}

TEST(EngineRanks, SeedsAreDrawnOnce) {
  // Ranks with seeds of their own would soon have different numbers of tokens.
  RankThreads Ranks(overRanks(servingPlan(4, 64, 200, 40), "expert", 2), 2);
  absl::Status Followed, Ran;
  std::thread Other([&] { Followed = follow(Ranks, 1); });
  auto Requests = value(
      EngineLoop::create(*Ranks.Programs[0], {}, Ranks.Transports[0].get()));
  std::thread Loop([&] { Ran = Requests->run(); });
  std::mutex Mutex;
  std::set<std::vector<int64_t>> Responses;
  for (int I = 0; I < 8; ++I) {
    Request R = request(10, 30);
    R.StopTokens = {1, 2, 3};
    auto Tokens = std::make_shared<std::vector<int64_t>>();
    value(Requests->submit(std::move(R), [&, Tokens](Update &&News) {
      std::lock_guard Lock(Mutex);
      Tokens->insert(Tokens->end(), News.Tokens.begin(), News.Tokens.end());
      if (News.FinishReason)
        Responses.insert(*Tokens);
    }));
  }
  Requests->drain();
  EXPECT_GT(Responses.size(), 1u);
  Requests->stop();
  Loop.join();
  Other.join();
  EXPECT_EQ(message(Ran), "");
  EXPECT_EQ(message(Followed), "");
}

TEST(EngineRanks, AFailureOfOneEndsAll) {
  RankThreads Ranks(overRanks(servingPlan(4, 64, 200, 40), "tensor", 2), 2);
  absl::Status Followed, Ran;
  std::thread Other([&] { Followed = follow(Ranks, 1); });
  auto Requests = value(
      EngineLoop::create(*Ranks.Programs[0], {}, Ranks.Transports[0].get()));
  std::thread Loop([&] { Ran = Requests->run(); });
  std::vector<absl::Status> Errors(3);
  for (absl::Status &Error : Errors)
    value(Requests->submit(request(10, 180), [&](Update &&News) {
      if (News.Choice == 0 && News.Tokens.size() == 1)
        Ranks.Failing[1]->Fails = true;
      if (News.FinishReason)
        Error = News.Error;
    }));
  Loop.join();
  Other.join();
  EXPECT_EQ(message(Followed), "the device is gone");
  EXPECT_THAT(message(Ran), HasSubstr("rank 1 failed: the device is gone"));
  for (const absl::Status &Error : Errors)
    EXPECT_EQ(Error, Ran);
  EXPECT_EQ(Requests->failure(), Ran);
  EXPECT_EQ(Requests->submit(request(1, 1), {}).status(), Ran);
  Requests->stop(); // and does not hang
}

TEST(EngineRanks, MustAgree) {
  RankThreads Ranks(overRanks(servingPlan(4, 64, 200, 40), "tensor", 2), 2);
  EngineOptions Other;
  Other.SwapBytes = 7;
  absl::Status Followed;
  std::thread Thread([&] { Followed = follow(Ranks, 1, Other); });
  const absl::Status Created =
      EngineLoop::create(*Ranks.Programs[0], {}, Ranks.Transports[0].get())
          .status();
  Thread.join();
  EXPECT_EQ(message(Created), "the ranks differ in the engine's swap_bytes: "
                              "1073741824 on rank 0, 7 on rank 1");
  EXPECT_EQ(Followed, Created);
}

TEST(EngineRanks, PlansForOtherRanks) {
  RankThreads Ranks(overRanks(servingPlan(4, 64, 200, 40), "tensor", 2), 2);
  EXPECT_EQ(message(Engine::create(*Ranks.Programs[0]).status()),
            "p: compiled for 2 ranks (tensor 2), found one; start it with "
            "mpirun -n 2");
  RankThreads Copies(overRanks(servingPlan(4, 64, 200, 40), "data", 2), 2);
  EXPECT_THAT(message(EngineLoop::create(*Copies.Programs[0], {},
                                         Copies.Transports[0].get())
                          .status()),
              HasSubstr("p: its mesh (data 2) has the axis data"));
}
} // namespace
