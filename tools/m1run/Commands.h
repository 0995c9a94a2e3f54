//===- Commands.h - the subcommands of m1run --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_TOOLS_M1RUN_COMMANDS_H
#define M1_TOOLS_M1RUN_COMMANDS_H

#include "runtime/session/Session.h"
#include "runtime/support/Error.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace m1::run {

/// All of m1run, for a program's main(): returns its exit status.
int main(int Argc, char **Argv);

/// What a subcommand does once its options are read.
using Action = std::function<absl::Status()>;

/// Each adds one subcommand, which sets `Chosen` when it is given.
void addGenerate(CLI::App &App, Action &Chosen);
void addScore(CLI::App &App, Action &Chosen);
void addCall(CLI::App &App, Action &Chosen);
void addBench(CLI::App &App, Action &Chosen);
void addInspect(CLI::App &App, Action &Chosen);

/// The options that every subcommand that runs a plan has.
struct CommonOptions {
  std::string PlanPath;
  SessionOptions Session;
  /// Adds PLAN, --weights, --init-seed, --threads and --profile.
  void addTo(CLI::App &Command, bool WeightsRequired);
};

/// Adds --tokens, a list of files separated by commas.
void addTokensOption(CLI::App &Command, std::vector<std::string> &Files);
absl::StatusOr<std::vector<std::vector<int64_t>>>
readTokenFiles(const std::vector<std::string> &Files);

/// Prints the profile on stderr where it was asked for.
void printProfile(const m1::Session &Session);

} // namespace m1::run

#endif // M1_TOOLS_M1RUN_COMMANDS_H
