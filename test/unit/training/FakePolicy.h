//===- FakePolicy.h - a policy of one tensor --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_TRAINING_FAKEPOLICY_H
#define M1C_TEST_UNIT_TRAINING_FAKEPOLICY_H

#include "runtime/training/Batching.h"
#include "runtime/training/Recipe.h"
#include "runtime/training/RunDirectory.h"
#include "test/unit/TestSupport.h"
#include "test/unit/training/MemoryPolicy.h"

#include <algorithm>
#include <bit>

namespace m1::test {

/// A policy with one tensor of one number, whose every result depends on it.
/// It keeps what it was called with.
class FakePolicy : public MemoryPolicy {
public:
  FakePolicy() : MemoryPolicy({{"model.weight", ElementType::F32, {1}}}) {
    weight() = 0.5F;
    Bounds = {.Vocabulary = 64,
              .MaxLength = 64,
              .TrainTokens = 64,
              .TrainSequences = 16,
              .Slots = 4,
              .Layers = 2,
              .Experts = 3};
  }

  PolicyLimits Bounds;
  /// The response to a prompt, from the number of the sequence in its call;
  /// empty: drawn tokens.
  std::function<std::vector<int64_t>(std::span<const int64_t>, size_t)> Respond;
  /// Returned instead of log-probabilities by the calls of addGradients in
  /// which it is set.
  std::optional<float> LogProb;

  // What it was called with.
  std::string Events; ///< c: expertCounts, g: addGradients, u: update
  std::vector<TrainingBatch> Batches;
  std::vector<std::vector<float>> Balances;
  std::vector<UpdateSettings> Updates;
  std::vector<uint64_t> Seeds;
  std::vector<std::vector<int64_t>> Prompts;

  float &weight() { return values(OptimizerTensor::Master, 0)[0]; }
  float &gradient() { return values(OptimizerTensor::Gradient, 0)[0]; }

  const PolicyLimits &limits() const override { return Bounds; }

  absl::Status
  generate(std::span<const std::vector<int64_t>> Given,
           const GenerateOptions &Options,
           const std::function<absl::Status(size_t, const Generated &)>
               &Finished) override {
    Seeds.push_back(Options.Seed);
    for (size_t I = 0; I < Given.size(); ++I) {
      if (Options.BeforeStep)
        M1_RETURN_IF_ERROR(Options.BeforeStep());
      Prompts.push_back(Given[I]);
      Generated Done;
      Done.Tokens = Given[I];
      Done.PromptTokens = static_cast<int64_t>(Given[I].size());
      std::vector<int64_t> Response;
      if (Respond)
        Response = Respond(Given[I], I);
      for (uint64_t T = 0; !Respond && T < 1 + I % 5; ++T)
        Response.push_back(
            static_cast<int64_t>((Options.Seed + 31 * I + 7 * T) % 10));
      if (static_cast<int64_t>(Response.size()) > Options.MaxNewTokens)
        Response.resize(Options.MaxNewTokens);
      for (int64_t Token : Response) {
        Done.Tokens.push_back(Token);
        Done.LogProbs.push_back(logProbOf(Token));
        Options.Progress(1);
      }
      const bool Stopped =
          std::ranges::find(Options.StopTokens, Done.Tokens.back()) !=
          Options.StopTokens.end();
      Done.Reason =
          Stopped ? FinishReason::StopToken : FinishReason::MaxNewTokens;
      M1_RETURN_IF_ERROR(Finished(I, Done));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TokenResults>
  addGradients(const TrainingBatch &Batch, float, const LossBounds &,
               std::span<const float> Balance) override {
    Events += 'g';
    Batches.push_back(Batch);
    Balances.emplace_back(Balance.begin(), Balance.end());
    TokenResults Results;
    for (size_t T = 0; T < Batch.Tokens.size(); ++T) {
      // One chain in the order of tokens, as real gradients are.
      gradient() =
          std::fma(Batch.Weights[T] * Batch.Advantages[T],
                   0.1F * static_cast<float>(Batch.Targets[T] + 1), gradient());
      Results.LogProbs.push_back(LogProb.value_or(logProbOf(Batch.Targets[T])));
      Results.Entropy.push_back(1);
      Results.Balance.push_back(
          Balance[static_cast<size_t>(Batch.Tokens[T]) % Balance.size()]);
    }
    return Results;
  }

  absl::StatusOr<std::vector<int64_t>>
  expertCounts(const TrainingBatch &Batch) override {
    Events += 'c';
    std::vector<int64_t> Counts(Bounds.Layers * Bounds.Experts);
    for (int64_t Layer = 0; Layer < Bounds.Layers; ++Layer)
      for (int32_t Token : Batch.Tokens)
        ++Counts[Layer * Bounds.Experts + (Token + Layer) % Bounds.Experts];
    return Counts;
  }

  absl::StatusOr<UpdateResults> update(const UpdateSettings &How) override {
    Events += 'u';
    Updates.push_back(How);
    UpdateResults Results{std::abs(gradient()), false};
    if (How.Apply && std::isfinite(Results.GradNorm)) {
      float &Moment = values(OptimizerTensor::First, 0)[0];
      Moment = static_cast<float>(How.Beta1) * Moment + gradient();
      weight() -= static_cast<float>(How.LearningRate) * Moment;
      Results.Applied = true;
    }
    gradient() = 0;
    return Results;
  }

private:
  float logProbOf(int64_t Token) {
    return -0.25F - 0.01F * static_cast<float>(Token) * weight();
  }
};

/// A recipe of these keys, with what must be given.
inline Recipe recipeOf(nlohmann::json Keys, TrainingMode Mode) {
  if (Mode == TrainingMode::Reinforcement) {
    Keys.emplace("environments", nlohmann::json::array({"copy"}));
    Keys.emplace("max_steps", 8);
    Keys.emplace("max_completion_length", 8);
    Keys.emplace("dynamic_sampling", false);
    Keys.emplace("num_prompts", 3);
    Keys.emplace("num_generations", 4);
    Keys.emplace("mini_batches", 3);
  }
  Keys.emplace("learning_rate", 0.125);
  return value(parseRecipe(Keys, "r.json", Mode));
}

/// The bits of floats, which tell NaNs and zeros apart.
inline std::vector<uint32_t> bitsOf(std::span<const float> Values) {
  std::vector<uint32_t> Bits(Values.size());
  std::memcpy(Bits.data(), Values.data(), Values.size_bytes());
  return Bits;
}

/// Every bit of the sequences.
inline std::string describe(std::span<const TrainingSequence> Sequences) {
  std::string Text;
  for (const TrainingSequence &Each : Sequences) {
    Text += concat(Each.Number, ":", Each.PromptTokens, ":",
                   std::bit_cast<uint64_t>(Each.Advantage), ":");
    for (int64_t Token : Each.Tokens)
      Text += concat(Token, " ");
    for (uint32_t Bits : bitsOf(Each.OldLogProbs))
      Text += concat(Bits, " ");
    for (uint32_t Bits : bitsOf(Each.Weights))
      Text += concat(Bits, " ");
    Text += "\n";
  }
  return Text;
}

} // namespace m1::test

#endif // M1C_TEST_UNIT_TRAINING_FAKEPOLICY_H
