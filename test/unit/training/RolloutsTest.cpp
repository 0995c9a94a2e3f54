//===- RolloutsTest.cpp - draws responses and judges them -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Rollouts.h"
#include "test/unit/training/FakePolicy.h"

#include <set>

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
constexpr int64_t StopToken = 10;

Recipe recipe(const json &Keys = json::object()) {
  return recipeOf(Keys, TrainingMode::Reinforcement);
}

/// The right response to a prompt of `copy`: "C305=" -> "305.".
std::vector<int64_t> solution(std::span<const int64_t> Prompt) {
  std::vector<int64_t> Response(Prompt.begin() + 1, Prompt.end() - 1);
  Response.push_back(StopToken);
  return Response;
}

/// A recipe's rollouts, and the notes that they made.
struct Drawn {
  explicit Drawn(const json &Keys) : Settings(recipe(Keys)) {
    EnvironmentContext Context;
    Context.Note = [this](const std::string &Text) { Notes.push_back(Text); };
    Made = Rollouts::create(Settings, Model.limits(), Context);
  }
  RolloutBatch draw() { return value((*Made)->draw(Model, nullptr, nullptr)); }

  Recipe Settings;
  FakePolicy Model;
  std::vector<std::string> Notes;
  absl::StatusOr<std::unique_ptr<Rollouts>> Made;
};

TEST(Rollouts, GroupsOfResponses) {
  Drawn D({{"num_prompts", 2}, {"num_generations", 4}});
  D.Model.Respond = [](std::span<const int64_t> Prompt, size_t I) {
    return I % 4 == 0 ? solution(Prompt) : std::vector<int64_t>{1, 2};
  };
  const RolloutBatch Batch = D.draw();
  ASSERT_EQ(Batch.Responses.size(), 8U);
  for (size_t I = 0; I < 8; ++I) {
    const Response &Each = Batch.Responses[I];
    EXPECT_EQ(Each.PromptNumber, I / 4);
    EXPECT_EQ(Each.Prompt, D.Model.Prompts[I]);
    EXPECT_EQ(Each.Reward, I % 4 == 0 ? 1 : 0);
    EXPECT_EQ(Each.Truncated, I % 4 != 0);
    EXPECT_EQ(Each.LogProbs.size(), Each.Tokens.size());
  }
  EXPECT_EQ(Batch.Limit, 8);
  const std::vector<TrainingSequence> Part = (*D.Made)->sequences(Batch, 4, 6);
  ASSERT_EQ(Part.size(), 2U);
  EXPECT_EQ(Part[0].Number, 4);
  EXPECT_EQ(Part[0].PromptTokens,
            static_cast<int64_t>(Batch.Responses[4].Prompt.size()));
  EXPECT_EQ(Part[0].OldLogProbs, Batch.Responses[4].LogProbs);
  EXPECT_GT(Part[0].Advantage, 0);
  EXPECT_LT(Part[1].Advantage, 0);
}

TEST(Rollouts, SeedsAndPromptsDiffer) {
  // Each batch, each redraw and each environment has its own.
  Drawn D({{"environments", {"copy", "parity"}},
           {"dynamic_sampling", true},
           {"dynamic_sampling_max_redraws", 2}});
  D.Model.Respond = [](std::span<const int64_t>, size_t) {
    return std::vector<int64_t>{1};
  };
  D.draw();
  D.draw();
  EXPECT_EQ(D.Model.Seeds.size(), 12U);
  EXPECT_EQ(
      std::set<uint64_t>(D.Model.Seeds.begin(), D.Model.Seeds.end()).size(),
      12U);
  for (uint64_t Seed : D.Model.Seeds)
    EXPECT_LT(Seed, uint64_t(1) << 32); // the other bits number sequences
  Drawn Other({{"environments", {"copy", "parity"}}, {"seed", 1}});
  Other.draw();
  EXPECT_NE(Other.Model.Seeds[0], D.Model.Seeds[0]);
}

TEST(Rollouts, DynamicSamplingReplacesGroupsOfEqualRewards) {
  Drawn D(
      {{"num_prompts", 3}, {"num_generations", 2}, {"dynamic_sampling", true}});
  // In the first round, only the second group has a signal.
  std::vector<int64_t> Second;
  D.Model.Respond = [&](std::span<const int64_t> Prompt, size_t I) {
    const bool Redraw = D.Model.Seeds.size() > 1;
    if (!Redraw && I == 2)
      Second.assign(Prompt.begin(), Prompt.end());
    return (Redraw && I % 2 == 0) || I == 2 ? solution(Prompt)
                                            : std::vector<int64_t>{1};
  };
  const RolloutBatch Batch = D.draw();
  EXPECT_EQ(D.Model.Seeds.size(), 2U);
  EXPECT_EQ(Batch.Redraws, 1);
  EXPECT_EQ(Batch.Responses.size(), 6U);
  EXPECT_EQ(Batch.Responses[0].Prompt, Second);
  EXPECT_EQ(Batch.Responses[2].PromptNumber, 3U);
  EXPECT_EQ(Batch.Responses[4].PromptNumber, 4U);
  EXPECT_EQ(Batch.Judged.ShareWithoutSignal, 0);
  EXPECT_TRUE(D.Notes.empty());
  // The figure is that of the first round.
  Metrics Figures;
  (*D.Made)->addMetrics(Batch, Figures);
  EXPECT_EQ(Figures.get(Metric::FracRewardZeroStd), 2 / 3.0);
  EXPECT_EQ(Figures.get(Metric::Redraws), 1);
}

TEST(Rollouts, DynamicSamplingEnds) {
  Drawn D({{"num_prompts", 3},
           {"num_generations", 2},
           {"dynamic_sampling", true},
           {"dynamic_sampling_max_redraws", 2}});
  D.Model.Respond = [](std::span<const int64_t>, size_t) {
    return std::vector<int64_t>{1};
  };
  const RolloutBatch Batch = D.draw();
  EXPECT_EQ(Batch.Redraws, 2);
  EXPECT_EQ(D.Model.Seeds.size(), 3U);
  EXPECT_EQ(Batch.Responses.size(), 6U);
  EXPECT_EQ(Batch.Responses[0].PromptNumber, 6U);
  EXPECT_EQ(D.Notes, std::vector<std::string>{
                         "dynamic sampling: 3 of 3 groups still have equal "
                         "rewards after 2 redraws "
                         "(dynamic_sampling_max_redraws); they carry no "
                         "gradient"});
  for (const TrainingSequence &Each : (*D.Made)->sequences(Batch, 0, 6))
    EXPECT_EQ(Each.Advantage, 0);
}

TEST(Rollouts, LongResponsesArePenalised) {
  Drawn D({{"overlong_buffer_length", 4},
           {"overlong_penalty_factor", 2},
           {"num_prompts", 1},
           {"num_generations", 3}});
  D.Model.Respond = [](std::span<const int64_t>, size_t I) {
    return std::vector<int64_t>(4 + 2 * I, 1);
  };
  const RolloutBatch Batch = D.draw();
  EXPECT_EQ(Batch.Responses[0].Reward, 0);
  EXPECT_EQ(Batch.Responses[1].Reward, -1);
  EXPECT_EQ(Batch.Responses[2].Reward, -2);
}

TEST(Rollouts, EnvironmentsAreChosenByTheirWeights) {
  Drawn D({{"environments", {"copy", "parity", "sorting"}},
           {"environment_weights", {1, 2, 5}},
           {"num_prompts", 16},
           {"num_generations", 2}});
  for (int Round = 0; Round < 2; ++Round) {
    std::vector<int> Counts(3);
    for (const Response &Each : D.draw().Responses)
      ++Counts[Each.Environment];
    EXPECT_EQ(Counts, (std::vector<int>{4, 8, 20}));
  }
}

TEST(Rollouts, EnvironmentsOfTheSameNameHaveNumbers) {
  Drawn D({{"environments",
            {{{"name", "copy"}, {"seed", 1}},
             "parity",
             {{"name", "copy"}, {"seed", 2}}}}});
  EXPECT_EQ((*D.Made)->label(0), "copy.0");
  EXPECT_EQ((*D.Made)->label(1), "parity");
  EXPECT_EQ((*D.Made)->label(2), "copy.2");
  Metrics Figures;
  (*D.Made)->addMetrics(D.draw(), Figures);
  const json Line = json::parse(Figures.jsonLine());
  for (const char *Name : {"copy.0", "parity", "copy.2"})
    EXPECT_TRUE(Line.contains(concat("rewards/", Name, "/mean"))) << Line;
}

TEST(Rollouts, ResponsesWithoutARewardAreMasked) {
  // Of three responses to a prompt, one has no reward.
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("env.py");
  writeFile(Path, R"(
import json, sys
asked = 0
for line in sys.stdin:
    request = json.loads(line)
    reply = {"id": request["id"], "vocabulary": 64, "prompt": [1, 2]}
    if request["type"] == "prompt":
        asked += 1
        reply["metadata"] = {"asked": asked}
    if request["type"] == "reward":
        first = request["response"][0]
        reply["reward"] = None if first == 3 else first + 10 * request["metadata"]["asked"]
    print(json.dumps(reply), flush=True)
)");
  Drawn D({{"environments",
            {{{"name", "program"}, {"command", {M1_PYTHON, "-S", Path}}}}},
           {"num_prompts", 2},
           {"num_generations", 3},
           {"mini_batches", 1}});
  D.Model.Respond = [](std::span<const int64_t>, size_t I) {
    return std::vector<int64_t>(2, static_cast<int64_t>(I % 3 + 1));
  };
  const RolloutBatch Batch = D.draw();
  // The metadata are those of each group's prompt, which is made once.
  EXPECT_EQ(Batch.Responses[0].Reward, 11);
  EXPECT_EQ(Batch.Responses[1].Reward, 12);
  EXPECT_EQ(Batch.Responses[4].Reward, 22);
  EXPECT_TRUE(std::isnan(Batch.Responses[5].Reward));
  const std::vector<TrainingSequence> All = (*D.Made)->sequences(Batch, 0, 6);
  for (size_t I = 0; I < 6; ++I) {
    const float Weight = I % 3 == 2 ? 0 : 1 / 8.0F;
    EXPECT_EQ(All[I].Weights, std::vector<float>(2, Weight));
    EXPECT_EQ(All[I].Advantage == 0, I % 3 == 2);
  }
  Metrics Figures;
  (*D.Made)->addMetrics(Batch, Figures);
  EXPECT_EQ(Figures.get(Metric::RewardMissing), 1 / 3.0);
  EXPECT_EQ(Figures.get(Metric::Reward), 16.5);
}

TEST(Rollouts, NoiseIsOnLogProbabilitiesOnly) {
  Drawn Plain(json::object()), Noisy({{"rollout_noise", 0.5}});
  const RolloutBatch Expected = Plain.draw(), Found = Noisy.draw();
  double Sum = 0, Squares = 0, Count = 0;
  for (size_t I = 0; I < Expected.Responses.size(); ++I) {
    EXPECT_EQ(Found.Responses[I].Tokens, Expected.Responses[I].Tokens);
    for (size_t T = 0; T < Expected.Responses[I].Tokens.size(); ++T) {
      const double Noise = double(Found.Responses[I].LogProbs[T]) -
                           double(Expected.Responses[I].LogProbs[T]);
      EXPECT_NE(Noise, 0);
      Sum += Noise;
      Squares += Noise * Noise;
      Count += 1;
    }
  }
  EXPECT_LT(std::abs(Sum / Count), 0.4);
  EXPECT_NEAR(std::sqrt(Squares / Count), 0.5, 0.25);
  const RolloutBatch Next = Noisy.draw();
  EXPECT_NE(Next.Responses[0].LogProbs[0] -
                Plain.draw().Responses[0].LogProbs[0],
            Found.Responses[0].LogProbs[0] - Expected.Responses[0].LogProbs[0]);
}

TEST(Rollouts, LimitsRiseInStages) {
  Drawn D({{"max_completion_length", {3, 6}},
           {"length_stage_window", 2},
           {"num_prompts", 1}});
  D.Model.Respond = [](std::span<const int64_t>, size_t) {
    return std::vector<int64_t>(20, 1);
  };
  EXPECT_EQ(D.draw().lengths(), std::vector<int64_t>(4, 3));
  const json Before = (*D.Made)->save();
  EXPECT_EQ(D.draw().Limit, 3);
  EXPECT_EQ(D.Notes, std::vector<std::string>{
                         "responses may have 6 tokens from here on, instead of "
                         "3"});
  EXPECT_EQ(D.draw().lengths(), std::vector<int64_t>(4, 6));
  ASSERT_EQ((*D.Made)->restore(Before), absl::OkStatus());
  EXPECT_EQ(D.draw().Limit, 3);
  EXPECT_EQ(D.draw().Limit, 6);
}

TEST(Rollouts, SequencesThatNeverFitAreRefusedAtOnce) {
  auto ErrorOf = [](const json &Keys) {
    return message(Drawn(Keys).Made.status());
  };
  const std::string End = ", for a prompt belongs to the sequence";
  EXPECT_EQ(ErrorOf({{"max_completion_length", 64}}),
            "max_completion_length: found 64; expected less than 64 (m1c "
            "--max-length)" +
                End);
  EXPECT_EQ(
      ErrorOf({{"max_completion_length", {4, 16}}, {"micro_batch_tokens", 16}}),
      "max_completion_length: found 16; expected less than 16 (m1c "
      "--train-tokens or micro_batch_tokens)" +
          End);
  EXPECT_EQ(ErrorOf({{"max_completion_length", 63}}), "");

  // A prompt that leaves too little room, before anything is generated.
  Drawn E({{"max_completion_length", 57},
           {"environments",
            {{{"name", "copy"}, {"min_length", 6}, {"max_length", 6}}}}});
  EXPECT_EQ(message((*E.Made)->draw(E.Model, nullptr, nullptr).status()),
            "environment 'copy': prompt 0: 8 tokens and 57 of a response "
            "(max_completion_length); a sequence has at most 64 (m1c "
            "--max-length)");
  EXPECT_TRUE(E.Model.Seeds.empty());
  Drawn F({{"max_completion_length", 56},
           {"environments",
            {{{"name", "copy"}, {"min_length", 6}, {"max_length", 6}}}}});
  EXPECT_EQ(F.draw().Responses[0].Prompt.size(), 8U);

  Drawn Small(json::object());
  Small.Model.Bounds.Vocabulary = 20;
  const std::string Vocabulary = message(
      Rollouts::create(Small.Settings, Small.Model.limits(), {}).status());
  EXPECT_NE(Vocabulary.find("environment 'copy' has tokens up to "),
            std::string::npos);
  EXPECT_NE(Vocabulary.find("the model's vocabulary is 20"), std::string::npos);
}

TEST(Rollouts, StatesOfOthersAreRefused) {
  Drawn D(json::object());
  const json Good = (*D.Made)->save();
  EXPECT_EQ((*D.Made)->restore(Good), absl::OkStatus());
  auto Refused = [&](const char *Name, const json &Value) {
    json Bad = Good;
    Bad[Name] = Value;
    EXPECT_EQ(message((*D.Made)->restore(Bad)),
              "the trainer's state is not that of this recipe's rollouts")
        << Bad;
  };
  Refused("batches", -1);
  Refused("batches", "1");
  Refused("next_prompt", json::array());
  Refused("next_prompt", {1, 2});
  Refused("next_prompt", {-1});
  Refused("stage", 1);
  Refused("perplexities", {"x"});
  EXPECT_FALSE((*D.Made)->restore(json()).ok());
}
} // namespace
