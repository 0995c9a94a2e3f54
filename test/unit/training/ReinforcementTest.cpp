//===- ReinforcementTest.cpp - training by reinforcement learning ---------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Reinforcement.h"
#include "test/unit/training/FakePolicy.h"

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
Recipe recipe(const json &Keys = json::object()) {
  return recipeOf(Keys, TrainingMode::Reinforcement);
}

std::unique_ptr<ReinforcementTrainer> trainer(const Recipe &Settings) {
  return value(
      ReinforcementTrainer::create(Settings, FakePolicy().limits(), {}));
}

/// Makes an update; what it was made from.
std::string step(ReinforcementTrainer &How, FakePolicy &Model,
                 const Recipe &Settings, UpdateCounters &Counters,
                 Metrics *To = nullptr) {
  const std::vector<TrainingSequence> Sequences =
      value(How.prepare(Counters.Step + 1, Model, {}));
  const UpdateOutcome Outcome = value(
      runUpdate(Model, Sequences, Settings, How.steps(), Counters, nullptr));
  Metrics Figures;
  How.finish(Outcome, To ? *To : Figures);
  return describe(Sequences);
}

TEST(Reinforcement, UpdatesOfABatch) {
  const Recipe Settings = recipe({{"num_iterations", 2}});
  auto How = trainer(Settings);
  FakePolicy Model;
  UpdateCounters Counters;
  std::vector<std::string> Steps;
  for (int I = 0; I < 7; ++I) {
    Metrics Figures;
    Steps.push_back(step(*How, Model, Settings, Counters, &Figures));
    EXPECT_EQ(Model.Seeds.size(), I < 6 ? 1U : 2U);
    EXPECT_EQ(Figures.get(Metric::Rollout), I < 6 ? 1 : 2);
    // Only while the policy is the one that sampled.
    EXPECT_EQ(Figures.get(Metric::LogProbDifferenceMax).has_value(),
              I % 6 == 0);
    if (I % 6 == 0)
      EXPECT_EQ(Figures.get(Metric::RatioMax), 1);
  }
  for (int I = 0; I < 3; ++I)
    EXPECT_EQ(Steps[I], Steps[I + 3]);
  EXPECT_NE(Steps[0], Steps[1]);
  EXPECT_NE(Steps[0], Steps[6]);
}

TEST(Reinforcement, SavedInTheMiddleOfABatch) {
  const Recipe Settings = recipe({{"rollout_noise", 0.1}});
  auto How = trainer(Settings);
  FakePolicy Model;
  UpdateCounters Counters;
  for (int Saved = 0; Saved <= 4; ++Saved) {
    // Through text, as in a checkpoint.
    const json State = json::parse(value(How->save()).dump());
    auto Again = trainer(Settings);
    ASSERT_EQ(Again->restore(State), absl::OkStatus());
    FakePolicy Same;
    Same.weight() = Model.weight();
    Same.values(OptimizerTensor::First, 0) =
        Model.values(OptimizerTensor::First, 0);
    UpdateCounters SameCounters = Counters;
    std::string Expected, Found;
    FakePolicy Ahead;
    Ahead.weight() = Model.weight();
    Ahead.values(OptimizerTensor::First, 0) =
        Model.values(OptimizerTensor::First, 0);
    UpdateCounters AheadCounters = Counters;
    auto Other = trainer(Settings);
    ASSERT_EQ(Other->restore(value(Again->save())), absl::OkStatus());
    for (int I = 0; I < 5; ++I) {
      Found += step(*Again, Same, Settings, SameCounters);
      Expected += step(*Other, Ahead, Settings, AheadCounters);
    }
    EXPECT_EQ(Found, Expected) << Saved;
    // One more step of the run that was not interrupted.
    const std::string First = step(*How, Model, Settings, Counters);
    EXPECT_EQ(Found.substr(0, First.size()), First) << Saved;
  }
}

TEST(Reinforcement, RewardsAreRestoredToTheBit) {
  const Recipe Settings = recipe();
  auto How = trainer(Settings);
  FakePolicy Model;
  UpdateCounters Counters;
  step(*How, Model, Settings, Counters);
  json State = value(How->save());
  json &Responses = State["batch"]["responses"];
  ASSERT_EQ(Responses.size(), 12U);
  const double Odd = 0.1 + 0.2, None = std::nan("");
  Responses[5]["reward_bits"] = std::bit_cast<uint64_t>(Odd);
  Responses[6]["reward_bits"] = std::bit_cast<uint64_t>(None);
  ASSERT_EQ(How->restore(State), absl::OkStatus());
  EXPECT_EQ(value(How->save()), State);
  const std::vector<TrainingSequence> Part = value(How->prepare(2, Model, {}));
  EXPECT_GT(Part[1].Advantage, 0);
  EXPECT_EQ(Part[2].Weights, std::vector<float>(Part[2].Weights.size()));
}

TEST(Reinforcement, StatesThatCannotBeRead) {
  const Recipe Settings = recipe();
  auto How = trainer(Settings);
  FakePolicy Model;
  UpdateCounters Counters;
  step(*How, Model, Settings, Counters);
  const json Good = value(How->save());
  auto Refused = [&](const json::json_pointer &Place, const json &Value) {
    json Bad = Good;
    Bad[Place] = Value;
    EXPECT_EQ(message(trainer(Settings)->restore(Bad)),
              "the checkpoint's state has a batch of responses that cannot be "
              "read")
        << Place;
  };
  using Pointer = json::json_pointer;
  Refused(Pointer("/batch/responses"), json::array());
  Refused(Pointer("/batch/responses/12"), Good["batch"]["responses"][0]);
  Refused(Pointer("/batch/responses/3/tokens"), "text");
  Refused(Pointer("/batch/used"), 3);
  Refused(Pointer("/batch/used"), -1);
  Refused(Pointer("/batch/limit"), nullptr);
  EXPECT_EQ(message(trainer(Settings)->restore({{"examples", 3}})),
            "the checkpoint's state has no rollouts: it is not that of "
            "reinforcement learning");
}

TEST(Reinforcement, ARolloutThatIsCancelledIsDrawnAgain) {
  const Recipe Settings = recipe();
  FakePolicy Whole;
  auto Expected = trainer(Settings);
  const std::string First = describe(value(Expected->prepare(1, Whole, {})));
  FakePolicy Model;
  auto How = trainer(Settings);
  const json Before = value(How->save());
  RunHooks Hooks;
  int Checks = 0;
  Hooks.Cancelled = [&] { return ++Checks > 5; };
  EXPECT_TRUE(absl::IsCancelled(How->prepare(1, Model, Hooks).status()));
  EXPECT_EQ(value(How->save()), Before);
  EXPECT_EQ(describe(value(How->prepare(1, Model, {}))), First);
}

TEST(Reinforcement, MetricsOfTheLossInUse) {
  auto FiguresOf = [](const json &Keys) {
    const Recipe Settings = recipe(Keys);
    auto How = trainer(Settings);
    FakePolicy Model;
    UpdateCounters Counters;
    Metrics Figures;
    step(*How, Model, Settings, Counters, &Figures);
    return json::parse(Figures.jsonLine());
  };
  const json Cispo = FiguresOf(json::object());
  EXPECT_TRUE(Cispo.contains("cispo_clip_ratio"));
  EXPECT_FALSE(Cispo.contains("mask_ratio"));
  EXPECT_TRUE(FiguresOf({{"mask_ratio_max", 2}}).contains("mask_ratio"));
  EXPECT_TRUE(FiguresOf({{"mask_ratio_min", 0.5}}).contains("mask_ratio"));
  const json Grpo = FiguresOf({{"loss_type", "grpo"}});
  EXPECT_FALSE(Grpo.contains("cispo_clip_ratio"));
  EXPECT_FALSE(Grpo.contains("mask_ratio"));
  EXPECT_TRUE(Grpo.contains("clip_ratio/high"));
}

TEST(Reinforcement, SamplesOncePerBatch) {
  for (const auto &[Every, Lines] :
       {std::pair(0, 0), std::pair(1, 6), std::pair(2, 3)}) {
    TemporaryDirectory Directory;
    const Recipe Settings = recipe({{"sample_steps", Every}});
    auto How = trainer(Settings);
    auto To = value(RunDirectory::create(Directory.root()));
    ASSERT_EQ(To->begin(json::object()), absl::OkStatus());
    FakePolicy Model;
    UpdateCounters Counters;
    for (int64_t Step = 1; Step <= 6; ++Step) {
      step(*How, Model, Settings, Counters);
      ASSERT_EQ(How->sample(Step, *To), absl::OkStatus());
    }
    const std::string Text = readFile(Directory.path("samples.jsonl"));
    EXPECT_EQ(std::ranges::count(Text, '\n'), Lines);
    if (Every == 1) {
      const json Line = json::parse(Text.substr(0, Text.find('\n')));
      EXPECT_EQ(Line["step"], 1);
      EXPECT_EQ(Line["environment"], "copy");
      EXPECT_EQ(Line["prompt_text"].get<std::string>().front(), 'C');
    }
  }
}
} // namespace
