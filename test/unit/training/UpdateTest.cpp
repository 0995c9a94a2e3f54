//===- UpdateTest.cpp - one update of a policy ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Update.h"
#include "test/unit/training/FakePolicy.h"

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
constexpr int64_t Steps = 10; // of the whole run

/// Responses of different lengths, some tokens masked.
std::vector<TrainingSequence> someSequences() {
  std::vector<TrainingSequence> Result;
  for (int64_t I = 0; I < 6; ++I) {
    TrainingSequence Each;
    Each.Number = I;
    Each.PromptTokens = 1 + I % 2;
    Each.Advantage = I % 2 ? -0.3 : 0.7;
    for (int64_t T = 0; T < Each.PromptTokens + 2 + I; ++T)
      Each.Tokens.push_back((7 * I + 3 * T) % 64);
    for (int64_t T = 0; T < 2 + I; ++T) {
      Each.OldLogProbs.push_back(-0.3F - 0.01F * static_cast<float>(T));
      Each.Weights.push_back(T == I ? 0.0F : 0.07F);
    }
    Result.push_back(std::move(Each));
  }
  return Result;
}

Recipe recipe(const json &Keys = json::object()) {
  return recipeOf(Keys, TrainingMode::Reinforcement);
}

/// All that the policy was given for gradients, laid end to end.
std::string given(const FakePolicy &Model) {
  std::string Text;
  for (const TrainingBatch &Batch : Model.Batches)
    for (size_t T = 0; T < Batch.Tokens.size(); ++T) {
      const float Floats[] = {Batch.Weights[T], Batch.Advantages[T],
                              Batch.OldLogProbs[T]};
      Text += concat(Batch.Tokens[T], ">", Batch.Targets[T]);
      for (uint32_t Bits : bitsOf(Floats))
        Text += concat(" ", Bits);
      Text += "\n";
    }
  return Text;
}

TEST(Update, MicroBatchesAndTheOrderOfSequencesDoNotMatter) {
  const std::vector<TrainingSequence> Sequences = someSequences();
  const std::vector<TrainingSequence> Reversed(Sequences.rbegin(),
                                               Sequences.rend());
  FakePolicy Whole;
  UpdateCounters Counters;
  const UpdateOutcome Expected =
      value(runUpdate(Whole, Sequences, recipe(), Steps, Counters, nullptr));
  EXPECT_EQ(Whole.Batches.size(), 1U);
  EXPECT_NE(Whole.weight(), FakePolicy().weight());
  for (int64_t Tokens : {9, 14, 25})
    for (const auto *Order : {&Sequences, &Reversed}) {
      FakePolicy Cut;
      UpdateCounters Again;
      const UpdateOutcome Found =
          value(runUpdate(Cut, *Order, recipe({{"micro_batch_tokens", Tokens}}),
                          Steps, Again, nullptr));
      EXPECT_GT(Cut.Batches.size(), 1U);
      EXPECT_EQ(given(Cut), given(Whole));
      EXPECT_EQ(value(digestsOf(Cut)), value(digestsOf(Whole)));
      EXPECT_EQ(Found.Loss.Loss, Expected.Loss.Loss);
      EXPECT_EQ(Found.Loss.Tokens, Expected.Loss.Tokens);
      EXPECT_EQ(save(Again), save(Counters));
    }
  EXPECT_EQ(Counters.Step, 1);
  EXPECT_EQ(Counters.Tokens, 36);
}

TEST(Update, AuxiliaryCoefficientsAreThoseOfTheWholeUpdate) {
  const json Keys = {{"router_aux_loss_coef", 0.5}, {"micro_batch_tokens", 9}};
  FakePolicy Model;
  UpdateCounters Counters;
  const UpdateOutcome Done = value(runUpdate(
      Model, someSequences(), recipe(Keys), Steps, Counters, nullptr));
  const size_t Calls = Model.Batches.size();
  EXPECT_GT(Calls, 2U);
  EXPECT_EQ(Model.Events,
            std::string(Calls, 'c') + std::string(Calls, 'g') + "u");
  std::vector<int64_t> Counts(6);
  for (const TrainingBatch &Batch : Model.Batches) {
    const std::vector<int64_t> Part = value(FakePolicy().expertCounts(Batch));
    for (size_t I = 0; I < Counts.size(); ++I)
      Counts[I] += Part[I];
  }
  const std::vector<float> Expected = balanceCoefficients(Counts, 3, 36, 0.5);
  EXPECT_GT(Expected[0], 0);
  for (const std::vector<float> &Balance : Model.Balances)
    EXPECT_EQ(Balance, Expected);
  EXPECT_GT(Done.AuxiliaryLoss, 0);
  EXPECT_TRUE(Done.Load.has_value());

  // Without it, no counts and no figures.
  FakePolicy Without;
  Metrics Figures;
  addMetrics(value(runUpdate(Without, someSequences(), recipe(), Steps,
                             Counters, nullptr)),
             Counters, Figures);
  EXPECT_EQ(Without.Events, "gu");
  EXPECT_EQ(Without.Balances[0], std::vector<float>(3));
  EXPECT_FALSE(Figures.get(Metric::AuxLoss).has_value());
}

TEST(Update, AStepThatIsNotFiniteChangesOnlyCounters) {
  const Recipe Settings =
      recipe({{"warmup_steps", 4}, {"learning_rate", 0.25}});
  FakePolicy Model;
  UpdateCounters Counters;
  auto Run = [&] {
    return value(
        runUpdate(Model, someSequences(), Settings, Steps, Counters, nullptr));
  };
  EXPECT_EQ(Run().LearningRate, 0.0625);
  const PolicyDigests Before = value(digestsOf(Model));
  // A loss that is none; a gradient that is none.
  Model.LogProb = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(Run().Applied);
  EXPECT_FALSE(Model.Updates.back().Apply);
  Model.LogProb.reset();
  Model.gradient() = std::numeric_limits<float>::infinity();
  const UpdateOutcome Infinite = Run();
  EXPECT_FALSE(Infinite.Applied);
  EXPECT_TRUE(Model.Updates.back().Apply);
  EXPECT_NE(describeNonfinite(Infinite).find(
                "or the norm of the gradients (inf) is not finite"),
            std::string::npos);
  EXPECT_EQ(value(digestsOf(Model)), Before);
  EXPECT_EQ(Counters.Step, 3);
  EXPECT_EQ(Counters.Applied, 1);
  EXPECT_EQ(Counters.Nonfinite, 2);
  EXPECT_EQ(Counters.ConsecutiveNonfinite, 2);
  Metrics Figures;
  addMetrics(Infinite, Counters, Figures);
  EXPECT_EQ(Figures.get(Metric::NonfiniteSteps), 2);

  // The schedule and the bias corrections go on where they were.
  const UpdateOutcome Next = Run();
  EXPECT_TRUE(Next.Applied);
  EXPECT_EQ(Next.LearningRate, 0.125);
  EXPECT_EQ(Model.Updates.back().Step, 2);
  EXPECT_EQ(Counters.ConsecutiveNonfinite, 0);
  EXPECT_EQ(Counters.Nonfinite, 2);
}

TEST(Update, OneThatIsCancelledLeavesNothing) {
  const Recipe Settings =
      recipe({{"micro_batch_tokens", 9}, {"router_aux_loss_coef", 0.1}});
  FakePolicy Whole;
  UpdateCounters Expected;
  ASSERT_TRUE(
      runUpdate(Whole, someSequences(), Settings, Steps, Expected, nullptr)
          .ok());
  const int Checks = 2 * static_cast<int>(Whole.Batches.size());
  FakePolicy Model;
  UpdateCounters Counters;
  const PolicyDigests Before = value(digestsOf(Model));
  for (int At = 1; At <= Checks; ++At) {
    int Check = 0;
    const absl::Status Status =
        runUpdate(Model, someSequences(), Settings, Steps, Counters, [&] {
          return ++Check >= At;
        }).status();
    EXPECT_TRUE(absl::IsCancelled(Status)) << At;
    EXPECT_EQ(value(digestsOf(Model)), Before);
    EXPECT_EQ(Model.gradient(), 0);
    EXPECT_EQ(save(Counters), save(UpdateCounters()));
  }
  int Check = 0;
  ASSERT_TRUE(runUpdate(Model, someSequences(), Settings, Steps, Counters, [&] {
                return ++Check > Checks;
              }).ok());
  EXPECT_EQ(value(digestsOf(Model)), value(digestsOf(Whole)));
  EXPECT_EQ(save(Counters), save(Expected));
}

TEST(Update, CountersAreSavedAndRestored) {
  const UpdateCounters Counters{5, 3, int64_t(1) << 40, 2, 1};
  UpdateCounters Read;
  ASSERT_EQ(restore(save(Counters), Read), absl::OkStatus());
  EXPECT_EQ(save(Read), save(Counters));
  for (const char *Name :
       {"step", "applied", "tokens", "nonfinite", "consecutive_nonfinite"})
    for (const json &Bad : {json(-1), json(1.5), json("1"), json()}) {
      json State = save(Counters);
      State[Name] = Bad;
      EXPECT_EQ(message(restore(State, Read)),
                concat("the trainer's state has no number '", Name, "'"));
    }
  EXPECT_FALSE(restore(json::array(), Read).ok());
}
} // namespace
