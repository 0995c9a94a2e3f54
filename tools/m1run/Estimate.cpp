//===- Estimate.cpp - m1run estimate: what a plan costs on a machine ------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/TrafficJson.h"

#include "runtime/estimate/CallCost.h"
#include "runtime/estimate/RankMemory.h"
#include "runtime/plan/Mesh.h"

#include <charconv>
#include <cstdio>

using namespace m1;
using namespace m1::run;

namespace {
using Numbers = std::vector<int64_t>;

struct EstimateCommand {
  std::string PlanPath, MachineName, Function = "next";
  std::vector<std::pair<std::string, double>> Scales;
  std::optional<Numbers> Decode, Contexts, Prefill;
  bool Json = false, Kernels = false;
};

/// The batches to estimate. Of those that the command line does not name, only
/// those that the plan has room for.
absl::StatusOr<std::vector<CallShape>>
shapesOf(const plan::Plan &Plan, const EstimateCommand &Command) {
  std::vector<CallShape> Shapes;
  auto Add = [&](const CallShape &Shape, bool IsGiven) {
    absl::Status Status = symbolsOf(Plan, Shape).status();
    if (Status.ok())
      Shapes.push_back(Shape);
    return IsGiven ? Status : absl::OkStatus();
  };
  for (int64_t Context :
       Command.Contexts.value_or(Numbers{1024, 102400, 1048576}))
    for (int64_t Sequences : Command.Decode.value_or(Numbers{1, 8, 64, 256}))
      M1_RETURN_IF_ERROR(
          Add({Sequences, 1, Context - 1}, Command.Decode && Command.Contexts));
  for (int64_t Tokens : Command.Prefill.value_or(Numbers{512, 4096}))
    M1_RETURN_IF_ERROR(Add({1, Tokens, 0}, Command.Prefill.has_value()));
  return Shapes;
}

json describe(const MovedBytes &Bytes) {
  return {{"weights", Bytes.Weights},
          {"states", Bytes.States},
          {"activations", Bytes.Activations}};
}

json describe(const plan::Plan &Plan, const CallShape &Shape,
              const CallCost &Cost, const RankMemory &Memory,
              const Machine &M) {
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
  const double Needed =
      Memory.total(Shape.Sequences, Shape.Context + Shape.Tokens);
  return {{"sequences", Shape.Sequences},
          {"tokens", Shape.Tokens},
          {"context", Shape.Context},
          {"launches", Cost.Launches},
          {"operations", Operations},
          {"bytes", describe(Cost.Bytes)},
          {"exchanges", Cost.Sent.Exchanges},
          {"messages", Cost.Sent.Messages},
          {"message_bytes", Cost.Sent.Bytes},
          {"sent", run::describe(Plan, Cost.SentByKind)},
          {"seconds",
           {{"launches", Cost.Launch},
            {"compute", Cost.Compute},
            {"memory", Cost.Memory},
            {"exchanges", Cost.Exchange},
            {"total", Cost.seconds()}}},
          {"bound", std::string(Cost.bound())},
          {"memory_bytes", Needed},
          {"fits", Needed <= M.MemoryBytes},
          {"kernels", Kernels}};
}

json describe(const BytesByKind &Bytes) {
  json Result = json::object();
  for (const auto &[Kind, Count] : Bytes)
    Result[Kind] = Count;
  return Result;
}

json describe(const RankMemory &Memory) {
  return {{"weights", describe(Memory.Weights)},
          {"states", describe(Memory.States)},
          {"activations", Memory.Needs.Activations},
          {"constants", Memory.Needs.Constants},
          {"parameters_at_their_peak", Memory.Needs.Parameters},
          {"inputs_and_outputs", Memory.Needs.CallTensors},
          {"slots", Memory.Slots},
          {"max_length", Memory.MaxLength},
          {"total", Memory.Needs.total()}};
}

double sum(const json &Values) {
  double Sum = 0;
  for (const auto &[Name, Value] : Values.items())
    Sum += Value.get<double>();
  return Sum;
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

double gib(double Bytes) { return Bytes / (1 << 30); }

void printMemory(const json &Memory, double Available) {
  auto line = [](const std::string &Name, double Bytes) {
    std::printf("  %-48s%12.3f GiB\n", printable(Name, 48).c_str(), gib(Bytes));
  };
  std::printf("memory of a rank, at the plan's bounds (%lld sequences of %lld "
              "tokens)\n",
              static_cast<long long>(Memory["slots"]),
              static_cast<long long>(Memory["max_length"]));
  line("weights", sum(Memory["weights"]));
  for (const auto &[Kind, Bytes] : Memory["weights"].items())
    line("  " + Kind, Bytes.get<double>());
  line("states", sum(Memory["states"]));
  for (const auto &[Kind, Bytes] : Memory["states"].items())
    line("  " + Kind, Bytes.get<double>());
  line("activations", Memory["activations"].get<double>());
  line("all, with parameters at their peak", Memory["total"].get<double>());
  line("the machine has", Available);
}

void printHead() {
  std::printf("\n%9s %7s %8s %10s %9s %8s %9s %9s %9s %9s %9s %9s %8s  %s\n",
              "sequences", "tokens", "context", "GFLOP", "GB", "sent MB",
              "launches", "compute", "memory", "exchange", "total", "tokens/s",
              "GiB", "bound by");
}

void printCase(const json &Case, bool WithKernels) {
  const json &Seconds = Case["seconds"];
  auto number = [&](const char *Name) {
    return static_cast<long long>(Case[Name]);
  };
  auto time = [&](const char *Part) {
    return duration(Seconds[Part].get<double>());
  };
  const double Tokens =
      Case["sequences"].get<double>() * Case["tokens"].get<double>();
  std::printf(
      "%9lld %7lld %8lld %10.1f %9.3f %8.2f %9s %9s %9s %9s %9s %9.0f %7.1f%s "
      " %s\n",
      number("sequences"), number("tokens"), number("context"),
      sum(Case["operations"]) / 1e9, sum(Case["bytes"]) / 1e9,
      Case["message_bytes"].get<double>() / 1e6, time("launches").c_str(),
      time("compute").c_str(), time("memory").c_str(),
      time("exchanges").c_str(), time("total").c_str(),
      Tokens / Seconds["total"].get<double>(),
      gib(Case["memory_bytes"].get<double>()),
      Case["fits"].get<bool>() ? " " : "!",
      Case["bound"].get<std::string>().c_str());
  if (!WithKernels)
    return;
  for (const json &Kernel : Case["kernels"])
    std::printf("    %-60s %6lld %10.1f %10.4f %10s\n",
                printable(Kernel["name"].get<std::string>(), 60).c_str(),
                static_cast<long long>(Kernel["launches"]),
                Kernel["operations"].get<double>() / 1e9,
                sum(Kernel["bytes"]) / 1e9,
                duration(Kernel["seconds"].get<double>()).c_str());
}

absl::Status runEstimate(const EstimateCommand &Command) {
  M1_ASSIGN_OR_RETURN(Machine M, findMachine(Command.MachineName));
  for (const auto &[What, Factor] : Command.Scales)
    M1_RETURN_IF_ERROR(scale(M, What, Factor));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(Command.PlanPath));
  const plan::Function *Function = Plan->function(Command.Function);
  if (!Function)
    return makeError(Plan->name(), ": no function '", Command.Function, "'");
  const RankMemory Memory(**Plan);
  json Cases = json::array();
  M1_ASSIGN_OR_RETURN(std::vector<CallShape> Shapes, shapesOf(**Plan, Command));
  for (const CallShape &Shape : Shapes) {
    M1_ASSIGN_OR_RETURN(const CallCost Cost,
                        costOf(**Plan, *Function, Shape, M));
    Cases.push_back(describe(**Plan, Shape, Cost, Memory, M));
  }
  if (Command.Json) {
    const json Result = {
        {"plan", Plan->name()},       {"machine", M.Name},
        {"ranks", rankCount(**Plan)}, {"function", Command.Function},
        {"memory", describe(Memory)}, {"cases", Cases}};
    std::printf("%s\n", dump(Result, 2).c_str());
    return absl::OkStatus();
  }
  const std::string Mesh = describeMesh(**Plan);
  std::printf("machine   %s\nranks     %lld%s%s\nfunction  %s, of each rank\n",
              printable(M.Name).c_str(),
              static_cast<long long>(rankCount(**Plan)),
              Mesh.empty() ? "" : ": ", printable(Mesh).c_str(),
              printable(Command.Function).c_str());
  printMemory(describe(Memory), M.MemoryBytes);
  printHead();
  for (const json &Case : Cases)
    printCase(Case, Command.Kernels);
  return absl::OkStatus();
}

/// "memory_bandwidth=0.7,latency=2".
void parseScales(const std::string &List,
                 std::vector<std::pair<std::string, double>> &Scales) {
  for (const std::string &Part : splitList("--scale", List)) {
    const size_t Equals = std::min(Part.find('='), Part.size());
    const std::string Number = Part.substr(std::min(Equals + 1, Part.size()));
    double Factor = 0;
    const char *End = Number.data() + Number.size();
    auto [Stop, Error] = std::from_chars(Number.data(), End, Factor);
    if (Error != std::errc() || Stop != End || !(Factor > 0 && Factor < 1e6))
      throw CLI::ValidationError(concat("--scale ", Part,
                                        ": expected NAME=FACTOR with a "
                                        "factor above 0"));
    Scales.emplace_back(Part.substr(0, Equals), Factor);
  }
}
} // namespace

void run::addEstimate(CLI::App &App, Action &Chosen) {
  auto Given = std::make_shared<EstimateCommand>();
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
             "tokens of one new sequence (default 512,4096)");
  Command
      ->add_option_function<std::string>(
          "--scale",
          [Given](const std::string &List) {
            parseScales(List, Given->Scales);
          },
          "multiply what the machine can do: tflops, memory_bandwidth, "
          "link_bandwidth, latency, launch")
      ->type_name("NAME=FACTOR[,...]");
  Command->add_flag("--kernels", Given->Kernels, "list the kernels, too");
  Command->add_flag("--json", Given->Json,
                    "print a JSON object instead of text");
  Command->callback(
      [Given, &Chosen] { Chosen = [Given] { return runEstimate(*Given); }; });
}
