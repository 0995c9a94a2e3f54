//===- Training.cpp - what training commands share ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Training.h"

#include "runtime/plan/Mesh.h"
#include "runtime/support/Json.h"
#include "runtime/support/OutputFile.h"
#include "runtime/training/Reinforcement.h"
#include "runtime/training/SupervisedData.h"
#include "runtime/weights/Npy.h"
#include "tools/m1run/Json.h"

using namespace m1;
using namespace m1::run;
using nlohmann::json;

static constexpr char InvocationName[] = "invocation.json";

static const char *commandOf(TrainingMode Mode) {
  return Mode == TrainingMode::Reinforcement ? "train" : "sft";
}

absl::Status Invocation::write(const std::string &Directory) const {
  const json Object{
      {"command", commandOf(Mode)}, {"plan", Plan},
      {"weights", Weights},         {"recipe_directory", RecipeDirectory},
      {"init_seed", InitSeed},      {"data", Data},
      {"tokens", Tokens},           {"masks", Masks}};
  const std::string Text = dump(Object) + "\n";
  M1_ASSIGN_OR_RETURN(
      std::unique_ptr<OutputFile> File,
      OutputFile::create(concat(Directory, "/", InvocationName)));
  M1_RETURN_IF_ERROR(File->write(Text.data(), Text.size()));
  M1_RETURN_IF_ERROR(File->close());
  return commit(std::move(File));
}

absl::StatusOr<Invocation> Invocation::read(const std::string &Directory) {
  const std::string Path = concat(Directory, "/", InvocationName);
  // Names of files only.
  constexpr uint64_t MaxBytes = uint64_t(64) << 20;
  M1_ASSIGN_OR_RETURN(json Object, readJson(Path, MaxBytes));
  Invocation Result;
  try {
    Result.Mode = Object.at("command") == commandOf(TrainingMode::Supervised)
                      ? TrainingMode::Supervised
                      : TrainingMode::Reinforcement;
    Object.at("plan").get_to(Result.Plan);
    Object.at("weights").get_to(Result.Weights);
    if (Object.contains("recipe_directory"))
      Object.at("recipe_directory").get_to(Result.RecipeDirectory);
    Object.at("init_seed").get_to(Result.InitSeed);
    Object.at("data").get_to(Result.Data);
    Object.at("tokens").get_to(Result.Tokens);
    Object.at("masks").get_to(Result.Masks);
  } catch (const json::exception &) {
    return makeError(Path, ": not the file that m1run train and sft write");
  }
  return Result;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

static absl::StatusOr<std::vector<Example>>
readDirectory(const std::string &Directory) {
  M1_ASSIGN_OR_RETURN(SupervisedData Data, readSupervised(Directory));
  std::vector<Example> Examples;
  for (size_t I = 0; I < Data.sequences(); ++I) {
    const int64_t Begin = Data.CuSeqlens[I], End = Data.CuSeqlens[I + 1];
    Example Each;
    Each.Name = concat(Directory, ": sequence ", I);
    Each.Tokens.assign(Data.Tokens.begin() + Begin, Data.Tokens.begin() + End);
    Each.Counts.assign(Data.Mask.begin() + Begin, Data.Mask.begin() + End);
    Examples.push_back(std::move(Each));
  }
  return Examples;
}

absl::StatusOr<std::vector<Example>> run::readExamples(const Invocation &From) {
  std::vector<Example> Examples;
  if (!From.Data.empty()) {
    M1_ASSIGN_OR_RETURN(Examples, readDirectory(From.Data));
  }
  if (!From.Masks.empty() && From.Masks.size() != From.Tokens.size())
    return makeError("--mask: ", From.Masks.size(), " files, expected ",
                     From.Tokens.size(), ", one for each of --tokens");
  for (size_t I = 0; I < From.Tokens.size(); ++I) {
    Example Each;
    Each.Name = From.Tokens[I];
    M1_ASSIGN_OR_RETURN(Each.Tokens, readTokens(Each.Name, INT32_MAX));
    if (!From.Masks.empty()) {
      M1_ASSIGN_OR_RETURN(std::vector<int64_t> Mask,
                          readTokens(From.Masks[I], INT32_MAX));
      if (Mask.size() != Each.Tokens.size())
        return makeError(From.Masks[I], ": ", Mask.size(),
                         " entries, expected ", Each.Tokens.size(),
                         ", as many as there are tokens in ", Each.Name);
      for (int64_t Entry : Mask) {
        if (Entry != 0 && Entry != 1)
          return makeError(From.Masks[I], ": found ", Entry,
                           ", expected 0 and 1");
        Each.Counts.push_back(Entry == 1);
      }
    }
    Examples.push_back(std::move(Each));
  }
  if (Examples.empty())
    return makeError("no sequences: give --data or --tokens");
  return Examples;
}

//===----------------------------------------------------------------------===//
// Trainers
//===----------------------------------------------------------------------===//

absl::StatusOr<std::unique_ptr<LoadedPlan>>
run::loadForTraining(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan, LoadedPlan::load(Path));
  if (const int64_t Count = rankCount(**Plan); Count > 1)
    return makeError(Plan->name(), ": compiled for ", Count, " ranks (",
                     describeMesh(**Plan),
                     "); training runs on one: compile the model without "
                     "--mesh");
  return Plan;
}

absl::StatusOr<std::unique_ptr<Trainer>>
run::makeTrainer(const Invocation &From, const Recipe &Settings,
                 const PolicyLimits &Limits) {
  if (From.Mode == TrainingMode::Supervised) {
    M1_ASSIGN_OR_RETURN(std::vector<Example> Examples, readExamples(From));
    return SupervisedTrainer::create(Settings, Limits, std::move(Examples));
  }
  EnvironmentContext Context;
  Context.Directory = From.RecipeDirectory;
  Context.Note = printNote;
  return ReinforcementTrainer::create(Settings, Limits, Context);
}

absl::StatusOr<OpenedPolicy> run::openPolicy(std::unique_ptr<LoadedPlan> Plan,
                                             const SessionOptions &Options) {
  OpenedPolicy Result;
  M1_ASSIGN_OR_RETURN(Result.Session,
                      m1::Session::open(std::move(Plan), Options));
  M1_ASSIGN_OR_RETURN(Result.Policy, PlanPolicy::create(*Result.Session));
  return Result;
}

absl::Status run::checkWeightDecays(const Recipe &Settings,
                                    const PlanPolicy &Model) {
  const std::vector<float> Decays = weightDecaysOf(
      Model.tensors(), Settings.WeightDecay, Settings.WeightDecayExclude);
  return Model.groupDecays(Decays).status();
}
