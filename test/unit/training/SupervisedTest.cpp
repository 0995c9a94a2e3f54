//===- SupervisedTest.cpp - training on given sequences -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Supervised.h"
#include "test/unit/training/FakePolicy.h"

#include <set>

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
/// Example I is tokens I, I + 1, ..., of which the last two count.
std::vector<Example> examples(int64_t Count) {
  std::vector<Example> Result;
  for (int64_t I = 0; I < Count; ++I) {
    Example Each;
    Each.Name = concat("example ", I);
    for (int64_t T = 0; T < 4 + I % 3; ++T)
      Each.Tokens.push_back(I + T);
    Each.Counts.assign(Each.Tokens.size(), false);
    Each.Counts[Each.Counts.size() - 2] = Each.Counts.back() = true;
    Result.push_back(std::move(Each));
  }
  return Result;
}

Recipe recipe(const json &Keys) {
  return recipeOf(Keys, TrainingMode::Supervised);
}

std::unique_ptr<SupervisedTrainer> trainer(const Recipe &Settings,
                                           int64_t Count) {
  return value(SupervisedTrainer::create(Settings, FakePolicy().limits(),
                                         examples(Count)));
}

std::vector<TrainingSequence> sequencesOf(SupervisedTrainer &How,
                                          int64_t Step) {
  FakePolicy Model;
  return value(How.prepare(Step, Model, {}));
}

/// The examples of a step: their first tokens.
std::vector<int64_t> firsts(SupervisedTrainer &How, int64_t Step) {
  std::vector<int64_t> Result;
  for (const TrainingSequence &Each : sequencesOf(How, Step))
    Result.push_back(Each.Tokens[0]);
  return Result;
}

TEST(Supervised, EachExampleOnceInEachEpoch) {
  const Recipe Settings =
      recipe({{"batch_size", 3}, {"num_train_epochs", 4}, {"seed", 5}});
  auto How = trainer(Settings, 8);
  ASSERT_EQ(How->steps(), 12); // 3, 3 and 2 examples
  std::set<std::vector<int64_t>> Orders;
  for (int64_t Epoch = 0; Epoch < 4; ++Epoch) {
    std::vector<int64_t> Order;
    for (int64_t Step = 1; Step <= 3; ++Step) {
      const std::vector<int64_t> Part = firsts(*How, 3 * Epoch + Step);
      EXPECT_EQ(Part.size(), Step == 3 ? 2U : 3U);
      Order.insert(Order.end(), Part.begin(), Part.end());
    }
    Orders.insert(Order);
    std::ranges::sort(Order);
    EXPECT_EQ(Order, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  }
  EXPECT_EQ(Orders.size(), 4U);

  // The order follows from the seed alone.
  auto Again = trainer(Settings, 8);
  const Recipe OtherSeed =
      recipe({{"batch_size", 3}, {"num_train_epochs", 4}, {"seed", 6}});
  auto Other = trainer(OtherSeed, 8);
  bool Differs = false;
  for (int64_t Step = 12; Step >= 1; --Step) {
    EXPECT_EQ(firsts(*Again, Step), firsts(*How, Step));
    Differs = Differs || firsts(*Other, Step) != firsts(*How, Step);
  }
  EXPECT_TRUE(Differs);
}

TEST(Supervised, OrderAndStepsThatAreGiven) {
  const Recipe Settings =
      recipe({{"batch_size", 3}, {"shuffle", false}, {"max_steps", 5}});
  auto How = trainer(Settings, 4);
  EXPECT_EQ(How->steps(), 5);
  EXPECT_EQ(firsts(*How, 1), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(firsts(*How, 2), (std::vector<int64_t>{3}));
  EXPECT_EQ(firsts(*How, 5), (std::vector<int64_t>{0, 1, 2}));
}

TEST(Supervised, WeightsFollowTheMask) {
  const Recipe Settings = recipe({{"batch_size", 2}, {"shuffle", false}});
  auto How = trainer(Settings, 2);
  const std::vector<TrainingSequence> Masked = sequencesOf(*How, 1);
  EXPECT_EQ(Masked[0].PromptTokens, 1);
  EXPECT_EQ(Masked[0].Weights, (std::vector<float>{0, 0.25F, 0.25F}));
  EXPECT_EQ(Masked[1].Weights, (std::vector<float>{0, 0, 0.25F, 0.25F}));
  const Recipe All = recipe(
      {{"batch_size", 2}, {"shuffle", false}, {"completion_only_loss", false}});
  EXPECT_EQ(sequencesOf(*trainer(All, 2), 1)[0].Weights,
            std::vector<float>(3, 1 / 7.0F));
}

TEST(Supervised, ExamplesThatDoNotFit) {
  auto ErrorOf = [](const Recipe &Settings, std::vector<Example> Given) {
    return message(SupervisedTrainer::create(Settings, FakePolicy().limits(),
                                             std::move(Given))
                       .status());
  };
  const Recipe Plain = recipe({}), Small = recipe({{"micro_batch_tokens", 5}});
  EXPECT_EQ(ErrorOf(Plain, {}), "no sequences to train on");
  EXPECT_EQ(ErrorOf(Small, examples(3)),
            "example 2: 6 tokens, expected at most 5 (m1c --train-tokens and "
            "--max-length, micro_batch_tokens)");
  std::vector<Example> Given = examples(2);
  Given[1].Tokens = {1};
  EXPECT_EQ(ErrorOf(Plain, Given), "example 1: 1 tokens, expected at least 2: "
                                   "the first is not predicted");
  Given[1].Tokens = {1, 2};
  EXPECT_EQ(ErrorOf(Plain, Given), "example 1: 2 tokens and a mask of 5");
  Given[1].Counts.clear();
  for (int64_t Token : {-1, 64}) {
    Given[1].Tokens[1] = Token;
    EXPECT_EQ(ErrorOf(Plain, Given),
              concat("example 1: token 1 is ", Token,
                     ", expected 0 to 63, the model's vocabulary"));
  }
}

TEST(Supervised, OnlyTheSameExamplesGoOn) {
  const Recipe Settings = recipe({});
  auto How = trainer(Settings, 4);
  const json State = value(How->save());
  EXPECT_EQ(trainer(Settings, 4)->restore(State), absl::OkStatus());
  EXPECT_EQ(message(trainer(Settings, 5)->restore(State)),
            "the run was started with 4 sequences, found 5");
  const auto ErrorWith = [&](const std::function<void(Example &)> &Change) {
    std::vector<Example> Given = examples(4);
    Change(Given[2]);
    auto Other = value(SupervisedTrainer::create(
        Settings, FakePolicy().limits(), std::move(Given)));
    return message(Other->restore(State));
  };
  EXPECT_EQ(ErrorWith([](Example &) {}), "");
  const std::string Changed =
      "the run was started with other sequences, or in another order";
  EXPECT_EQ(ErrorWith([](Example &Each) { Each.Tokens[1] = 9; }), Changed);
  EXPECT_EQ(ErrorWith([](Example &Each) { Each.Counts[1] = true; }), Changed);
  EXPECT_EQ(ErrorWith([](Example &Each) { Each.Counts.clear(); }), Changed);
  EXPECT_FALSE(How->restore(json::object()).ok());
  EXPECT_FALSE(How->restore({{"rollouts", 1}}).ok());
}
} // namespace
