//===- EngineTest.cpp - requests to an engine -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Engine.h"

#include "test/unit/engine/FailingDevice.h"
#include "test/unit/engine/ServingPlan.h"

#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

using namespace m1;
using namespace m1::test;
using testing::HasSubstr;

namespace {
/// Updates of requests, from the engine's thread.
class Inbox {
public:
  UpdateFunction receiver() {
    return [this](Update &&News) {
      std::lock_guard Lock(Mutex);
      Update &Sum = All[{News.Id, News.Choice}];
      auto append = [](auto &To, auto &From) {
        To.insert(To.end(), From.begin(), From.end());
      };
      append(Sum.Tokens, News.Tokens);
      append(Sum.LogProbs, News.LogProbs);
      append(Sum.PromptLogProbs, News.PromptLogProbs);
      EXPECT_FALSE(Sum.FinishReason) << "news after the end";
      Sum.FinishReason = News.FinishReason;
      Sum.StopToken = News.StopToken;
      Sum.Error = News.Error;
      Sum.CachedTokens = News.CachedTokens;
      Sum.When = News.When;
      if (News.FinishReason)
        Order.push_back(News.Id);
    };
  }
  Update of(uint64_t Id, int32_t Choice = 0) {
    std::lock_guard Lock(Mutex);
    return All[{Id, Choice}];
  }
  std::vector<uint64_t> order() {
    std::lock_guard Lock(Mutex);
    return Order;
  }
  size_t count() {
    std::lock_guard Lock(Mutex);
    return All.size();
  }

private:
  std::mutex Mutex;
  std::map<std::pair<uint64_t, int32_t>, Update> All;
  std::vector<uint64_t> Order; ///< of ends
};

class Engines : public testing::Test {
protected:
  Engine &start(const EngineOptions &Options = {}, int64_t Slots = 4,
                int64_t MaxLength = 400, int64_t Blocks = 100,
                int64_t Chunk = 64) {
    TheEngine.reset();
    plan::PlanT Plan = servingPlan(Slots, 512, MaxLength, Blocks);
    Plan.model->chunk = Chunk;
    S = open(Plan);
    TheEngine = value(Engine::create(*S->Program, Options));
    return *TheEngine;
  }
  static Request request(int64_t Length, int64_t MaxTokens, uint64_t Seed = 1) {
    Request R;
    for (int64_t I = 0; I < Length; ++I)
      R.Prompt.push_back((I * I + 3 * I) % ModelVocabulary);
    R.MaxTokens = MaxTokens;
    R.Seed = Seed;
    R.TopLogProbs = 0;
    return R;
  }
  uint64_t submit(Request R) {
    return value(TheEngine->submit(std::move(R), News.receiver()));
  }
  /// Submits requests so that the engine sees all of them at once: its thread
  /// waits meanwhile, in the news of one more request.
  std::vector<uint64_t> submitTogether(std::vector<Request> Requests) {
    absl::Notification Waits, Go, Left;
    EXPECT_TRUE(TheEngine
                    ->submit(request(1, 1),
                             [&](Update &&) {
                               Waits.Notify();
                               Go.WaitForNotification();
                               Left.Notify();
                             })
                    .ok());
    Waits.WaitForNotification();
    std::vector<uint64_t> Ids;
    for (Request &R : Requests)
      Ids.push_back(submit(std::move(R)));
    Go.Notify();
    Left.WaitForNotification();
    return Ids;
  }
  /// Computes a request with nothing beside it.
  Update run(Request R) {
    const uint64_t Id = submit(std::move(R));
    while (!News.of(Id).FinishReason)
      std::this_thread::yield();
    return News.of(Id);
  }
  /// After the round in which the last request ended.
  EngineStats drained() {
    TheEngine->drain();
    return TheEngine->stats();
  }

  std::unique_ptr<Session> S;
  std::unique_ptr<Engine> TheEngine;
  Inbox News;
};

TEST_F(Engines, AnswerRequests) {
  Engine &E = start();
  const uint64_t First = submit(request(10, 5));
  const uint64_t Second = submit(request(70, 3));
  EXPECT_NE(First, Second);
  const EngineStats Stats = drained();
  const Update A = News.of(First), B = News.of(Second);
  EXPECT_EQ(A.Tokens.size(), 5u);
  EXPECT_EQ(A.LogProbs.size(), 5u);
  EXPECT_EQ(A.FinishReason, Finish::Length);
  EXPECT_EQ(B.Tokens.size(), 3u);
  EXPECT_LE(A.When.Arrival, *A.When.FirstScheduled);
  EXPECT_LE(*A.When.FirstScheduled, *A.When.FirstToken);
  EXPECT_LT(*A.When.FirstToken, *A.When.LastToken);
  EXPECT_EQ(Stats.Requests, 2);
  EXPECT_EQ(Stats.Finished, 2);
  EXPECT_EQ(Stats.PromptTokens, 80);
  EXPECT_EQ(Stats.GeneratedTokens, 8);
  EXPECT_EQ(Stats.ComputedTokens, 80 + 4 + 2);
  EXPECT_EQ(Stats.Running + Stats.Waiting + Stats.BlocksUsed, 0);
  EXPECT_EQ(Stats.Blocks, 100);
  EXPECT_TRUE(
      absl::IsUnavailable(E.submit(request(1, 1), News.receiver()).status()));
}

TEST_F(Engines, RefuseWhatCouldNeverRun) {
  EngineOptions Options;
  Options.MaxBlocks = 5;
  Options.MaxQueued = 3;
  Engine &E = start(Options);
  EXPECT_EQ(E.maxLength(), 80);
  auto error = [&](Request R) {
    return message(E.submit(std::move(R), News.receiver()).status());
  };
  EXPECT_EQ(error(request(81, 1)), "prompt: 81 tokens, expected at most 80, "
                                   "prompt and response together");
  EXPECT_EQ(error(request(0, 1)), "prompt: no tokens");
  Request Many = request(3, 1);
  Many.N = 4;
  EXPECT_EQ(error(Many), "n: 4, the queue has room for 3");
  // The engine lives.
  EXPECT_EQ(run(request(80, 1)).FinishReason, Finish::Length);
  EXPECT_EQ(run(request(5, 2)).Tokens.size(), 2u);
}

TEST_F(Engines, ClampResponsesToTheContext) {
  start({}, 2, 40);
  const Update Clamped = run(request(30, 1000));
  EXPECT_EQ(Clamped.Tokens.size(), 10u);
  EXPECT_EQ(Clamped.FinishReason, Finish::Length);
  const Update Full = run(request(40, 5));
  EXPECT_EQ(Full.Tokens.size(), 0u);
  EXPECT_EQ(Full.FinishReason, Finish::Length);
}

TEST_F(Engines, EchoWithoutTokens) {
  start();
  Request Echo = request(20, 0);
  Echo.PromptLogProbs = 0;
  const Update Scored = run(Echo);
  EXPECT_EQ(Scored.PromptLogProbs.size(), 19u);
  EXPECT_EQ(Scored.Tokens.size(), 0u);
  EXPECT_EQ(Scored.FinishReason, Finish::Length);
  EXPECT_EQ(run(request(20, 0)).FinishReason, Finish::Length);
  Request One = request(1, 0);
  One.PromptLogProbs = 0;
  EXPECT_EQ(run(One).FinishReason, Finish::Length);
  EXPECT_EQ(run(request(20, 2)).Tokens.size(), 2u);
}

TEST_F(Engines, ChoicesHaveSeedsOfTheirOwn) {
  start();
  std::vector<Update> Alone;
  for (uint64_t Seed = 7; Seed < 13; ++Seed)
    Alone.push_back(run(request(37, 9, Seed)));
  Request Six = request(37, 9, 7);
  Six.N = 6; // more than slots
  Request Unseeded = request(37, 9);
  Unseeded.Seed.reset();
  const uint64_t First = submit(Unseeded), Id = submit(Six),
                 Last = submit(Unseeded);
  drained();
  std::set<std::vector<int64_t>> Different;
  for (int32_t Choice = 0; Choice < 6; ++Choice) {
    EXPECT_EQ(News.of(Id, Choice).Tokens, Alone[Choice].Tokens) << Choice;
    EXPECT_EQ(News.of(Id, Choice).LogProbs, Alone[Choice].LogProbs) << Choice;
    Different.insert(Alone[Choice].Tokens);
  }
  EXPECT_EQ(Different.size(), 6u);
  EXPECT_NE(News.of(First).Tokens, News.of(Last).Tokens);
}

TEST_F(Engines, LogProbsDoNotChangeWithTheRules) {
  start();
  Request Plain = request(12, 1);
  Plain.Sampling.AllowedTokens = {5};
  const Update Reference = run(Plain);
  ASSERT_EQ(Reference.Tokens, std::vector<int64_t>{5});
  Request Changed = Plain;
  Changed.Sampling.Temperature = 0.3F;
  Changed.Sampling.LogitBias = {{5, -3.0F}};
  Changed.Sampling.RepetitionPenalty = 1.7F;
  EXPECT_EQ(run(Changed).LogProbs, Reference.LogProbs);
  Changed.PolicyLogProbs = true;
  EXPECT_NE(run(Changed).LogProbs, Reference.LogProbs);
}

TEST_F(Engines, ForceAndMask) {
  start();
  Request R = request(10, 12);
  R.StopTokens = {1, 2, 3, 4, 5};
  R.MinTokens = 8;
  R.Sampling.LogitBias = {{15, -INFINITY}};
  R.Force = {4, {15, 0, 15}, {}};
  const Update Done = run(R);
  ASSERT_GE(Done.Tokens.size(), 8u);
  EXPECT_EQ(
      std::vector<int64_t>(Done.Tokens.begin() + 4, Done.Tokens.begin() + 7),
      (std::vector<int64_t>{15, 0, 15}));
  for (int I = 0; I < 7; ++I)
    EXPECT_TRUE(Done.Tokens[I] == 0 || Done.Tokens[I] > 5) << I;
  if (Done.FinishReason == Finish::Stop) {
    EXPECT_EQ(Done.StopToken, Done.Tokens.back());
  }
}

TEST_F(Engines, FindPrefixes) {
  start();
  // What the second of two requests with a common prefix finds: of a prompt of
  // so many tokens, the state at the last end of a chunk before its last token.
  for (int64_t Length : {63, 64, 65, 127, 128, 129}) {
    Request R = request(Length, 3);
    R.Prompt[0] = Length % ModelVocabulary; // a prefix of its own
    const Update First = run(R);
    const Update Again = run(R);
    EXPECT_EQ(Again.CachedTokens, (Length - 1) / 64 * 64) << Length;
    EXPECT_EQ(Again.Tokens, First.Tokens) << Length;
    EXPECT_EQ(Again.LogProbs, First.LogProbs) << Length;
    // A second turn goes on from the end of the first.
    Request Turn = R;
    Turn.Prompt.insert(Turn.Prompt.end(), First.Tokens.begin(),
                       First.Tokens.end());
    Turn.Prompt.insert(Turn.Prompt.end(), {3, 1, 4});
    const Update Second = run(Turn);
    EXPECT_EQ(Second.CachedTokens, (Length + 2) / 64 * 64) << Length;
    Turn.UsePrefixCache = false;
    const Update Uncached = run(Turn);
    EXPECT_EQ(Uncached.CachedTokens, 0);
    EXPECT_EQ(Second.Tokens, Uncached.Tokens) << Length;
    EXPECT_EQ(Second.LogProbs, Uncached.LogProbs) << Length;
  }
}

TEST_F(Engines, FindPrefixesAtChunksOfThePlan) {
  start({}, 4, 400, 100, 128);
  run(request(200, 1));
  EXPECT_EQ(run(request(200, 1)).CachedTokens, 128); // not 192
}

TEST_F(Engines, KeepStatesWherePromptsPart) {
  start();
  Request R = request(300, 1);
  run(R);
  R.Prompt[100] ^= 1;
  EXPECT_EQ(run(R).CachedTokens, 0); // no state there yet
  R.Prompt[100] ^= 2;
  EXPECT_EQ(run(R).CachedTokens, 64);
  const EngineStats Stats = drained();
  EXPECT_EQ(Stats.CacheHitTokens, 64);
  EXPECT_EQ(Stats.CacheLookupTokens, 900);
  EXPECT_GT(Stats.SnapshotBytes, 0);
  EXPECT_GT(Stats.BlocksCached, 0);
}

TEST_F(Engines, AbortedRequestsLeaveNothing) {
  EngineOptions Options;
  Options.PrefixCacheBytes = 0;
  Engine &E = start(Options, 4, 400, 30);
  std::vector<std::thread> Threads;
  std::atomic<int> Accepted = 0;
  for (int T = 0; T < 2; ++T)
    Threads.emplace_back([&, T] {
      for (int I = 0; I < 500; ++I) {
        Request R = request(1 + (I * 37 + T) % 300, 50);
        R.N = 1 + I % 3;
        absl::StatusOr<uint64_t> Id = E.submit(std::move(R), News.receiver());
        if (!Id.ok())
          continue;
        Accepted += 1 + I % 3;
        if (I % 2)
          std::this_thread::yield();
        E.abort(*Id);
      }
    });
  for (std::thread &T : Threads)
    T.join();
  // The queue may still be full of sequences that the engine has yet to abort.
  absl::StatusOr<uint64_t> Next;
  do
    Next = E.submit(request(350, 5), News.receiver());
  while (absl::IsResourceExhausted(Next.status()));
  ASSERT_TRUE(Next.ok()) << Next.status();
  const EngineStats Stats = drained();
  EXPECT_EQ(News.of(*Next).Tokens.size(), 5u);
  EXPECT_EQ(Stats.Aborted + Stats.Finished, Accepted + 1);
  EXPECT_GT(Stats.Aborted, 100);
  EXPECT_EQ(Stats.Running + Stats.Waiting + Stats.Preempted, 0);
  EXPECT_EQ(Stats.BlocksUsed + Stats.BlocksCached + Stats.SwapBytes, 0);
}

TEST_F(Engines, BoundTheQueue) {
  EngineOptions Options;
  Options.MaxQueued = 4;
  Options.MaxRunning = 1;
  Engine &E = start(Options);
  // The engine's thread waits, so that nothing leaves the queue.
  std::mutex Gate;
  Gate.lock();
  Request R = request(5, 1);
  ASSERT_TRUE(E.submit(R, [&](Update &&) { std::lock_guard Wait(Gate); }).ok());
  R.N = 4;
  absl::Status Status;
  while (Status.ok())
    Status = E.submit(R, News.receiver()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(Status));
  EXPECT_THAT(message(Status), HasSubstr("of at most 4 wait"));
  Gate.unlock();
  drained();
}

TEST_F(Engines, ShortPromptsDoNotWaitForLongOnes) {
  EngineOptions Options;
  Options.MaxTokensPerStep = 32;
  start(Options);
  const std::vector<uint64_t> Ids =
      submitTogether({request(390, 1), request(6, 4)});
  drained();
  EXPECT_EQ(News.order(), (std::vector<uint64_t>{Ids[1], Ids[0]}));
}

TEST_F(Engines, PriorityBeforeArrival) {
  EngineOptions Options;
  Options.MaxRunning = 1;
  start(Options);
  std::vector<Request> Requests;
  for (int32_t Priority : {0, 1, 1, -2}) {
    Requests.push_back(request(300, 40));
    Requests.back().Prompt[0] = Priority + 3;
    Requests.back().Priority = Priority;
  }
  const std::vector<uint64_t> Ids = submitTogether(std::move(Requests));
  const EngineStats Stats = drained();
  EXPECT_EQ(News.order(),
            (std::vector<uint64_t>{Ids[3], Ids[0], Ids[1], Ids[2]}));
  EXPECT_EQ(Stats.Finished, 5);
}

TEST_F(Engines, StopEndsEverything) {
  Engine &E = start();
  std::vector<uint64_t> Ids;
  for (int I = 0; I < 10; ++I)
    Ids.push_back(submit(request(100, 200)));
  E.stop();
  for (uint64_t Id : Ids)
    EXPECT_TRUE(News.of(Id).FinishReason);
  EXPECT_EQ(E.stats().Running, 0);
  EXPECT_EQ(E.stats().BlocksUsed, 0);
  E.abort(Ids[0]);
  E.drain();
  E.stop();
}

TEST_F(Engines, UpdatesMaySubmitAndAbort) {
  Engine &E = start();
  std::atomic<int> Turns = 0;
  std::function<void(Update &&)> Next = [&](Update &&News) {
    if (News.Tokens.size() == 1 && !News.FinishReason)
      E.abort(News.Id);
    if (News.FinishReason && ++Turns < 5)
      value(E.submit(request(9, 4), Next));
  };
  value(E.submit(request(9, 4), Next));
  while (Turns < 5)
    std::this_thread::yield();
  EXPECT_EQ(drained().Aborted, 5);
}

TEST_F(Engines, ABadSequenceIsAlone) {
  start();
  Request Bad = request(5, 390);
  Bad.Sampling.MinP = 1; // see serving_draw
  Request Good = request(5, 20);
  const Update Reference = run(Good);
  const uint64_t BadId = submit(Bad), GoodId = submit(Good);
  drained();
  EXPECT_EQ(News.of(BadId).FinishReason, Finish::Error);
  EXPECT_THAT(message(News.of(BadId).Error),
              HasSubstr("sample: the logit of token 14 for index "));
  EXPECT_EQ(News.of(GoodId).Tokens, Reference.Tokens);
}

TEST_F(Engines, ADeviceThatFailsEndsAll) {
  plan::PlanT Plan = servingPlan(2, 64, 100, 20);
  S = open(Plan);
  FailingDevice Failing(*S->TheDevice);
  std::unique_ptr<ParameterSource> Source =
      value(randomParameters(*S->Plan, 0));
  std::unique_ptr<Executor> Program =
      value(Executor::create(*S->Plan, Failing, *Source));
  TheEngine = value(Engine::create(*Program));
  EXPECT_EQ(run(request(5, 2)).Tokens.size(), 2u);
  Failing.Fails = true;
  std::vector<uint64_t> Ids;
  for (int I = 0; I < 5; ++I)
    if (absl::StatusOr<uint64_t> Id =
            TheEngine->submit(request(5, 50), News.receiver());
        Id.ok())
      Ids.push_back(*Id);
  TheEngine->drain();
  ASSERT_FALSE(Ids.empty());
  for (uint64_t Id : Ids) {
    EXPECT_EQ(News.of(Id).FinishReason, Finish::Error);
    EXPECT_EQ(message(News.of(Id).Error), "the device is gone");
  }
  EXPECT_EQ(message(TheEngine->submit(request(5, 1), {}).status()),
            "the device is gone");
  TheEngine.reset();
}

TEST_F(Engines, OptionsOutOfRange) {
  plan::PlanT Plan = servingPlan(2, 64, 100, 20);
  S = open(Plan);
  auto error = [&](auto &&Change) {
    EngineOptions Options;
    Change(Options);
    return message(Engine::create(*S->Program, Options).status());
  };
  EXPECT_EQ(error([](EngineOptions &O) { O.MaxTokensPerStep = 65; }),
            "max_tokens_per_step: 65, expected 1 to 64");
  EXPECT_EQ(error([](EngineOptions &O) { O.MaxRunning = 3; }),
            "max_running: 3, expected 1 to 2");
  EXPECT_EQ(error([](EngineOptions &O) { O.MaxBlocks = 21; }),
            "max_blocks: 21, expected 1 to 20");
  EXPECT_THAT(error([](EngineOptions &O) { O.MaxQueued = 0; }),
              HasSubstr("max_queued: 0, expected 1 to "));
  EXPECT_THAT(error([](EngineOptions &O) { O.SwapBytes = -1; }),
              HasSubstr("swap_bytes: -1, expected 0 to "));
  plan::PlanT Adder = adderPlan();
  S = open(Adder);
  EXPECT_THAT(message(Engine::create(*S->Program).status()),
              HasSubstr("not a language model's plan"));
}
} // namespace
