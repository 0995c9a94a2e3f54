//===- Main.cpp - the command line of m1run -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/support/Exceptions.h"
#include "runtime/support/Process.h"
#include "runtime/support/ProjectVersion.h"
#include "runtime/support/StopSignals.h"
#include "runtime/support/Suggestion.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <unistd.h>

using namespace m1;

namespace {
/// Flushes standard output. Fails if any write to it failed: if the output is
/// larger than a buffer, an earlier write may have failed although the last one
/// succeeded. If nobody reads the output, a run that `Succeeded` ends as it
/// would without a handler: `m1run inspect PLAN | head` says nothing.
absl::Status finishOutput(bool Succeeded) {
  // Includes what --help writes to std::cout, which has no buffer of its own.
  int Reason = std::fflush(stdout) == 0 ? 0 : errno;
  if (Reason == 0 && !std::ferror(stdout) && std::cout)
    return absl::OkStatus();
  // Why an earlier write failed is forgotten; another one fails likewise.
  if (Reason == 0 && ::write(STDOUT_FILENO, "\n", 1) < 0)
    Reason = errno;
  if (pollfd Output{STDOUT_FILENO, POLLOUT, 0};
      Succeeded && ::poll(&Output, 1, 0) == 1 && (Output.revents & POLLERR)) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  return makeError("cannot write to standard output",
                   Reason ? concat(": ", std::strerror(Reason)) : "");
}

/// The error of a command line that lacks a known subcommand.
std::string describeSubcommand(const CLI::App &App) {
  std::vector<std::string> Names;
  std::string Known;
  for (const CLI::App *Command : App.get_subcommands({})) {
    Names.push_back(Command->get_name());
    Known += (Known.empty() ? "" : ", ") + Names.back();
  }
  std::vector<std::string> Words = App.remaining();
  std::string Expected = concat("expected a subcommand (", Known, "), found ");
  if (Words.empty())
    return Expected + "none";
  return concat(Expected, "'", Words.front(), "'",
                suggestion(Words.front(), Names));
}

/// The error of an option, or a word, that a subcommand does not have.
std::string describeExtra(const CLI::App &Command) {
  std::string Found = Command.remaining().front();
  if (!Found.starts_with("-"))
    return concat(Command.get_name(), ": unexpected argument '", Found,
                  "' (m1run ", Command.get_name(), " --help lists all)");
  Found = Found.substr(0, Found.find('='));
  std::vector<std::string> Names;
  for (const CLI::Option *Option : Command.get_options())
    if (!Option->get_positional())
      Names.push_back(Option->get_name());
  return concat(Command.get_name(), ": unknown option '", Found, "'",
                suggestion(Found, Names), " (m1run ", Command.get_name(),
                " --help lists all)");
}

/// The error of a command line.
std::string describe(const CLI::App &App, const CLI::ParseError &Error) {
  std::vector<CLI::App *> Chosen = App.get_subcommands();
  if (Chosen.empty())
    return Error.get_name() == "RequiredError" ? describeSubcommand(App)
                                               : Error.what();
  // A misspelt option is found even if it leaves a required one missing.
  if (Chosen[0]->remaining_size() > 0)
    return describeExtra(*Chosen[0]);
  return concat(Chosen[0]->get_name(), ": ", Error.what());
}
} // namespace

int run::main(int Argc, char **Argv) {
  prepareProcess();
  // A run goes on if nobody reads its progress any more.
  std::signal(SIGPIPE, SIG_IGN);
  reportUncaughtExceptions("m1run"); // those of other threads
  CLI::App App("Runs plans, which m1c compiles from models.\n"
               "m1run SUBCOMMAND --help describes a subcommand.",
               "m1run");
  App.require_subcommand(1);
  App.set_version_flag("--version", concat("m1run ", kProjectVersion),
                       "print the version and exit");
  run::Action Chosen;
  run::addGenerate(App, Chosen);
  run::addScore(App, Chosen);
  run::addCall(App, Chosen);
  run::addBench(App, Chosen);
  run::addInspect(App, Chosen);
  run::addEstimate(App, Chosen);
  run::addDigest(App, Chosen);
  run::addEnvironment(App, Chosen);
  run::addTrain(App, Chosen);
  run::addSft(App, Chosen);
  run::addVerifyRun(App, Chosen);
  run::addGradients(App, Chosen);
  absl::Status Status;
  try {
    App.parse(Argc, Argv);
    Status = Chosen();
  } catch (const CLI::ParseError &Error) {
    if (Error.get_exit_code() == 0) // --help or --version
      App.exit(Error);
    else
      Status = makeError(describe(App, Error));
  } catch (...) {
    Status = makeError(describeException());
  }
  Status.Update(finishOutput(Status.ok()));
  if (Status.ok())
    return 0;
  std::fprintf(stderr, "m1run: error: %s\n",
               printable(std::string(Status.message())).c_str());
  return absl::IsCancelled(Status) ? 128 + stopSignal() : 1;
}
