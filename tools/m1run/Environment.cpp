//===- Environment.cpp - m1run environment: prompts and solutions ---------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/support/Json.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/StopSignals.h"
#include "runtime/training/SupervisedData.h"
#include "runtime/training/environments/Environment.h"

#include <cstdio>
#include <optional>

using namespace m1;
using namespace m1::run;
using nlohmann::json;

namespace {
struct EnvironmentCommand {
  std::string Name, Options, OutDir;
  std::optional<uint64_t> Seed, Count;
  uint64_t First = 0;
};

void printLine(const std::string &Text) {
  std::printf("%s\n", printable(Text).c_str());
}

void printList() {
  for (const EnvironmentInfo &Info : listEnvironments()) {
    printLine(concat(Info.Name, ": ", Info.Description));
    for (const EnvironmentOption &Option : Info.Options)
      printLine(concat("  ", Option.Name, ": ", Option.Description,
                       Option.Default.is_null()
                           ? ""
                           : concat(" (default ", Option.Default.dump(), ")")));
  }
}

absl::StatusOr<std::unique_ptr<Environment>>
create(const EnvironmentCommand &Command) {
  json Description = json::object();
  if (!Command.Options.empty()) {
    M1_ASSIGN_OR_RETURN(Description, parseJson(Command.Options, "--options"));
    if (!Description.is_object())
      return makeError("--options: found ", Description.type_name(),
                       ", expected an object such as {\"max_length\": 4}");
  }
  Description["name"] = Command.Name;
  if (Command.Seed)
    Description["seed"] = *Command.Seed;
  EnvironmentContext Context;
  Context.Note = printNote;
  return createEnvironment(Description, Context);
}

absl::Status printPrompts(Environment &E, uint64_t First, uint64_t Count) {
  for (uint64_t I = 0; I < Count; ++I) {
    if (stopSignal())
      return absl::CancelledError(
          concat("stopped after ", I, " of ", Count, " prompts"));
    M1_ASSIGN_OR_RETURN(Prompt P, E.makePrompt(First + I));
    printLine(concat(First + I, ": ", E.text(P.Tokens),
                     P.Solution.empty() ? "" : " -> ", E.text(P.Solution)));
  }
  return absl::OkStatus();
}

absl::Status runEnvironment(const EnvironmentCommand &Command) {
  if (Command.Name.empty()) {
    printList();
    return absl::OkStatus();
  }
  finishOnStopSignal();
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Environment> E, create(Command));
  if (Command.OutDir.empty())
    return printPrompts(*E, Command.First, Command.Count.value_or(5));
  if (!Command.Count)
    return makeError("--out: --count is missing, the number of prompts");
  M1_ASSIGN_OR_RETURN(SupervisedData Data,
                      solve(*E, Command.First, *Command.Count));
  M1_RETURN_IF_ERROR(createDirectories(Command.OutDir));
  M1_ASSIGN_OR_RETURN(OutputFiles Files,
                      prepareSupervised(Data, Command.OutDir));
  M1_RETURN_IF_ERROR(commit(Files));
  printLine(concat(Data.sequences(), " sequences of ", Data.Tokens.size(),
                   " tokens in ", Command.OutDir));
  return absl::OkStatus();
}
} // namespace

void run::addEnvironment(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<EnvironmentCommand>();
  CLI::App *Sub = App.add_subcommand(
      "environment",
      "Show prompts of an environment and solutions of them, or write them as "
      "data for supervised training.\nWithout a name, list all environments "
      "and their options.");
  Sub->add_option("NAME", Command->Name, "the environment, such as sorting")
      ->type_name("NAME");
  Sub->add_option("--options", Command->Options,
                  "its options, a JSON object: '{\"max_length\": 4}'")
      ->type_name("JSON");
  addNumber(
      *Sub, "--seed", 0, INT64_MAX,
      [Command](uint64_t Seed) { Command->Seed = Seed; },
      "seed of the prompts (default: the option, or 0)");
  addNumber(
      *Sub, "--count", 1, UINT32_MAX,
      [Command](uint64_t Count) { Command->Count = Count; },
      "how many prompts (default, without --out: 5)");
  addNumber(
      *Sub, "--first", 0, UINT32_MAX,
      [Command](uint64_t First) { Command->First = First; },
      "number of the first prompt (default 0)");
  Sub->add_option(
         "--out", Command->OutDir,
         "write tokens.npy (int64, prompts and solutions end to end), "
         "mask.npy (uint8, 1 for solutions) and cu_seqlens.npy (int64, "
         "where each sequence begins) instead of printing")
      ->type_name("DIR");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runEnvironment(*Command); };
  });
}
