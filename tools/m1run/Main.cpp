//===- Main.cpp - the command line of m1run -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Ranks.h"

#include "runtime/support/Exceptions.h"
#include "runtime/support/Process.h"
#include "runtime/support/ProjectVersion.h"
#include "runtime/support/Suggestion.h"

#include <algorithm>
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
/// What the ranks of a run do in a subcommand.
enum class RanksUse : uint8_t {
  All,  ///< all work together
  Root, ///< the root works, the others wait
  One   ///< there may be one only
};
RanksUse ranksUse(const std::string &Subcommand) {
  for (const char *Each : {"generate", "score", "call", "bench", "engine"})
    if (Subcommand == Each)
      return RanksUse::All;
  return Subcommand == "inspect" || Subcommand == "digest" ? RanksUse::Root
                                                           : RanksUse::One;
}

/// Runs the chosen subcommand on the ranks that it uses.
absl::Status runChosen(const CLI::App &App, const run::Action &Chosen) {
  run::Ranks &Job = run::Ranks::get();
  const std::string Subcommand = App.get_subcommands().front()->get_name();
  switch (ranksUse(Subcommand)) {
  case RanksUse::All:
    return Chosen();
  case RanksUse::Root:
    return Job
        .fromRoot([&]() -> absl::StatusOr<std::string> {
          M1_RETURN_IF_ERROR(Chosen());
          return std::string();
        })
        .status();
  case RanksUse::One:
    break;
  }
  if (Job.count() > 1)
    return Job.agree(makeError("m1run ", Subcommand,
                               " runs on one rank, found ", Job.count(),
                               ": start it without mpirun"));
  return Chosen();
}

/// Parses a command line, without the program's name, and runs it.
absl::Status parseAndRun(CLI::App &App, std::vector<std::string> Arguments,
                         const run::Action &Chosen) {
  absl::Status Parsed;
  try {
    std::reverse(Arguments.begin(), Arguments.end()); // as CLI11 wants them
    App.parse(std::move(Arguments));
  } catch (const CLI::ParseError &Error) {
    if (Error.get_exit_code() == 0) { // --help or --version
      App.exit(Error);
      return absl::OkStatus();
    }
    Parsed = makeError(describe(App, Error));
  }
  M1_RETURN_IF_ERROR(run::Ranks::get().agree(Parsed));
  return runChosen(App, Chosen);
}
} // namespace

int run::main(int Argc, char **Argv) {
  prepareProcess();
  // A run goes on if nobody reads its progress any more.
  std::signal(SIGPIPE, SIG_IGN);
  reportUncaughtExceptions("m1run"); // those of other threads
  CLI::App App("Runs plans, which m1c compiles from models.\n"
               "m1run SUBCOMMAND --help describes a subcommand.\n"
               "Plans for several ranks (m1c --mesh): mpirun -n RANKS m1run "
               "SUBCOMMAND ...",
               "m1run");
  App.require_subcommand(1);
  App.set_version_flag("--version", concat("m1run ", kProjectVersion),
                       "print the version and exit");
  run::Action Chosen;
  run::addGenerate(App, Chosen);
  run::addScore(App, Chosen);
  run::addCall(App, Chosen);
  run::addBench(App, Chosen);
  run::addEngine(App, Chosen);
  run::addInspect(App, Chosen);
  run::addEstimate(App, Chosen);
  run::addDigest(App, Chosen);
  run::addEnvironment(App, Chosen);
  run::addTrain(App, Chosen);
  run::addSft(App, Chosen);
  run::addVerifyRun(App, Chosen);
  run::addGradients(App, Chosen);
  absl::Status Status;
  Ranks &Job = Ranks::get();
  try {
    std::vector<std::string> Arguments(Argv + 1, Argv + Argc);
    Status = Job.start(Arguments);
    if (Status.ok())
      Status = parseAndRun(App, std::move(Arguments), Chosen);
  } catch (...) {
    Status = makeError(describeException());
  }
  Status.Update(finishOutput(Status.ok()));
  return Job.finish(Status);
}
