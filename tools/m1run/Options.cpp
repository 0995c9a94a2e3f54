//===- Options.cpp - options that subcommands share -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/comm/StartCheck.h"
#include "runtime/plan/Mesh.h"
#include "runtime/support/Packed.h"
#include "runtime/weights/Npy.h"
#include "tools/m1run/Progress.h"
#include "tools/m1run/Ranks.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

using namespace m1;
using namespace m1::run;

uint64_t run::parseNumber(const std::string &Name, const std::string &Text,
                          uint64_t Min, uint64_t Max) {
  uint64_t Number = 0;
  const char *End = Text.data() + Text.size();
  auto [Stop, Error] = std::from_chars(Text.data(), End, Number);
  if (Text.empty() || Error != std::errc() || Stop != End || Number < Min ||
      Number > Max)
    throw CLI::ValidationError(concat(
        Name, " ", Text, ": expected a whole number from ", Min, " to ", Max));
  return Number;
}

std::vector<std::string> run::splitList(const std::string &Name,
                                        const std::string &List) {
  std::vector<std::string> Parts;
  for (size_t Begin = 0, End; Begin <= List.size(); Begin = End + 1) {
    End = std::min(List.find(',', Begin), List.size());
    if (End == Begin)
      throw CLI::ValidationError(
          concat(Name, " '", List,
                 "': expected values separated by commas, found an empty one"));
    Parts.push_back(List.substr(Begin, End - Begin));
  }
  return Parts;
}

CLI::Option *run::addFiles(CLI::App &Command, const std::string &Name,
                           std::vector<std::string> &Files,
                           const std::string &Description) {
  auto Add = [Name, &Files](const std::vector<std::string> &Lists) {
    for (const std::string &List : Lists) {
      if (std::error_code Code; std::filesystem::exists(List, Code)) {
        Files.push_back(List);
        continue;
      }
      for (std::string &File : splitList(Name, List))
        Files.push_back(std::move(File));
    }
  };
  return Command
      .add_option_function<std::vector<std::string>>(Name, Add, Description)
      ->allow_extra_args(false)
      ->type_name("FILE.npy[,FILE.npy...]");
}

CLI::Option *run::addNumber(CLI::App &Command, const std::string &Name,
                            uint64_t Min, uint64_t Max,
                            std::function<void(uint64_t)> Set,
                            const std::string &Description) {
  auto parse = [=](const std::string &Text) {
    Set(parseNumber(Name, Text, Min, Max));
  };
  return Command.add_option_function<std::string>(Name, parse, Description)
      ->type_name("UINT");
}

CLI::Option *run::addNumbers(CLI::App &Command, const std::string &Name,
                             uint64_t Min,
                             std::optional<std::vector<int64_t>> &Values,
                             const std::string &Description) {
  constexpr uint64_t MaxNumber = uint64_t(1) << 40;
  auto parse = [Name, Min, &Values](const std::string &List) {
    Values.emplace();
    if (List == "none")
      return;
    for (const std::string &Text : splitList(Name, List))
      Values->push_back(
          static_cast<int64_t>(parseNumber(Name, Text, Min, MaxNumber)));
  };
  return Command.add_option_function<std::string>(Name, parse, Description)
      ->type_name("UINT[,UINT...]|none");
}

void CommonOptions::addTo(CLI::App &Command, bool WeightsRequired) {
  Command.add_option("PLAN", PlanPath, "the plan: a model compiled by m1c")
      ->required()
      ->type_name("FILE.m1plan");
  Command
      .add_option("--weights", Session.Weights,
                  "directory of the checkpoint, or none: random weights")
      ->required(WeightsRequired)
      ->type_name("DIR|none");
  CLI::Option *Verify = Command.add_flag(
      "--verify-weights", Session.Checkpoint.Verify,
      "first compare all weights with the digests that m1run digest wrote, or "
      "else with the checksums that a Hugging Face download left");
  Command
      .add_option("--digests", Session.Checkpoint.Digests,
                  "with --verify-weights: the file of the digests (default: "
                  "beside the weights)")
      ->needs(Verify)
      ->type_name("FILE.json");
  Session.Checkpoint.Hash.Progress = hashProgress("verify weights");
  addNumber(Command, "--init-seed", 0, Session.InitSeed,
            "seed of the random weights of --weights none (default 0)");
  Command
      .add_option("--device", Session.Device.Name,
                  "cpu, cuda (the first GPU; with several ranks, one for each "
                  "rank of a machine), cuda:N, or ptx (a GPU emulated on the "
                  "CPU); default: cpu or cuda, as the plan was compiled for")
      ->type_name("DEVICE");
  addNumber(Command, "--threads", 0, Session.Device.Threads,
            "CPU threads, of each rank (default: one per processor that the "
            "rank may use; ranks that may use the same ones share them)");
  addNumber(
      Command, "--timeout", 1, 1'000'000,
      [this](uint64_t Seconds) { Timeout = Seconds; },
      "with several ranks: seconds that a rank waits for others in a "
      "call, before it reports an error (default 60)");
  Command.add_flag("--blocking", Session.Device.Blocking,
                   "wait for each kernel on a GPU, so that an error names the "
                   "kernel that caused it");
  Command.add_flag("--checked", Session.Device.Checked,
                   "check that kernels on the CPU access nothing but their "
                   "arguments; slow");
  Session.Checkpoint.Note = printNote;
  Command.add_flag("--profile", Session.Profile,
                   "print the time of each kernel on standard error; with "
                   "several ranks of each rank, and its time of waiting");
}

void SequenceOptions::addTo(CLI::App &Command, const char *OutDirText,
                            bool OutDirRequired) {
  Common.addTo(Command, /*WeightsRequired=*/true);
  addFiles(Command, "--tokens", TokenFiles,
           "token ids of one sequence per file: 1-D .npy files of integers. "
           "Separate them by commas, or repeat the option; a value that is the "
           "name of a file is that file, even if it contains commas")
      ->required();
  Command.add_option("--out-dir", OutDir, OutDirText)
      ->required(OutDirRequired)
      ->type_name("DIR");
  Command.add_flag("--json", Json, "print a JSON object instead of text");
  Command.footer("Files appear when all sequences are finished. SIGINT "
                 "(Ctrl-C), SIGTERM or SIGHUP ends the run earlier: the "
                 "sequences that are finished by then keep their files, and "
                 "the exit status is 128 + the signal.");
}

absl::StatusOr<std::unique_ptr<LoadedPlan>>
run::loadPlan(const CommonOptions &Options) {
  Ranks &Job = Ranks::get();
  absl::StatusOr<std::unique_ptr<LoadedPlan>> Plan =
      LoadedPlan::load(Options.PlanPath);
  M1_RETURN_IF_ERROR(Job.agree(Plan.ok() ? checkRankCount(**Plan, Job.count())
                                         : Plan.status()));
  M1_RETURN_IF_ERROR(Job.checkEqual(planFacts(**Plan)));
  return Plan;
}

/// Checks that all ranks have the same weights, as far as samples show.
static absl::Status checkWeights(const std::string &Path) {
  Ranks &Job = Ranks::get();
  if (Job.count() == 1 || Path.empty() || Path == "none")
    return absl::OkStatus();
  std::vector<StartFact> Facts;
  auto collect = [&]() -> absl::Status {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> Weights,
                        Checkpoint::open(Path));
    M1_ASSIGN_OR_RETURN(Facts, checkpointFacts(*Weights));
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(Job.agree(collect()));
  return Job.checkEqual(Facts);
}

/// Says how many threads the ranks use.
static void notePlacement(const plan::Plan &Plan,
                          std::span<const RankPlacement> Placements) {
  auto [Least, Most] = std::minmax_element(
      Placements.begin(), Placements.end(),
      [](const auto &A, const auto &B) { return A.Threads < B.Threads; });
  const unsigned Few = Least->Threads, Many = Most->Threads;
  printNote(concat(Placements.size(), " ranks (", describeMesh(Plan), ") of ",
                   Few == Many ? "" : concat(Few, " to "), Many, " thread",
                   Many == 1 ? "" : "s", " each; --threads sets the number"));
}

absl::StatusOr<std::unique_ptr<m1::Session>>
run::openSession(std::unique_ptr<LoadedPlan> Plan,
                 const CommonOptions &Options) {
  Ranks &Job = Ranks::get();
  SessionOptions Session = Options.Session;
  if (Transport *Others = Job.transport()) {
    Others->setTimeout(std::chrono::seconds(Options.Timeout));
    M1_ASSIGN_OR_RETURN(std::vector<RankPlacement> Placements,
                        Job.placements());
    Session.Device.Gpu = Job.own(Placements).Gpu;
    if (Session.Device.Threads == 0) {
      Session.Device.Threads = Job.own(Placements).Threads;
      notePlacement(**Plan, Placements);
    }
    Session.Ranks = Others;
    Session.Agree = [&Job](const absl::Status &Own) { return Job.agree(Own); };
    if (!Job.isRoot()) {
      Session.Checkpoint.Verify = false; // the root compares all weights
      Session.Checkpoint.Note = nullptr;
      Session.Checkpoint.Hash.Progress = nullptr;
    }
  }
  M1_RETURN_IF_ERROR(checkWeights(Session.Weights));
  return m1::Session::open(std::move(Plan), Session);
}

absl::StatusOr<std::unique_ptr<m1::Session>>
run::openSession(const CommonOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan, loadPlan(Options));
  return openSession(std::move(Plan), Options);
}

/// The sequences of all files; an error if one does not fit the model.
static absl::StatusOr<std::string> readSequences(const SequenceOptions &Options,
                                                 const plan::Model &Bounds) {
  Packer P;
  for (const std::string &File : Options.TokenFiles) {
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Tokens,
                        readTokens(File, Bounds.max_length()));
    M1_RETURN_IF_ERROR(checkTokens(Bounds, Tokens, File));
    P.add(Tokens);
  }
  return std::move(P.Bytes);
}

absl::StatusOr<OpenedSequences> run::open(const SequenceOptions &Options) {
  Ranks &Job = Ranks::get();
  // All sequences are checked before the weights are loaded.
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      loadPlan(Options.Common));
  OpenedSequences Result;
  M1_ASSIGN_OR_RETURN(
      std::string Sequences, Job.fromRoot([&]() -> absl::StatusOr<std::string> {
        M1_ASSIGN_OR_RETURN(const plan::Model *Bounds, languageModelOf(*Plan));
        return readSequences(Options, *Bounds);
      }));
  for (Unpacker U(Sequences); !U.isDone();)
    Result.Sequences.push_back(U.numbers<int64_t>());
  M1_ASSIGN_OR_RETURN(Result.Session,
                      openSession(std::move(Plan), Options.Common));
  absl::StatusOr<std::unique_ptr<LanguageModel>> Model =
      LanguageModel::create(*Result.Session->Program);
  M1_RETURN_IF_ERROR(Job.agree(Model.status()));
  Result.Model = std::move(*Model);
  Result.Place = Job.place(**Result.Session->Plan);
  return Result;
}

std::function<void(uint64_t, uint64_t)>
run::hashProgress(const std::string &Label) {
  constexpr uint64_t Unit = 1'000'000;
  struct State {
    std::unique_ptr<Progress> Bar;
    uint64_t Shown = 0;
  };
  return [Label, S = std::make_shared<State>()](uint64_t Done, uint64_t Total) {
    if (!S->Bar)
      S->Bar = std::make_unique<Progress>(concat(Label, ", MB"), Total / Unit);
    S->Bar->advance(Done / Unit - S->Shown);
    S->Shown = Done / Unit;
    if (Done == Total)
      S->Bar.reset(); // ends its line
  };
}

void run::printNote(const std::string &Text) {
  if (!Ranks::get().isRoot())
    return;
  std::fprintf(stderr, "m1run: note: %s\n", printable(Text).c_str());
}

absl::Status run::sequenceError(const absl::Status &Error, size_t Sequence,
                                const SequenceOptions &Options) {
  return absl::Status(Error.code(), concat(Options.TokenFiles[Sequence], ": ",
                                           std::string(Error.message())));
}

absl::Status run::describeEnd(const absl::Status &Done, size_t Finished,
                              const SequenceOptions &Options) {
  if (Done.ok() || Finished == 0)
    return Done;
  return absl::Status(
      Done.code(),
      concat(std::string(Done.message()), "; ", Finished, " of ",
             Options.TokenFiles.size(), " sequences are finished",
             Options.OutDir.empty() ? "" : " and in " + Options.OutDir));
}

absl::Status run::printProfile(const m1::Session &Session) {
  if (!Session.Trace)
    return absl::OkStatus();
  M1_ASSIGN_OR_RETURN(std::vector<std::string> Tables,
                      Ranks::get().gather(Session.Trace->table()));
  for (size_t I = 0; I < Tables.size(); ++I) {
    if (Tables.size() > 1)
      std::fprintf(stderr, "rank %zu\n", I);
    std::fputs(Tables[I].c_str(), stderr);
  }
  return absl::OkStatus();
}
