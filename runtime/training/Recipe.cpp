//===- Recipe.cpp - the settings of a training run ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Recipe.h"

#include "runtime/support/Suggestion.h"
#include "runtime/training/RecipeKeys.h"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace m1;
using nlohmann::json;

namespace {
bool isInRange(double Value, const RecipeRange &Range) {
  return std::isfinite(Value) &&
         (Range.AboveMin ? Value > Range.Min : Value >= Range.Min) &&
         (Range.BelowMax ? Value < Range.Max : Value <= Range.Max);
}

std::string dumpOf(const json &Value) {
  return printable(Value.dump(-1, ' ', true, json::error_handler_t::replace),
                   100);
}

// Each takes a value of one type: false if it is not of the type or outside
// the range.

bool take(const json &Value, const RecipeKey &Key, bool &To) {
  if (!Value.is_boolean())
    return false;
  To = Value.get<bool>();
  return true;
}
bool take(const json &Value, const RecipeKey &Key, double &To) {
  if (!Value.is_number() || !isInRange(Value.get<double>(), Key.Range))
    return false;
  To = Value.get<double>();
  return true;
}
bool take(const json &Value, const RecipeKey &Key, int64_t &To) {
  // Ranges of integers end below 2^53, so that f64 holds their numbers.
  double Number = 0;
  if (!take(Value, Key, Number) || Number != std::floor(Number))
    return false;
  To = static_cast<int64_t>(Number);
  return true;
}
bool take(const json &Value, const RecipeKey &Key, std::optional<double> &To) {
  To.reset();
  return Value.is_null() || take(Value, Key, To.emplace());
}
bool take(const json &Value, const RecipeKey &Key, std::string &To) {
  if (!Value.is_string())
    return false;
  To = Value.get<std::string>();
  return Key.Choices.empty() ||
         std::ranges::find(Key.Choices, To) != Key.Choices.end();
}
template <typename Element>
bool take(const json &Value, const RecipeKey &Key, std::vector<Element> &To) {
  if (!Value.is_array())
    return false;
  To.clear();
  return std::ranges::all_of(Value, [&](const json &Item) {
    return take(Item, Key, To.emplace_back());
  });
}
bool take(const json &Value, const RecipeKey &Key, std::vector<int64_t> &To) {
  if (Value.is_number())
    return take(json::array({Value}), Key, To);
  return take<int64_t>(Value, Key, To) && !To.empty() &&
         std::ranges::adjacent_find(To, std::greater_equal<>()) == To.end();
}
/// Environments.
bool take(const json &Value, const RecipeKey &Key, json &To) {
  if (!Value.is_array() || Value.empty())
    return false;
  To = json::array();
  for (const json &Item : Value) {
    To.push_back(Item.is_string() ? json::object({{"name", Item}}) : Item);
    const json &Last = To.back();
    if (!Last.is_object() || !Last.contains("name") ||
        !Last["name"].is_string())
      return false;
  }
  return true;
}

constexpr std::string_view commandOf(TrainingMode Mode) {
  return Mode == TrainingMode::Supervised ? "m1run sft" : "m1run train";
}

/// One recipe that is being read.
class Parser {
public:
  Parser(const std::string &Path, TrainingMode Mode) : Path(Path) {
    R.Mode = Mode;
  }
  absl::StatusOr<Recipe> parse(const json &Value);

private:
  template <typename... Parts>
  absl::Status fail(std::string_view Key, const Parts &...P) const {
    return makeError(Path, ": ", Key, ": ", P...);
  }
  template <typename... Parts> void note(const Parts &...P) {
    R.Notes.push_back(printable(concat(Path, ": ", P...)));
  }

  absl::Status checkNames(const json &Value) const;
  absl::Status refuseUnknown(const std::string &Name) const;
  absl::Status set(const RecipeKey &Key, const json &Value);
  absl::Status resolveCispo();
  absl::Status resolvePpo();
  absl::Status resolveLoss();
  absl::Status resolveNormalization();
  absl::Status checkTogether() const;

  const std::string &Path;
  Recipe R;
};
} // namespace

absl::Status Parser::refuseUnknown(const std::string &Name) const {
  for (const ForeignKey &Other : foreignKeys())
    if (Other.Name == Name)
      return fail(Name, "unknown key; ", Other.Advice);
  std::string_view Nearest;
  // A third of the characters may be wrong.
  size_t Best = std::max<size_t>(Name.size() / 3, 2) + 1;
  // Long names are nobody's typing mistake, and comparing takes time.
  if (Name.size() <= 100)
    for (const RecipeKey &Key : recipeKeys())
      if (size_t D = editDistance(Name, Key.Name);
          Key.belongsTo(R.Mode) && D < Best) {
        Nearest = Key.Name;
        Best = D;
      }
  if (Nearest.empty())
    return fail(printable(Name, 100),
                "unknown key; docs/reference/recipes.md lists the known ones");
  return fail(printable(Name, 100), "unknown key; did you mean ", Nearest, "?");
}

absl::Status Parser::checkNames(const json &Value) const {
  for (const auto &[Name, Item] : Value.items()) {
    auto Known = std::ranges::find(recipeKeys(), Name, &RecipeKey::Name);
    if (Known == recipeKeys().end())
      return refuseUnknown(Name);
    if (!Known->belongsTo(R.Mode))
      return fail(Name, "found a key of ",
                  commandOf(R.Mode == TrainingMode::Supervised
                                ? TrainingMode::Reinforcement
                                : TrainingMode::Supervised),
                  "; expected keys of ", commandOf(R.Mode));
  }
  return absl::OkStatus();
}

absl::Status Parser::set(const RecipeKey &Key, const json &Value) {
  const bool Taken = std::visit(
      [&](auto Member) { return take(Value, Key, R.*Member); }, Key.Member);
  if (Taken)
    return absl::OkStatus();
  return fail(Key.Name, "found ", dumpOf(Value), "; expected ",
              expectationOf(Key));
}

absl::StatusOr<Recipe> Parser::parse(const json &Value) {
  if (!Value.is_object())
    return makeError(Path, ": expected a JSON object with the recipe");
  M1_RETURN_IF_ERROR(checkNames(Value));
  for (const RecipeKey &Key : recipeKeys()) {
    // Keys of the other command keep their defaults.
    if (auto Given = Value.find(Key.Name); Given != Value.end()) {
      M1_RETURN_IF_ERROR(set(Key, *Given));
    } else if (std::string_view Default = Key.defaultFor(R.Mode);
               !Default.empty()) {
      M1_RETURN_IF_ERROR(set(Key, json::parse(Default)));
    } else if (Key.belongsTo(R.Mode)) {
      return fail(Key.Name, "found nothing; expected ", expectationOf(Key));
    }
  }
  M1_RETURN_IF_ERROR(resolveLoss());
  M1_RETURN_IF_ERROR(resolveNormalization());
  M1_RETURN_IF_ERROR(checkTogether());
  return std::move(R);
}

/// Bounds of CISPO: those of its own keys, or of epsilons by a convention.
absl::Status Parser::resolveCispo() {
  const bool HasEpsilon = R.Epsilon || R.EpsilonHigh;
  if (HasEpsilon && (R.RatioMin || R.RatioMax))
    return fail(R.EpsilonHigh ? "epsilon_high" : "epsilon",
                "found beside ratio_min or ratio_max; expected one or the "
                "other");
  if (HasEpsilon && R.EpsilonConvention.empty())
    return fail(R.EpsilonHigh ? "epsilon_high" : "epsilon",
                "ambiguous with loss_type cispo; expected epsilon_convention "
                "\"trl\" (the bound itself) or \"verl\" (1 + it) beside it, or "
                "ratio_max");
  if (R.EpsilonConvention == "trl" && R.Epsilon)
    return fail("epsilon", "found with epsilon_convention trl, whose cispo has "
                           "no lower bound; expected ratio_min");
  if (R.EpsilonConvention == "trl" && R.EpsilonHigh) {
    if (*R.EpsilonHigh <= 0)
      return fail("epsilon_high", "found 0; expected a number above 0 with "
                                  "epsilon_convention trl");
    R.RatioMax = R.EpsilonHigh;
    note("epsilon_high ", json(*R.EpsilonHigh).dump(),
         " (trl: the bound itself) is ratio_max ", json(*R.RatioMax).dump());
  }
  if (R.EpsilonConvention == "verl") {
    if (R.EpsilonHigh) {
      R.RatioMax = 1 + *R.EpsilonHigh;
      note("epsilon_high ", json(*R.EpsilonHigh).dump(),
           " (verl: 1 + it) is ratio_max ", json(*R.RatioMax).dump());
    }
    if (R.Epsilon) {
      R.RatioMin = std::max(0.0, 1 - *R.Epsilon);
      note("epsilon ", json(*R.Epsilon).dump(), " (verl: 1 - it) is ratio_min ",
           json(*R.RatioMin).dump());
    }
  }
  R.Epsilon.reset();
  R.EpsilonHigh.reset();
  R.EpsilonConvention.clear();
  if (!R.RatioMin)
    R.RatioMin = 0;
  if (!R.RatioMax)
    R.RatioMax = 5;
  if (*R.RatioMin > *R.RatioMax)
    return fail("ratio_min", "found ", json(*R.RatioMin).dump(),
                "; expected at most ratio_max, ", json(*R.RatioMax).dump());
  return absl::OkStatus();
}

absl::Status Parser::resolvePpo() {
  const std::pair<const char *, std::optional<double>> OfCispo[] = {
      {"ratio_min", R.RatioMin},
      {"ratio_max", R.RatioMax},
      {"mask_ratio_min", R.MaskRatioMin},
      {"mask_ratio_max", R.MaskRatioMax}};
  for (const auto &[Name, Value] : OfCispo)
    if (Value)
      return fail(Name, "found with loss_type ", R.LossType,
                  "; expected epsilon and epsilon_high, or loss_type cispo");
  // Both libraries mean the same here.
  R.EpsilonConvention.clear();
  if (!R.Epsilon)
    R.Epsilon = 0.2;
  if (!R.EpsilonHigh)
    R.EpsilonHigh = R.Epsilon;
  if (*R.Epsilon > 1)
    return fail("epsilon", "found ", json(*R.Epsilon).dump(),
                "; expected at most 1 with loss_type ", R.LossType);
  return absl::OkStatus();
}

absl::Status Parser::resolveLoss() {
  if ((R.LossType == "cross_entropy") != (R.Mode == TrainingMode::Supervised))
    return fail("loss_type", "found ", R.LossType, "; expected ",
                R.Mode == TrainingMode::Supervised
                    ? "cross_entropy"
                    : "one of cispo, grpo, dapo, dr_grpo",
                " for ", commandOf(R.Mode));
  if (R.LossType == "cross_entropy")
    return absl::OkStatus();
  return R.LossType == "cispo" ? resolveCispo() : resolvePpo();
}

absl::Status Parser::resolveNormalization() {
  if (R.LossNormalization.empty())
    R.LossNormalization = R.LossType == "grpo"      ? "sequence"
                          : R.LossType == "dr_grpo" ? "constant"
                                                    : "token";
  if (R.LossNormalization != "constant") {
    if (R.LossConstant)
      return fail("loss_constant", "found with loss_normalization ",
                  R.LossNormalization, "; expected it with constant only");
    return absl::OkStatus();
  }
  if (!R.LossConstant) {
    if (R.Mode == TrainingMode::Supervised)
      return fail("loss_constant", "found nothing; expected a number above 0 "
                                   "with loss_normalization constant");
    R.LossConstant = static_cast<double>(R.MaxCompletionLength.back());
  }
  return absl::OkStatus();
}

/// What concerns several keys.
absl::Status Parser::checkTogether() const {
  if (R.MaxSteps > 0 || R.Mode == TrainingMode::Reinforcement) {
    if (R.MaxSteps == 0)
      return fail("max_steps", "found 0; expected an integer of at least 1 for "
                               "m1run train");
    if (R.WarmupSteps > R.MaxSteps)
      return fail("warmup_steps", "found ", R.WarmupSteps,
                  "; expected at most max_steps, ", R.MaxSteps);
  }
  if (R.Mode == TrainingMode::Supervised)
    return absl::OkStatus();
  if (R.MiniBatches > R.NumPrompts * R.NumGenerations)
    return fail("mini_batches", "found ", R.MiniBatches,
                "; expected at most num_prompts times num_generations, ",
                R.NumPrompts * R.NumGenerations);
  if (R.OverlongBufferLength > R.MaxCompletionLength.front())
    return fail("overlong_buffer_length", "found ", R.OverlongBufferLength,
                "; expected at most the first limit of max_completion_length, ",
                R.MaxCompletionLength.front());
  if (!R.EnvironmentWeights.empty() &&
      R.EnvironmentWeights.size() != R.Environments.size())
    return fail("environment_weights", "found ", R.EnvironmentWeights.size(),
                " numbers; expected one for each of ", R.Environments.size(),
                " environments");
  if (R.MaskRatioMin && R.MaskRatioMax && *R.MaskRatioMin > *R.MaskRatioMax)
    return fail("mask_ratio_min", "found ", json(*R.MaskRatioMin).dump(),
                "; expected at most mask_ratio_max, ",
                json(*R.MaskRatioMax).dump());
  return absl::OkStatus();
}

absl::StatusOr<Recipe>
m1::parseRecipe(const json &Value, const std::string &Path, TrainingMode Mode) {
  return Parser(Path, Mode).parse(Value);
}

absl::StatusOr<Recipe> m1::readRecipe(const std::string &Path,
                                      TrainingMode Mode) {
  M1_ASSIGN_OR_RETURN(json Value, readJson(Path, MaxConfigBytes));
  return parseRecipe(Value, Path, Mode);
}

LossSettings Recipe::loss() const {
  static constexpr std::pair<std::string_view, m1::LossType> Types[] = {
      {"cispo", m1::LossType::Cispo},
      {"grpo", m1::LossType::Grpo},
      {"dapo", m1::LossType::Dapo},
      {"dr_grpo", m1::LossType::DrGrpo},
      {"cross_entropy", m1::LossType::CrossEntropy}};
  static constexpr std::pair<std::string_view, m1::LossNormalization>
      Normalizations[] = {
          {"token", m1::LossNormalization::Token},
          {"sequence", m1::LossNormalization::Sequence},
          {"sample_then_token", m1::LossNormalization::SampleThenToken},
          {"constant", m1::LossNormalization::Constant}};
  LossSettings Settings;
  for (const auto &[Name, Type] : Types)
    if (Name == LossType)
      Settings.Type = Type;
  for (const auto &[Name, Normalization] : Normalizations)
    if (Name == LossNormalization)
      Settings.Normalization = Normalization;
  Settings.RatioMin = RatioMin ? *RatioMin : Epsilon ? 1 - *Epsilon : 0;
  Settings.RatioMax = RatioMax      ? *RatioMax
                      : EpsilonHigh ? 1 + *EpsilonHigh
                                    : Settings.RatioMax;
  Settings.MaskBelow = MaskRatioMin;
  Settings.MaskAbove = MaskRatioMax;
  Settings.Constant = LossConstant.value_or(1);
  Settings.MaskTruncated = MaskTruncatedCompletions;
  return Settings;
}

RewardScaling Recipe::rewardScaling() const {
  return ScaleRewards == "group"   ? RewardScaling::Group
         : ScaleRewards == "batch" ? RewardScaling::Batch
                                   : RewardScaling::None;
}

LengthStageSettings Recipe::lengthStages() const {
  return {MaxCompletionLength, LengthStageNear, LengthStageWindow,
          LengthStageTolerance};
}

LearningRateSettings Recipe::learningRate(int64_t Steps) const {
  LearningRateSettings Settings;
  Settings.Schedule = LrSchedulerType == "linear" ? LearningRateSchedule::Linear
                      : LrSchedulerType == "cosine"
                          ? LearningRateSchedule::Cosine
                          : LearningRateSchedule::Constant;
  Settings.Peak = LearningRate;
  Settings.WarmupSteps = WarmupSteps;
  Settings.Steps = Steps;
  return Settings;
}

UpdateSettings Recipe::update(int64_t Step, int64_t Steps,
                              std::span<const TrainedTensor> Tensors) const {
  UpdateSettings Settings;
  Settings.LearningRate = learningRateAt(learningRate(Steps), Step);
  Settings.Beta1 = AdamBeta1;
  Settings.Beta2 = AdamBeta2;
  Settings.Epsilon = AdamEpsilon;
  Settings.WeightDecay =
      weightDecaysOf(Tensors, WeightDecay, WeightDecayExclude);
  Settings.MaxGradNorm = MaxGradNorm;
  Settings.Step = Step;
  return Settings;
}

GenerateOptions Recipe::generation(int64_t Limit) const {
  GenerateOptions Options;
  Options.MaxNewTokens = Limit;
  Options.Temperature = static_cast<float>(Temperature);
  Options.TopP = static_cast<float>(TopP);
  Options.TopK = static_cast<int32_t>(TopK);
  Options.EarlyStopCount = RepetitionStopTokens;
  Options.EarlyStopProbability = RepetitionStopProbability;
  Options.PromptLogProbs = false;
  return Options;
}
