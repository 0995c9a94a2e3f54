//===- Main.cpp - the command line of m1run ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include <cstdio>
#include <iostream>

using namespace m1;

namespace {
/// What was printed must have arrived. Where there was more of it than a
/// buffer, an earlier write can have failed and the last one not.
absl::Status finishOutput() {
  std::cout.flush(); // where --help goes
  bool Failed = std::fflush(stdout) != 0;
  if (Failed || std::ferror(stdout) || !std::cout)
    return makeError("cannot write to standard output");
  return absl::OkStatus();
}

/// Says what is wrong with a command line.
std::string describe(const CLI::App &App, const CLI::ParseError &Error) {
  if (!App.get_subcommands().empty() || Error.get_name() != "RequiredError")
    return Error.what();
  std::string Known;
  for (const CLI::App *Command : App.get_subcommands({}))
    Known += (Known.empty() ? "" : ", ") + Command->get_name();
  std::string Found = "none";
  if (std::vector<std::string> Words = App.remaining(); !Words.empty())
    Found = "'" + Words.front() + "'";
  return "expected a subcommand (" + Known + "), found " + Found;
}
} // namespace

int run::main(int Argc, char **Argv) {
  CLI::App App("Runs models that m1c compiled.", "m1run");
  App.require_subcommand(1);
  run::Action Chosen;
  run::addGenerate(App, Chosen);
  run::addScore(App, Chosen);
  run::addCall(App, Chosen);
  run::addBench(App, Chosen);
  run::addInspect(App, Chosen);
  absl::Status Status;
  try {
    App.parse(Argc, Argv);
    Status = Chosen();
  } catch (const CLI::ParseError &Error) {
    if (Error.get_exit_code() == 0) // --help
      App.exit(Error);
    else
      Status = makeError(describe(App, Error));
  }
  Status.Update(finishOutput());
  if (Status.ok())
    return 0;
  std::fprintf(stderr, "m1run: error: %s\n",
               std::string(Status.message()).c_str());
  return Status.code() == absl::StatusCode::kCancelled ? 130 : 1;
}
