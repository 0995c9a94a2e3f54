//===- Commands.h - the subcommands of m1run --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_COMMANDS_H
#define M1C_TOOLS_M1RUN_COMMANDS_H

#include "runtime/session/DataAxis.h"
#include "runtime/session/LanguageModel.h"
#include "runtime/session/Session.h"
#include "runtime/support/Error.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace m1::run {

/// The whole of m1run, to be called by main(). Returns the exit status.
int main(int Argc, char **Argv);

/// Runs a subcommand, after its options are parsed.
using Action = std::function<absl::Status()>;

/// Each adds one subcommand. Parsing it sets `Chosen`.
void addGenerate(CLI::App &App, Action &Chosen);
void addScore(CLI::App &App, Action &Chosen);
void addCall(CLI::App &App, Action &Chosen);
void addBench(CLI::App &App, Action &Chosen);
void addEngine(CLI::App &App, Action &Chosen);
void addInspect(CLI::App &App, Action &Chosen);
void addEstimate(CLI::App &App, Action &Chosen);
void addDigest(CLI::App &App, Action &Chosen);
void addEnvironment(CLI::App &App, Action &Chosen);
void addTrain(CLI::App &App, Action &Chosen);
void addSft(CLI::App &App, Action &Chosen);
void addVerifyRun(CLI::App &App, Action &Chosen);
void addGradients(CLI::App &App, Action &Chosen);

/// The decimal number `Text`, from `Min` to `Max`; throws the error of option
/// `Name` for anything else.
uint64_t parseNumber(const std::string &Name, const std::string &Text,
                     uint64_t Min, uint64_t Max);

/// The parts of a value of option `Name`, separated by commas; throws if one is
/// empty. (CLI11's own delimiter option takes "," as no value and consumes the
/// next word instead.)
std::vector<std::string> splitList(const std::string &Name,
                                   const std::string &List);

/// Adds an option for .npy files, which are appended to `Files`. They are
/// separated by commas, or the option is repeated; a value that is the name of
/// a file is that file, even if it contains commas.
CLI::Option *addFiles(CLI::App &Command, const std::string &Name,
                      std::vector<std::string> &Files,
                      const std::string &Description);

/// Adds an option for a decimal number from `Min` to `Max`. (CLI11 would accept
/// -1 as 2^64 - 1, and 010 as 8.)
CLI::Option *addNumber(CLI::App &Command, const std::string &Name, uint64_t Min,
                       uint64_t Max, std::function<void(uint64_t)> Set,
                       const std::string &Description);
/// The same, stored in `Value`.
template <typename T>
CLI::Option *addNumber(CLI::App &Command, const std::string &Name, uint64_t Min,
                       T &Value, const std::string &Description) {
  return addNumber(
      Command, Name, Min, static_cast<uint64_t>(std::numeric_limits<T>::max()),
      [&Value](uint64_t Number) { Value = static_cast<T>(Number); },
      Description);
}

/// Adds an option for decimal numbers of at least `Min`, separated by commas;
/// "none" is no number.
CLI::Option *addNumbers(CLI::App &Command, const std::string &Name,
                        uint64_t Min,
                        std::optional<std::vector<int64_t>> &Values,
                        const std::string &Description);

/// The options of every subcommand that runs a plan.
struct CommonOptions {
  std::string PlanPath;
  SessionOptions Session;
  uint64_t Timeout = 60; ///< seconds that a rank waits for others
  /// Adds PLAN, --weights, --verify-weights, --digests, --init-seed, --device,
  /// --threads, --blocking, --checked, --profile and --timeout.
  void addTo(CLI::App &Command, bool WeightsRequired);
};

/// Loads a plan; on all ranks, or on none. An error if it is for another number
/// of ranks.
absl::StatusOr<std::unique_ptr<LoadedPlan>>
loadPlan(const CommonOptions &Options);

/// Opens a session on it, on all ranks or on none.
absl::StatusOr<std::unique_ptr<m1::Session>>
openSession(std::unique_ptr<LoadedPlan> Plan, const CommonOptions &Options);
absl::StatusOr<std::unique_ptr<m1::Session>>
openSession(const CommonOptions &Options);

/// The options of a subcommand that runs a language model on sequences.
struct SequenceOptions {
  CommonOptions Common;
  std::vector<std::string> TokenFiles;
  std::string OutDir;
  bool Json = false;
  /// Adds the common options, --tokens, --out-dir with this description, and
  /// --json.
  void addTo(CLI::App &Command, const char *OutDirText, bool OutDirRequired);
};

/// A language model that is ready to run, and sequences that fit it.
struct OpenedSequences {
  std::unique_ptr<m1::Session> Session;
  std::unique_ptr<LanguageModel> Model;
  std::vector<std::vector<int64_t>> Sequences; ///< one for each file
  DataPlace Place; ///< which of them this rank computes
};
absl::StatusOr<OpenedSequences> open(const SequenceOptions &Options);

/// Shows the progress of hashing weights on standard error; for
/// HashOptions::Progress.
std::function<void(uint64_t, uint64_t)> hashProgress(const std::string &Label);

/// Prints "m1run: note: ..." on standard error, on the root.
void printNote(const std::string &Text);

/// The error of one sequence, with the name of its file.
absl::Status sequenceError(const absl::Status &Error, size_t Sequence,
                           const SequenceOptions &Options);

/// How a run ended: `Done`, which may be an error or a "cancelled" error after
/// a stop signal (StopSignals.h), and how many sequences are finished in spite
/// of it and kept.
absl::Status describeEnd(const absl::Status &Done, size_t Finished,
                         const SequenceOptions &Options);

/// Prints the profiles of all ranks on stderr if --profile was given. All ranks
/// call it together.
absl::Status printProfile(const m1::Session &Session);

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_COMMANDS_H
