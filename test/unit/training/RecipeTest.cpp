//===- RecipeTest.cpp - the settings of a training run --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Recipe.h"
#include "runtime/training/RecipeKeys.h"
#include "test/unit/TestSupport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {
constexpr TrainingMode Train = TrainingMode::Reinforcement;
constexpr TrainingMode Sft = TrainingMode::Supervised;

/// A recipe with what must be given, and these keys.
absl::StatusOr<Recipe> parse(const std::string &Keys,
                             TrainingMode Mode = Train) {
  json Value = json::parse(Keys);
  if (Mode == Train) {
    if (!Value.contains("environments"))
      Value["environments"] = json::parse(R"(["sorting"])");
    if (!Value.contains("max_steps"))
      Value["max_steps"] = 100;
  }
  return parseRecipe(Value, "r.json", Mode);
}

Recipe recipeOf(const std::string &Keys, TrainingMode Mode = Train) {
  absl::StatusOr<Recipe> R = parse(Keys, Mode);
  EXPECT_TRUE(R.ok()) << R.status();
  return R.ok() ? *std::move(R) : Recipe();
}

std::string errorOf(const std::string &Keys, TrainingMode Mode = Train) {
  return std::string(parse(Keys, Mode).status().message());
}

TEST(Recipe, DefaultsAreTheReports) {
  Recipe R = recipeOf("{}");
  EXPECT_EQ(R.Environments, json::parse(R"([{"name": "sorting"}])"));
  EXPECT_EQ(R.MiniBatches, 16);
  EXPECT_EQ(R.RepetitionStopTokens, 3000);
  LossSettings Loss = R.loss();
  EXPECT_EQ(Loss.Type, LossType::Cispo);
  EXPECT_EQ(Loss.Normalization, LossNormalization::Token);
  EXPECT_EQ(Loss.RatioMin, 0);
  EXPECT_EQ(Loss.RatioMax, 5);
  EXPECT_EQ(Loss.MaskAbove, std::nullopt);
  UpdateSettings Update = R.update(1, R.MaxSteps, {});
  EXPECT_EQ(Update.LearningRate, 1e-6);
  EXPECT_EQ(Update.Beta2, 0.95);
  EXPECT_EQ(Update.Epsilon, 1e-15);
  EXPECT_THAT(R.Notes, IsEmpty());
}

TEST(Recipe, SettingsReachWhereTheyBelong) {
  Recipe R = recipeOf(R"({
    "environments": ["a", {"name": "b", "digits": 3}],
    "environment_weights": [1, 2.5],
    "max_completion_length": [100, 200], "length_stage_near": 0.5,
    "length_stage_window": 3, "length_stage_tolerance": 0.25,
    "temperature": 0.75, "repetition_stop_tokens": 10,
    "repetition_stop_probability": 0.5, "scale_rewards": "none",
    "mask_ratio_min": 0.5, "mask_ratio_max": 2.5,
    "mask_truncated_completions": true, "ratio_min": 0.25, "ratio_max": 4,
    "loss_normalization": "sample_then_token",
    "learning_rate": 0.5, "lr_scheduler_type": "linear", "warmup_steps": 2,
    "max_steps": 6, "adam_beta1": 0.8, "adam_beta2": 0.7,
    "adam_epsilon": 1e-9, "weight_decay": 0.125,
    "weight_decay_exclude": ["bias"], "max_grad_norm": 0.25})");
  EXPECT_EQ(R.Environments[1], json::parse(R"({"name": "b", "digits": 3})"));
  EXPECT_THAT(R.EnvironmentWeights, ElementsAre(1, 2.5));
  LengthStageSettings Stages = R.lengthStages();
  EXPECT_THAT(Stages.Limits, ElementsAre(100, 200));
  EXPECT_EQ(Stages.NearLimit, 0.5);
  EXPECT_EQ(Stages.Window, 3);
  EXPECT_EQ(Stages.Tolerance, 0.25);
  GenerateOptions Options = R.generation(100);
  EXPECT_EQ(Options.MaxNewTokens, 100);
  EXPECT_EQ(Options.Temperature, 0.75F);
  EXPECT_EQ(Options.TopP, 1);
  EXPECT_EQ(Options.EarlyStopCount, 10);
  EXPECT_EQ(Options.EarlyStopProbability, 0.5);
  EXPECT_EQ(R.rewardScaling(), RewardScaling::None);
  LossSettings Loss = R.loss();
  EXPECT_EQ(Loss.RatioMin, 0.25);
  EXPECT_EQ(Loss.RatioMax, 4);
  EXPECT_EQ(Loss.MaskBelow, 0.5);
  EXPECT_EQ(Loss.MaskAbove, 2.5);
  EXPECT_EQ(Loss.Normalization, LossNormalization::SampleThenToken);
  EXPECT_TRUE(Loss.MaskTruncated);
  const std::vector<TrainedTensor> Tensors = {
      {"a.weight", ElementType::F32, {1}}, {"a.bias", ElementType::F32, {1}}};
  UpdateSettings Update = R.update(4, R.MaxSteps, Tensors);
  EXPECT_EQ(Update.LearningRate, 0.375);
  EXPECT_EQ(Update.Beta1, 0.8);
  EXPECT_EQ(Update.Beta2, 0.7);
  EXPECT_EQ(Update.Epsilon, 1e-9);
  EXPECT_THAT(Update.WeightDecay, ElementsAre(0.125F, 0));
  EXPECT_EQ(Update.MaxGradNorm, 0.25);
  EXPECT_EQ(Update.Step, 4);
}

TEST(Recipe, LossTypesHaveTheirOwnNormalization) {
  EXPECT_EQ(recipeOf(R"({"loss_type": "grpo"})").loss().Normalization,
            LossNormalization::Sequence);
  EXPECT_EQ(recipeOf(R"({"loss_type": "dapo"})").loss().Normalization,
            LossNormalization::Token);
  LossSettings DrGrpo =
      recipeOf(R"({"loss_type": "dr_grpo", "max_completion_length": [64, 80]})")
          .loss();
  EXPECT_EQ(DrGrpo.Normalization, LossNormalization::Constant);
  EXPECT_EQ(DrGrpo.Constant, 80);
  EXPECT_EQ(
      recipeOf(R"({"loss_normalization": "constant", "loss_constant": 7})")
          .loss()
          .Constant,
      7);
  EXPECT_EQ(errorOf(R"({"loss_constant": 7})"),
            "r.json: loss_constant: found with loss_normalization token; "
            "expected it with constant only");
}

TEST(Recipe, EpsilonsOfPpoAreOffsets) {
  LossSettings Loss = recipeOf(R"({"loss_type": "grpo"})").loss();
  EXPECT_DOUBLE_EQ(Loss.RatioMin, 0.8);
  EXPECT_DOUBLE_EQ(Loss.RatioMax, 1.2);
  // Both libraries mean the same.
  for (const char *Convention : {"", "trl", "verl"}) {
    json Keys = {{"loss_type", "dapo"},
                 {"epsilon", 0.25},
                 {"epsilon_high", 0.5},
                 {"epsilon_convention", Convention}};
    Loss = recipeOf(Keys.dump()).loss();
    EXPECT_EQ(Loss.RatioMin, 0.75);
    EXPECT_EQ(Loss.RatioMax, 1.5);
  }
  EXPECT_THAT(errorOf(R"({"loss_type": "grpo", "ratio_max": 5})"),
              HasSubstr("ratio_max: found with loss_type grpo"));
  EXPECT_THAT(errorOf(R"({"loss_type": "dapo", "mask_ratio_min": 0.5})"),
              HasSubstr("mask_ratio_min: found with loss_type dapo"));
  EXPECT_THAT(errorOf(R"({"loss_type": "grpo", "epsilon": 1.5})"),
              HasSubstr("epsilon: found 1.5; expected at most 1"));
}

TEST(Recipe, EpsilonsOfCispoNeedAConvention) {
  EXPECT_THAT(errorOf(R"({"epsilon_high": 5})"),
              HasSubstr("r.json: epsilon_high: ambiguous with loss_type "
                        "cispo; expected epsilon_convention"));
  EXPECT_THAT(errorOf(R"({"epsilon": 0.2})"),
              HasSubstr("r.json: epsilon: ambiguous"));
  Recipe Trl = recipeOf(R"({"epsilon_high": 5, "epsilon_convention": "trl"})");
  EXPECT_EQ(Trl.loss().RatioMax, 5);
  EXPECT_EQ(Trl.loss().RatioMin, 0);
  EXPECT_THAT(Trl.Notes,
              ElementsAre("r.json: epsilon_high 5.0 (trl: the bound itself) is "
                          "ratio_max 5.0"));
  Recipe Verl = recipeOf(R"({"epsilon_high": 4, "epsilon": 0.25,
                             "epsilon_convention": "verl"})");
  EXPECT_EQ(Verl.loss().RatioMax, 5);
  EXPECT_EQ(Verl.loss().RatioMin, 0.75);
  EXPECT_EQ(Verl.Notes.size(), 2U);
  EXPECT_EQ(recipeOf(R"({"epsilon": 10, "epsilon_convention": "verl"})")
                .loss()
                .RatioMin,
            0);
  EXPECT_THAT(errorOf(R"({"epsilon": 0.2, "epsilon_convention": "trl"})"),
              HasSubstr("epsilon: found with epsilon_convention trl"));
  EXPECT_THAT(errorOf(R"({"epsilon_high": 5, "ratio_max": 5,
                          "epsilon_convention": "trl"})"),
              HasSubstr("epsilon_high: found beside ratio_min or ratio_max"));
  EXPECT_THAT(errorOf(R"({"ratio_min": 6})"),
              HasSubstr("ratio_min: found 6.0; expected at most ratio_max"));
}

TEST(Recipe, UnknownKeysAreRefusedWithTheNearest) {
  EXPECT_EQ(errorOf(R"({"learning_rat": 1})"),
            "r.json: learning_rat: unknown key; did you mean learning_rate?");
  EXPECT_EQ(errorOf(R"({"num_generation": 1})"),
            "r.json: num_generation: unknown key; did you mean "
            "num_generations?");
  EXPECT_EQ(errorOf(R"({"zzz": 1})"),
            "r.json: zzz: unknown key; docs/reference/recipes.md lists the "
            "known ones");
  EXPECT_EQ(errorOf(R"({"clip_ratio_high": 0.28})"),
            "r.json: clip_ratio_high: unknown key; use epsilon_high");
  EXPECT_EQ(errorOf(R"({"num_generations": 4})", Sft),
            "r.json: num_generations: found a key of m1run train; expected "
            "keys of m1run sft");
  EXPECT_EQ(errorOf(R"({"batch_size": 4})"),
            "r.json: batch_size: found a key of m1run sft; expected keys of "
            "m1run train");
  EXPECT_LT(errorOf(json{{std::string(100000, 'x'), 1}}.dump()).size(), 300U);
}

TEST(Recipe, AdviceOnForeignKeysNamesKnownOnes) {
  std::set<std::string_view> Known;
  for (const RecipeKey &Key : recipeKeys())
    EXPECT_TRUE(Known.insert(Key.Name).second) << Key.Name;
  for (const ForeignKey &Key : foreignKeys()) {
    EXPECT_FALSE(Known.contains(Key.Name)) << Key.Name;
    const bool NamesOne = std::ranges::any_of(Known, [&](std::string_view N) {
      return Key.Advice.find(N) != std::string_view::npos;
    });
    EXPECT_TRUE(NamesOne ||
                Key.Advice.find("leave it out") != std::string_view::npos)
        << Key.Name;
  }
}

TEST(Recipe, WrongValuesAreRefused) {
  const std::pair<const char *, const char *> Cases[] = {
      {R"({"num_prompts": 2.5})",
       "num_prompts: found 2.5; expected an integer from 1 to 1048576"},
      {R"({"num_generations": 1})",
       "num_generations: found 1; expected an integer from 2 to 65536"},
      {R"({"num_generations": "8"})",
       "num_generations: found \"8\"; expected an integer from 2 to 65536"},
      {R"({"learning_rate": -1})",
       "learning_rate: found -1; expected a number of at least 0"},
      {R"({"learning_rate": null})",
       "learning_rate: found null; expected a number of at least 0"},
      {R"({"adam_beta2": 1})",
       "adam_beta2: found 1; expected a number from 0 to below 1"},
      {R"({"temperature": 0})",
       "temperature: found 0; expected a number above 0 and at most 100"},
      {R"({"top_p": 0.9})", "top_p: found 0.9; expected a number equal to 1"},
      {R"({"top_k": 50})", "top_k: found 50; expected an integer equal to 0"},
      {R"({"ratio_max": 0})",
       "ratio_max: found 0; expected a number above 0 or null"},
      {R"({"loss_type": "ppo"})",
       "loss_type: found \"ppo\"; expected one of cispo, grpo, dapo, dr_grpo, "
       "cross_entropy"},
      {R"({"loss_type": "cross_entropy"})",
       "loss_type: found cross_entropy; expected one of cispo, grpo, dapo, "
       "dr_grpo for m1run train"},
      {R"({"shuffle": 1})",
       "shuffle: found a key of m1run sft; expected keys of m1run train"},
      {R"({"dynamic_sampling": 1})",
       "dynamic_sampling: found 1; expected true or false"},
      {R"({"max_completion_length": [8, 8]})",
       "max_completion_length: found [8,8]; expected an ascending list of "
       "integers from 1 to 2147483647, or one of them"},
      {R"({"max_completion_length": []})",
       "max_completion_length: found []; expected an ascending list of "
       "integers from 1 to 2147483647, or one of them"},
      {R"({"environments": []})",
       "environments: found []; expected a list of objects with a name, or of "
       "names, not empty"},
      {R"({"environments": [{"seed": 1}]})",
       "environments: found [{\"seed\":1}]; expected a list of objects with a "
       "name, or of names, not empty"},
      {R"({"environment_weights": [1, 2]})",
       "environment_weights: found 2 numbers; expected one for each of 1 "
       "environments"},
      {R"({"mini_batches": 9, "num_prompts": 2, "num_generations": 4})",
       "mini_batches: found 9; expected at most num_prompts times "
       "num_generations, 8"},
      {R"({"warmup_steps": 101})",
       "warmup_steps: found 101; expected at most max_steps, 100"},
      {R"({"max_steps": 0})",
       "max_steps: found 0; expected an integer of at least 1 for m1run train"},
      {R"({"overlong_buffer_length": 257})",
       "overlong_buffer_length: found 257; expected at most the first limit of "
       "max_completion_length, 256"},
      {R"({"mask_ratio_min": 2, "mask_ratio_max": 1})",
       "mask_ratio_min: found 2.0; expected at most mask_ratio_max, 1.0"},
  };
  for (const auto &[Keys, Message] : Cases)
    EXPECT_EQ(errorOf(Keys), concat("r.json: ", Message));
}

TEST(Recipe, MustGiveWhatHasNoDefault) {
  auto ErrorOf = [](const char *Text, TrainingMode Mode) {
    return std::string(
        parseRecipe(json::parse(Text), "r.json", Mode).status().message());
  };
  EXPECT_EQ(ErrorOf(R"({"max_steps": 1})", Train),
            "r.json: environments: found nothing; expected a list of objects "
            "with a name, or of names, not empty");
  EXPECT_EQ(ErrorOf(R"({"environments": ["a"]})", Train),
            "r.json: max_steps: found nothing; expected an integer of at least "
            "0");
  EXPECT_EQ(ErrorOf("{}", Sft), "");
  EXPECT_EQ(ErrorOf("[]", Sft),
            "r.json: expected a JSON object with the recipe");
}

TEST(Recipe, SupervisedHasItsOwnDefaults) {
  Recipe R = recipeOf("{}", Sft);
  EXPECT_EQ(R.loss().Type, LossType::CrossEntropy);
  EXPECT_EQ(R.loss().Normalization, LossNormalization::Token);
  EXPECT_EQ(R.LearningRate, 1e-5);
  EXPECT_EQ(R.MaxSteps, 0);
  EXPECT_EQ(R.BatchSize, 32);
  EXPECT_TRUE(R.CompletionOnlyLoss);
  EXPECT_EQ(errorOf(R"({"loss_type": "cispo"})", Sft),
            "r.json: loss_type: found cispo; expected cross_entropy for m1run "
            "sft");
  EXPECT_THAT(errorOf(R"({"loss_normalization": "constant"})", Sft),
              HasSubstr("loss_constant: found nothing"));
}

TEST(Recipe, DescriptionIsARecipe) {
  const std::pair<const char *, TrainingMode> Cases[] = {
      {"{}", Train},
      {"{}", Sft},
      {R"({"loss_type": "dr_grpo", "epsilon": 0.1})", Train},
      {R"({"epsilon_high": 0.28, "epsilon_convention": "verl"})", Train},
      {R"({"mask_ratio_max": 1.5, "max_completion_length": [16, 20],
           "environments": [{"name": "a", "digits": 2}, "b"],
           "environment_weights": [0.1, 3], "learning_rate": 3.7e-6})",
       Train}};
  for (const auto &[Keys, Mode] : Cases) {
    const nlohmann::ordered_json Once = describe(recipeOf(Keys, Mode));
    auto Again = parseRecipe(json::parse(Once.dump()), "d.json", Mode);
    ASSERT_TRUE(Again.ok()) << Again.status();
    EXPECT_EQ(describe(*Again).dump(), Once.dump());
    EXPECT_THAT(Again->Notes, IsEmpty());
    EXPECT_EQ(Once.begin().key(), Mode == Train ? "environments" : "loss_type");
  }
  EXPECT_EQ(describe(recipeOf(R"({"epsilon_high": 0.5,
                                  "epsilon_convention": "verl"})"))
                ["ratio_max"],
            1.5);
}

TEST(Recipe, EveryKeyCanBeSetToItsDefault) {
  // And each default is in its own range.
  for (TrainingMode Mode : {Train, Sft})
    for (const RecipeKey &Key : recipeKeys()) {
      const std::string_view Default = Key.defaultFor(Mode);
      if (!Key.belongsTo(Mode) || Default.empty())
        continue;
      json Value = {{std::string(Key.Name), json::parse(Default)}};
      EXPECT_EQ(errorOf(Value.dump(), Mode), "") << Key.Name;
    }
}

TEST(Recipe, ReadsFiles) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("recipe.json");
  writeFile(Path, R"({"batch_size": 3})");
  absl::StatusOr<Recipe> R = readRecipe(Path, Sft);
  ASSERT_TRUE(R.ok()) << R.status();
  EXPECT_EQ(R->BatchSize, 3);
  writeFile(Path, R"({"seed": Infinity})");
  EXPECT_EQ(readRecipe(Path, Sft).status().message(),
            Path + ": seed: found null; expected an integer from 0 to "
                   "2147483647");
  writeFile(Path, "{");
  EXPECT_THAT(std::string(readRecipe(Path, Sft).status().message()),
              HasSubstr("not valid JSON"));
}
} // namespace
