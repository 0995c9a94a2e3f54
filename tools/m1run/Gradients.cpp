//===- Gradients.cpp - m1run gradients ------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/OutputFile.h"
#include "runtime/training/Update.h"
#include "runtime/weights/Npy.h"
#include "runtime/weights/SafetensorsWriter.h"
#include "tools/m1run/Training.h"

#include <cstdio>
#include <memory>

using namespace m1;
using namespace m1::run;

namespace {
struct GradientsCommand {
  CommonOptions Common;
  std::vector<std::string> Tokens, Weights;
  std::string Out;
  double AuxLossCoef = 0;
};

/// The weights of a sequence's tokens but the first, from a file with an entry
/// for each token; ones without a file.
absl::StatusOr<std::vector<float>> readWeights(const GradientsCommand &Command,
                                               size_t I, size_t Length) {
  if (Command.Weights.empty())
    return std::vector<float>(Length - 1, 1);
  const std::string &File = Command.Weights[I];
  M1_ASSIGN_OR_RETURN(NpyArray Read, readNpy(File));
  if (Read.Shape.size() != 1)
    return makeError(File, ": an array of shape ", formatShape(Read.Shape),
                     ", expected one axis");
  M1_ASSIGN_OR_RETURN(Read, convert(std::move(Read), ElementType::F32, File));
  const std::span<const float> Found = std::as_const(Read).as<float>();
  if (Found.size() != Length)
    return makeError(File, ": ", Found.size(), " numbers, expected ", Length,
                     ", one for each token in ", Command.Tokens[I]);
  return std::vector<float>(Found.begin() + 1, Found.end());
}

absl::Status runGradients(const GradientsCommand &Command) {
  if (!Command.Weights.empty() &&
      Command.Weights.size() != Command.Tokens.size())
    return makeError("--token-weights: ", Command.Weights.size(),
                     " files, expected ", Command.Tokens.size(),
                     ", one for each of --tokens");
  std::vector<TrainingSequence> Sequences;
  for (size_t I = 0; I < Command.Tokens.size(); ++I) {
    TrainingSequence Each;
    Each.Number = static_cast<int64_t>(I);
    M1_ASSIGN_OR_RETURN(Each.Tokens, readTokens(Command.Tokens[I], INT32_MAX));
    if (Each.Tokens.size() < 2)
      return makeError(Command.Tokens[I], ": ", Each.Tokens.size(),
                       " tokens, expected at least 2");
    Each.PromptTokens = 1;
    M1_ASSIGN_OR_RETURN(Each.Weights,
                        readWeights(Command, I, Each.Tokens.size()));
    Sequences.push_back(std::move(Each));
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      loadForTraining(Command.Common.PlanPath));
  M1_ASSIGN_OR_RETURN(OpenedPolicy Opened,
                      openPolicy(std::move(Plan), Command.Common.Session));
  PlanPolicy &Model = *Opened.Policy;
  M1_ASSIGN_OR_RETURN(
      std::vector<MicroBatch> Batches,
      makeMicroBatches(Sequences, batchLimitsOf(Model.limits(), 0)));

  int64_t Tokens = 0;
  for (const MicroBatch &Each : Batches)
    Tokens += static_cast<int64_t>(Each.Batch.Tokens.size());
  std::vector<float> Balance(Model.limits().Experts);
  if (Command.AuxLossCoef != 0) {
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Counts,
                        countExperts(Model, Batches));
    Balance = balanceCoefficients(Counts, Model.limits().Experts, Tokens,
                                  Command.AuxLossCoef);
  }
  LossSettings Loss;
  Loss.Type = LossType::CrossEntropy;
  LossTotals Totals;
  double Auxiliary = 0;
  for (const MicroBatch &Each : Batches) {
    M1_ASSIGN_OR_RETURN(
        TokenResults Results,
        Model.addGradients(Each.Batch, 1, boundsOf(Loss), Balance));
    Totals.add(Each.Batch, Results, Loss);
    Auxiliary += balanceLoss(Results.Balance);
  }

  std::vector<TensorSpec> Specs;
  for (const TrainedTensor &Tensor : Model.tensors())
    Specs.push_back({Tensor.Name, ElementType::F32, Tensor.Shape});
  M1_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsWriter> Writer,
                      SafetensorsWriter::create(Command.Out, Specs));
  for (const TensorSpec &Spec : Writer->tensors()) {
    size_t Number = 0;
    while (Model.tensors()[Number].Name != Spec.Name)
      ++Number;
    std::vector<float> Values(elementCount(Spec.Shape).value_or(0));
    M1_RETURN_IF_ERROR(Model.read(Number, OptimizerTensor::Gradient, Values));
    M1_RETURN_IF_ERROR(Writer->write(std::as_bytes(std::span(Values))));
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File, Writer->finish());
  M1_RETURN_IF_ERROR(commit(std::move(File)));
  std::printf("loss %.9g, auxiliary loss %.9g, %lld tokens in %zu calls\n",
              Totals.Loss, Auxiliary, static_cast<long long>(Tokens),
              Batches.size());
  M1_RETURN_IF_ERROR(printProfile(*Opened.Session));
  return absl::OkStatus();
}
} // namespace

void run::addGradients(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<GradientsCommand>();
  CLI::App *Sub = App.add_subcommand(
      "gradients", "Write the gradients of a weighted cross-entropy, to "
                   "compare them with those of another program");
  Command->Common.addTo(*Sub, /*WeightsRequired=*/true);
  addFiles(*Sub, "--tokens", Command->Tokens,
           "token ids of one sequence per file")
      ->required();
  addFiles(*Sub, "--token-weights", Command->Weights,
           "float32 [T] for each of --tokens: the factor of each token's "
           "-log-probability; that of the first token has no effect (default: "
           "1)");
  Sub->add_option("--router-aux-loss-coef", Command->AuxLossCoef,
                  "the factor of the routers' auxiliary loss, pooled over "
                  "layers and tokens (default 0)");
  Sub->add_option("--out", Command->Out,
                  "the gradients, by the checkpoint's names, in float32")
      ->required()
      ->type_name("FILE.safetensors");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runGradients(*Command); };
  });
}
