//===- Train.cpp - m1run train and m1run sft ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/StopSignals.h"
#include "tools/m1run/Training.h"

#include <cstdio>
#include <filesystem>
#include <memory>

using namespace m1;
using namespace m1::run;

namespace {
struct TrainCommand {
  CommonOptions Common;
  Invocation Started;
  std::string RecipePath, OutDir;
  int64_t Steps = 0;
  bool Resume = false;
};

std::string absolute(const std::string &Path) {
  std::error_code Code;
  std::filesystem::path Result = std::filesystem::absolute(Path, Code);
  return Code ? Path : Result.string();
}

/// One line for each step.
void print(const Metrics &Figures) {
  std::printf("step %.0f", Figures.get(Metric::Step).value_or(0));
  constexpr std::pair<Metric, const char *> Shown[] = {
      {Metric::Reward, "reward"},
      {Metric::Loss, "loss"},
      {Metric::Perplexity, "perplexity"},
      {Metric::GradNorm, "grad_norm"},
      {Metric::LearningRate, "lr"},
      {Metric::CompletionMean, "length"},
      {Metric::Entropy, "entropy"},
      {Metric::SpeedRollout, "rollout tokens/s"},
      {Metric::SpeedTrain, "train tokens/s"}};
  for (auto [Key, Name] : Shown)
    if (std::optional<double> Value = Figures.get(Key))
      std::printf("  %s %.4g", Name, *Value);
  std::printf("\n");
  std::fflush(stdout);
}

/// Checks that a run can begin in --out, or that there is one to resume, before
/// anything is loaded or written.
absl::Status checkOut(const TrainCommand &Command) {
  M1_ASSIGN_OR_RETURN(const bool IsThere, hasRun(Command.OutDir));
  if (Command.Resume && !IsThere)
    return makeError(Command.OutDir, ": no run to resume");
  if (!Command.Resume && IsThere)
    return makeError(Command.OutDir,
                     ": holds a run; continue it with --resume, or give "
                     "another --out");
  return absl::OkStatus();
}

/// Begins or continues the run in its directory, and says where.
absl::StatusOr<ResumedRun> openRun(RunDirectory &Directory,
                                   const TrainCommand &Command,
                                   const Recipe &Settings, Policy &Model,
                                   Trainer &How) {
  const nlohmann::json Described = describe(Settings);
  if (!Command.Resume) {
    M1_RETURN_IF_ERROR(Directory.begin(Described));
    M1_RETURN_IF_ERROR(Command.Started.write(Command.OutDir));
    return ResumedRun();
  }
  // What ends a run, and what is written, does not change its steps.
  const std::string MayChange[] = {"save_steps", "save_total_limit",
                                   "logging_steps", "sample_steps",
                                   "micro_batch_tokens"};
  M1_ASSIGN_OR_RETURN(ResumedRun Resumed,
                      Directory.resume(Described, Model, MayChange, {},
                                       [&](const nlohmann::json &State) {
                                         return restoreTrainer(State, How);
                                       }));
  // Where the files are now, which verify-run needs.
  M1_RETURN_IF_ERROR(Command.Started.write(Command.OutDir));
  if (Resumed.State.is_null())
    printNote(
        concat(Command.OutDir, ": no checkpoint yet; the run begins again"));
  else
    printNote(concat(Command.OutDir, ": continues after step ", Resumed.Step));
  return Resumed;
}

absl::Status runTrain(const TrainCommand &Command) {
  M1_ASSIGN_OR_RETURN(Recipe Settings,
                      readRecipe(Command.RecipePath, Command.Started.Mode));
  M1_RETURN_IF_ERROR(checkOut(Command));
  for (const std::string &Note : Settings.Notes)
    printNote(Note);
  // What can be wrong with recipe and data is found before weights are loaded.
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      loadForTraining(Command.Common.PlanPath));
  M1_ASSIGN_OR_RETURN(const PolicyLimits Limits, PlanPolicy::limitsOf(*Plan));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Trainer> How,
                      makeTrainer(Command.Started, Settings, Limits));
  if (Command.Steps > How->steps())
    return makeError("--steps ", Command.Steps, ": the run has ", How->steps(),
                     " steps (max_steps or num_train_epochs of ",
                     Command.RecipePath, ")");
  if (Settings.WarmupSteps > How->steps())
    printNote(concat("warmup_steps is ", Settings.WarmupSteps, ", the run has ",
                     How->steps(),
                     " steps: the learning rate does not reach its peak"));
  M1_ASSIGN_OR_RETURN(OpenedPolicy Opened,
                      openPolicy(std::move(Plan), Command.Common.Session));
  PlanPolicy &Model = *Opened.Policy;
  M1_RETURN_IF_ERROR(checkWeightDecays(Settings, Model));
  std::unique_ptr<CheckpointSource> Source;
  if (Command.Started.Weights != "none") {
    M1_ASSIGN_OR_RETURN(Source, CheckpointSource::open(Command.Started.Weights,
                                                       Model.tensors()));
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<RunDirectory> Directory,
                      RunDirectory::create(Command.OutDir));
  M1_ASSIGN_OR_RETURN(ResumedRun Resumed,
                      openRun(*Directory, Command, Settings, Model, *How));

  finishOnStopSignal();
  RunSettings Options;
  Options.Directory = Directory.get();
  Options.Source = Source.get();
  Options.LastStep = Command.Steps ? Command.Steps : How->steps();
  Options.Hooks.Cancelled = [] { return stopSignal() != 0; };
  Options.Hooks.Note = printNote;
  Options.Hooks.StepDone = print;
  const absl::Status Done =
      runTraining(Model, *How, Settings, Resumed.State, Options);
  M1_RETURN_IF_ERROR(printProfile(*Opened.Session));
  if (absl::IsCancelled(Done))
    return absl::CancelledError(concat("interrupted; ", Command.OutDir,
                                       " holds what is needed to --resume"));
  return Done;
}

/// Adds what both commands have.
void addCommon(CLI::App &Sub, const std::shared_ptr<TrainCommand> &Command,
               Action &Chosen) {
  Command->Common.addTo(Sub, /*WeightsRequired=*/true);
  Sub.add_option("--recipe", Command->RecipePath,
                 "the settings: docs/reference/recipes.md")
      ->required()
      ->type_name("FILE.json");
  Sub.add_option("--out", Command->OutDir,
                 "directory of the run: checkpoints, metrics, samples; "
                 "docs/runs.md")
      ->required()
      ->type_name("DIR");
  Sub.add_flag("--resume", Command->Resume,
               "continue the run in --out from its last checkpoint, to the "
               "same bits as if it had not been interrupted");
  addNumber(Sub, "--steps", 1, Command->Steps,
            "end after this step (default: the recipe's last); the learning "
            "rate follows the recipe's number of steps");
  Sub.footer("SIGINT (Ctrl-C), SIGTERM or SIGHUP ends the run after writing a "
             "checkpoint; the exit status is 128 + the signal.");
  Sub.callback([Command, &Chosen] {
    Invocation &Started = Command->Started;
    Started.Plan = absolute(Command->Common.PlanPath);
    Started.RecipeDirectory =
        std::filesystem::path(absolute(Command->RecipePath)).parent_path();
    Started.Weights = Command->Common.Session.Weights;
    if (Started.Weights != "none")
      Started.Weights = absolute(Started.Weights);
    Started.InitSeed = Command->Common.Session.InitSeed;
    for (std::vector<std::string> *Files : {&Started.Tokens, &Started.Masks})
      for (std::string &File : *Files)
        File = absolute(File);
    Chosen = [Command] { return runTrain(*Command); };
  });
}
} // namespace

void run::addTrain(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<TrainCommand>();
  addCommon(*App.add_subcommand(
                "train", "Train a model by reinforcement learning (CISPO, "
                         "GRPO, DAPO)"),
            Command, Chosen);
}

void run::addSft(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<TrainCommand>();
  Command->Started.Mode = TrainingMode::Supervised;
  CLI::App *Sub = App.add_subcommand(
      "sft", "Train a model on given sequences (cross-entropy)");
  Sub->add_option_function<std::string>(
         "--data",
         [Command](const std::string &Path) {
           Command->Started.Data = absolute(Path);
         },
         "sequences as m1run environment writes them: tokens.npy, mask.npy, "
         "cu_seqlens.npy")
      ->type_name("DIR");
  addFiles(*Sub, "--tokens", Command->Started.Tokens,
           "token ids of one sequence per file; may be repeated");
  addFiles(*Sub, "--mask", Command->Started.Masks,
           "for each file of --tokens, 1 for tokens that are trained on and 0 "
           "for others");
  addCommon(*Sub, Command, Chosen);
}
