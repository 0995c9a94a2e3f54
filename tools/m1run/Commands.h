//===- Commands.h - the subcommands of m1run --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_TOOLS_M1RUN_COMMANDS_H
#define M1_TOOLS_M1RUN_COMMANDS_H

#include "runtime/session/LanguageModel.h"
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

/// Adds an option for a whole number from 0 to `Max`. (CLI11 would take -1 for
/// 2^64 - 1.)
CLI::Option *addNumber(CLI::App &Command, const std::string &Name, uint64_t Max,
                       std::function<void(uint64_t)> Set,
                       const std::string &Description);

/// The options that every subcommand that runs a plan has.
struct CommonOptions {
  std::string PlanPath;
  SessionOptions Session;
  /// Adds PLAN, --weights, --init-seed, --device, --threads, --blocking,
  /// --checked and --profile.
  void addTo(CLI::App &Command, bool WeightsRequired);
};

/// The options of a subcommand that works on sequences of a language model.
struct SequenceOptions {
  CommonOptions Common;
  std::vector<std::string> TokenFiles;
  std::string OutDir;
  bool Json = false;
  /// Adds the common options, --tokens, --out-dir with this description, and
  /// --json.
  void addTo(CLI::App &Command, const char *OutDirText, bool OutDirRequired);
};

/// A language model that is ready to run, and sequences that it can take.
struct OpenedSequences {
  std::unique_ptr<m1::Session> Session;
  std::unique_ptr<LanguageModel> Model;
  std::vector<std::vector<int64_t>> Sequences; ///< one for each file
};
absl::StatusOr<OpenedSequences> open(const SequenceOptions &Options);

/// Prints the profile on stderr where it was asked for.
void printProfile(const m1::Session &Session);

} // namespace m1::run

#endif // M1_TOOLS_M1RUN_COMMANDS_H
