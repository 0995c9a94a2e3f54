//===- Main.cpp - the command line of m1run ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include <cstdio>

using namespace m1;

int run::main(int Argc, char **Argv) {
  CLI::App App("Runs models that m1c compiled.", "m1run");
  App.require_subcommand(1);
  run::Action Chosen;
  run::addGenerate(App, Chosen);
  run::addScore(App, Chosen);
  run::addCall(App, Chosen);
  run::addBench(App, Chosen);
  run::addInspect(App, Chosen);
  try {
    App.parse(Argc, Argv);
  } catch (const CLI::ParseError &Error) {
    if (Error.get_exit_code() == 0) // --help
      return App.exit(Error);
    std::fprintf(stderr, "m1run: error: %s\n", Error.what());
    return 1;
  }
  absl::Status Status = Chosen();
  if (Status.ok() && std::fflush(stdout) != 0)
    Status = makeError("cannot write to standard output");
  if (Status.ok())
    return 0;
  std::fprintf(stderr, "m1run: error: %s\n",
               std::string(Status.message()).c_str());
  return Status.code() == absl::StatusCode::kCancelled ? 130 : 1;
}
