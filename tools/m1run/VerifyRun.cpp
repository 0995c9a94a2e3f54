//===- VerifyRun.cpp - m1run verify-run -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/StopSignals.h"
#include "runtime/training/PolicyDigests.h"
#include "runtime/training/ReadCheckpoint.h"
#include "runtime/training/TrainerState.h"
#include "tools/m1run/Training.h"

#include <cstdio>
#include <map>
#include <memory>

using namespace m1;
using namespace m1::run;

namespace {
struct VerifyRunCommand {
  std::string RunDir;
  int64_t Step = 0;
  SessionOptions Session;
  std::string PlanPath;
};

absl::Status runVerify(const VerifyRunCommand &Command) {
  M1_ASSIGN_OR_RETURN(Invocation Started, Invocation::read(Command.RunDir));
  M1_ASSIGN_OR_RETURN(
      Recipe Settings,
      readRecipe(concat(Command.RunDir, "/recipe.json"), Started.Mode));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<RunDirectory> Directory,
                      RunDirectory::open(Command.RunDir));
  using DigestsByStep = std::map<int64_t, PolicyDigests>;
  M1_ASSIGN_OR_RETURN(DigestsByStep Expected, Directory->digests());
  if (!Expected.count(Command.Step))
    return makeError(
        Command.RunDir, ": no step ", Command.Step, " in digests.jsonl",
        Expected.empty() ? std::string()
                         : concat(", which has steps ", Expected.begin()->first,
                                  " to ", Expected.rbegin()->first));
  // The last checkpoint before the step.
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Checkpoints,
                      Directory->checkpoints());
  int64_t From = 0;
  for (int64_t Each : Checkpoints)
    if (Each < Command.Step)
      From = Each;

  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      loadForTraining(Command.PlanPath.empty()
                                          ? Started.Plan
                                          : Command.PlanPath));
  M1_ASSIGN_OR_RETURN(const PolicyLimits Limits, PlanPolicy::limitsOf(*Plan));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Trainer> How,
                      makeTrainer(Started, Settings, Limits));
  SessionOptions Session = Command.Session;
  Session.Weights = Started.Weights;
  Session.InitSeed = Started.InitSeed;
  M1_ASSIGN_OR_RETURN(OpenedPolicy Opened,
                      openPolicy(std::move(Plan), Session));
  PlanPolicy &Model = *Opened.Policy;
  M1_RETURN_IF_ERROR(checkWeightDecays(Settings, Model));
  nlohmann::json State;
  if (From > 0) {
    const std::string Path = Directory->checkpointPath(From);
    M1_ASSIGN_OR_RETURN(TrainerState Read, readTrainerState(Path));
    M1_RETURN_IF_ERROR(loadCheckpoint(Path, Read, Model));
    State = std::move(Read.State);
  }

  finishOnStopSignal();
  RunSettings Options;
  Options.LastStep = Command.Step;
  Options.Hooks.Cancelled = [] { return stopSignal() != 0; };
  Options.Hooks.Note = printNote;
  absl::Status Compared;
  Options.Hooks.StepDone = [&](const Metrics &Figures) {
    const auto Step =
        static_cast<int64_t>(Figures.get(Metric::Step).value_or(0));
    absl::StatusOr<PolicyDigests> Found = digestsOf(Model);
    if (!Found.ok()) {
      Compared.Update(Found.status());
      return;
    }
    auto Known = Expected.find(Step);
    if (Known == Expected.end())
      return;
    const bool Equal = *Found == Known->second;
    std::printf("step %lld: %s\n", static_cast<long long>(Step),
                Equal ? "the same bits" : "different");
    if (!Equal)
      Compared.Update(makeError(
          Command.RunDir, ": step ", Step, ", repeated from ",
          From ? concat("checkpoint ", From) : std::string("the beginning"),
          ", gives other ",
          Found->Weights == Known->second.Weights ? "moments of the optimiser"
                                                  : "weights",
          " than the run's"));
  };
  M1_RETURN_IF_ERROR(runTraining(Model, *How, Settings, State, Options));
  return Compared;
}
} // namespace

void run::addVerifyRun(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<VerifyRunCommand>();
  CLI::App *Sub = App.add_subcommand(
      "verify-run", "Repeat a step of a run and compare the weights and the "
                    "optimiser's state bit for bit");
  Sub->add_option("RUN_DIR", Command->RunDir, "directory of the run")
      ->required()
      ->type_name("DIR");
  addNumber(*Sub, "--step", 1, Command->Step,
            "the step; it is repeated from the last checkpoint before it")
      ->required();
  Sub->add_option("--plan", Command->PlanPath,
                  "the plan, if it is no longer where the run found it")
      ->type_name("FILE.m1plan");
  Sub->add_option("--device", Command->Session.Device.Name,
                  "as for m1run train")
      ->type_name("DEVICE");
  addNumber(*Sub, "--threads", 0, Command->Session.Device.Threads,
            "CPU threads (default: one per processor); results do not depend "
            "on it");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runVerify(*Command); };
  });
}
