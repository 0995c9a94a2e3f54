//===- Supervised.cpp - training on given sequences -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Supervised.h"

#include "runtime/weights/TensorHasher.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace m1;

absl::StatusOr<std::unique_ptr<SupervisedTrainer>>
SupervisedTrainer::create(const Recipe &Settings, const PolicyLimits &Limits,
                          std::vector<Example> Examples) {
  const BatchLimits Most = batchLimitsOf(Limits, Settings.MicroBatchTokens);
  if (Examples.empty())
    return makeError("no sequences to train on");
  for (const Example &Each : Examples) {
    const auto Length = static_cast<int64_t>(Each.Tokens.size());
    if (Length < 2)
      return makeError(Each.Name, ": ", Length,
                       " tokens, expected at least 2: the first is not "
                       "predicted");
    if (Length > std::min(Most.Tokens, Most.MaxLength))
      return makeError(Each.Name, ": ", Length, " tokens, expected at most ",
                       std::min(Most.Tokens, Most.MaxLength),
                       " (m1c --train-tokens and --max-length, "
                       "micro_batch_tokens)");
    if (!Each.Counts.empty() && Each.Counts.size() != Each.Tokens.size())
      return makeError(Each.Name, ": ", Length, " tokens and a mask of ",
                       Each.Counts.size());
    for (int64_t T = 0; T < Length; ++T)
      if (Each.Tokens[T] < 0 || Each.Tokens[T] >= Limits.Vocabulary)
        return makeError(Each.Name, ": token ", T, " is ", Each.Tokens[T],
                         ", expected 0 to ", Limits.Vocabulary - 1,
                         ", the model's vocabulary");
  }
  return std::unique_ptr<SupervisedTrainer>(
      new SupervisedTrainer(Settings, std::move(Examples)));
}

SupervisedTrainer::SupervisedTrainer(const Recipe &Settings,
                                     std::vector<Example> Given)
    : Settings(Settings), Examples(std::move(Given)) {
  TensorHasher Hasher;
  for (const Example &Each : Examples) {
    Hasher.add(concat(Each.Tokens.size(), " ", Each.Counts.size(), "\n"));
    Hasher.add(std::as_bytes(std::span(Each.Tokens)));
    const std::vector<uint8_t> Counts(Each.Counts.begin(), Each.Counts.end());
    Hasher.add(std::as_bytes(std::span(Counts)));
  }
  Digest = format(Hasher.finish());
}

int64_t SupervisedTrainer::stepsPerEpoch() const {
  const auto Count = static_cast<int64_t>(Examples.size());
  return (Count + Settings.BatchSize - 1) / Settings.BatchSize;
}

int64_t SupervisedTrainer::steps() const {
  return Settings.MaxSteps ? Settings.MaxSteps
                           : stepsPerEpoch() * Settings.NumTrainEpochs;
}

std::vector<size_t> SupervisedTrainer::orderOf(int64_t Epoch) const {
  std::vector<size_t> Order(Examples.size());
  std::iota(Order.begin(), Order.end(), size_t(0));
  if (!Settings.Shuffle)
    return Order;
  // Not std::shuffle, which differs between libraries.
  std::seed_seq Seed{static_cast<uint64_t>(Settings.Seed),
                     static_cast<uint64_t>(Epoch)};
  std::mt19937_64 Random(Seed);
  for (size_t I = Order.size(); I > 1; --I)
    std::swap(Order[I - 1], Order[Random() % I]);
  return Order;
}

absl::StatusOr<std::vector<TrainingSequence>>
SupervisedTrainer::prepare(int64_t Step, Policy &, const RunHooks &) {
  const int64_t Epoch = (Step - 1) / stepsPerEpoch();
  const auto Begin =
      static_cast<size_t>((Step - 1) % stepsPerEpoch() * Settings.BatchSize);
  const std::vector<size_t> Order = orderOf(Epoch);
  const size_t End =
      std::min(Begin + static_cast<size_t>(Settings.BatchSize), Order.size());
  std::vector<ResponseInfo> Infos;
  std::vector<TrainingSequence> Sequences;
  for (size_t I = Begin; I < End; ++I) {
    const Example &Each = Examples[Order[I]];
    // All tokens but the first are a response; the mask says which count.
    ResponseInfo Info;
    Info.Tokens = static_cast<int64_t>(Each.Tokens.size()) - 1;
    if (!Each.Counts.empty() && Settings.CompletionOnlyLoss)
      Info.Counts.assign(Each.Counts.begin() + 1, Each.Counts.end());
    Infos.push_back(std::move(Info));
    TrainingSequence Sequence;
    Sequence.Number = static_cast<int64_t>(I - Begin);
    Sequence.Tokens = Each.Tokens;
    Sequence.PromptTokens = 1;
    Sequences.push_back(std::move(Sequence));
  }
  std::vector<std::vector<float>> Weights =
      tokenWeights(Infos, Settings.loss());
  for (size_t I = 0; I < Sequences.size(); ++I)
    Sequences[I].Weights = std::move(Weights[I]);
  return Sequences;
}

/// The data that a step takes follow from its number.
absl::StatusOr<nlohmann::json> SupervisedTrainer::save() {
  return nlohmann::json{{"examples", Examples.size()}, {"digest", Digest}};
}

absl::Status SupervisedTrainer::restore(const nlohmann::json &From) {
  if (!From.is_object() || !From.contains("examples") ||
      !From.contains("digest"))
    return makeError("the checkpoint's state is not that of supervised "
                     "training");
  if (From["examples"] != Examples.size())
    return makeError("the run was started with ", From["examples"].dump(),
                     " sequences, found ", Examples.size());
  if (From["digest"] != Digest)
    return makeError("the run was started with other sequences, or in another "
                     "order");
  return absl::OkStatus();
}
