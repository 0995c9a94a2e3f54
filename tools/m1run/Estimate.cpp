//===- Estimate.cpp - m1run estimate: what a plan costs on a machine ------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Json.h"

#include "runtime/estimate/CallCost.h"

#include <cstdio>

using namespace m1;
using namespace m1::run;

namespace {
struct EstimateCommand {
  std::string PlanPath, MachineName, Function;
  std::vector<int64_t> Decode{1, 8, 64, 256};
  std::vector<int64_t> Contexts{1024, 102400, 1048576};
  std::vector<int64_t> Prefill{4096};
  bool Json = false, Kernels = false;
};

json describe(const MovedBytes &Bytes) {
  return {{"weights", Bytes.Weights},
          {"states", Bytes.States},
          {"activations", Bytes.Activations}};
}

json describe(const CallShape &Shape, const CallCost &Cost) {
  json Operations = json::object();
  for (const auto &[Type, Count] : Cost.Operations)
    Operations[std::string(name(Type))] = Count;
  json Kernels = json::array();
  for (const auto &[Name, Of] : Cost.Kernels)
    Kernels.push_back({{"name", Name},
                       {"launches", Of.Launches},
                       {"operations", Of.Operations},
                       {"bytes", describe(Of.Bytes)},
                       {"seconds", Of.Seconds}});
  return {{"sequences", Shape.Sequences},
          {"tokens", Shape.Tokens},
          {"context", Shape.Context},
          {"launches", Cost.Launches},
          {"operations", Operations},
          {"bytes", describe(Cost.Bytes)},
          {"seconds",
           {{"launches", Cost.Launch},
            {"compute", Cost.Compute},
            {"memory", Cost.Memory},
            {"total", Cost.seconds()}}},
          {"bound", std::string(Cost.bound())},
          {"kernels", Kernels}};
}

/// "1.50 ms".
std::string duration(double Seconds) {
  char Text[32];
  if (Seconds >= 1)
    std::snprintf(Text, sizeof Text, "%.2f s", Seconds);
  else if (Seconds >= 1e-3)
    std::snprintf(Text, sizeof Text, "%.2f ms", Seconds * 1e3);
  else
    std::snprintf(Text, sizeof Text, "%.1f us", Seconds * 1e6);
  return Text;
}

void printCase(const json &Case, bool WithKernels) {
  const json &Seconds = Case["seconds"], &Bytes = Case["bytes"];
  double Operations = 0, Moved = 0;
  for (const auto &[Type, Count] : Case["operations"].items())
    Operations += Count.get<double>();
  for (const auto &[Kind, Count] : Bytes.items())
    Moved += Count.get<double>();
  auto time = [&](const char *Part) {
    return duration(Seconds[Part].get<double>());
  };
  std::printf("%9lld %9lld %9lld %10.1f %10.3f %8lld %10s %10s %10s %10s  %s\n",
              static_cast<long long>(Case["sequences"]),
              static_cast<long long>(Case["tokens"]),
              static_cast<long long>(Case["context"]), Operations / 1e9,
              Moved / 1e9, static_cast<long long>(Case["launches"]),
              time("launches").c_str(), time("compute").c_str(),
              time("memory").c_str(), time("total").c_str(),
              Case["bound"].get<std::string>().c_str());
  if (!WithKernels)
    return;
  for (const json &Kernel : Case["kernels"]) {
    double Sum = 0;
    for (const auto &[Kind, Count] : Kernel["bytes"].items())
      Sum += Count.get<double>();
    std::printf("    %-60s %6lld %10.1f %10.3f %10s\n",
                printable(Kernel["name"].get<std::string>(), 60).c_str(),
                static_cast<long long>(Kernel["launches"]),
                Kernel["operations"].get<double>() / 1e9, Sum / 1e9,
                duration(Kernel["seconds"].get<double>()).c_str());
  }
}

absl::Status runEstimate(const EstimateCommand &Command) {
  M1_ASSIGN_OR_RETURN(const Machine M, findMachine(Command.MachineName));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(Command.PlanPath));
  const plan::Function *Function = Plan->function(Command.Function);
  if (!Function)
    return makeError(Plan->name(), ": no function '", Command.Function, "'");
  std::vector<CallShape> Shapes;
  for (int64_t Context : Command.Contexts)
    for (int64_t Sequences : Command.Decode)
      Shapes.push_back({Sequences, 1, Context - 1});
  for (int64_t Tokens : Command.Prefill)
    Shapes.push_back({1, Tokens, 0});

  json Cases = json::array();
  for (const CallShape &Shape : Shapes) {
    M1_ASSIGN_OR_RETURN(const CallCost Cost,
                        costOf(**Plan, *Function, Shape, M));
    Cases.push_back(describe(Shape, Cost));
  }
  if (Command.Json) {
    const json Result = {{"plan", Plan->name()},
                         {"machine", M.Name},
                         {"function", Command.Function},
                         {"cases", Cases}};
    std::printf("%s\n", dump(Result, 2).c_str());
    return absl::OkStatus();
  }
  std::printf("machine   %s\nfunction  %s, of each rank\n\n",
              printable(M.Name).c_str(), printable(Command.Function).c_str());
  std::printf("%9s %9s %9s %10s %10s %8s %10s %10s %10s %10s  %s\n",
              "sequences", "tokens", "context", "GFLOP", "GB", "launches",
              "launching", "compute", "memory", "total", "bound by");
  for (const json &Case : Cases)
    printCase(Case, Command.Kernels);
  return absl::OkStatus();
}
} // namespace

void run::addEstimate(CLI::App &App, Action &Chosen) {
  auto Given = std::make_shared<EstimateCommand>();
  Given->Function = "next";
  CLI::App *Command =
      App.add_subcommand("estimate", "Estimate what a plan costs on a machine");
  Command
      ->add_option("PLAN", Given->PlanPath, "the plan: a model compiled by m1c")
      ->required()
      ->type_name("FILE.m1plan");
  Command
      ->add_option("--machine", Given->MachineName,
                   "what the machine can do: a file, or one of "
                   "tools/machines by its name")
      ->required()
      ->type_name("NAME|FILE.json");
  Command
      ->add_option("--entry", Given->Function,
                   "the function that is called (default next)")
      ->type_name("NAME");
  addNumbers(*Command, "--decode", 1, Given->Decode,
             "sequences of which each gets one token (default 1,8,64,256)");
  addNumbers(*Command, "--context", 1, Given->Contexts,
             "tokens of each decoded sequence, with the new one (default "
             "1024,102400,1048576)");
  addNumbers(*Command, "--prefill", 1, Given->Prefill,
             "tokens of one new sequence (default 4096)");
  Command->add_flag("--kernels", Given->Kernels, "list the kernels, too");
  Command->add_flag("--json", Given->Json,
                    "print a JSON object instead of text");
  Command->callback(
      [Given, &Chosen] { Chosen = [Given] { return runEstimate(*Given); }; });
}
