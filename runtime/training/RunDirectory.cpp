//===- RunDirectory.cpp - the files of a training run ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/RunDirectory.h"

#include "runtime/support/File.h"
#include "runtime/support/Json.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/StopSignals.h"
#include "runtime/training/ReadCheckpoint.h"
#include "runtime/training/RecipeDifference.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>

using namespace m1;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {
const char RecipeName[] = "recipe.json";
const char MetricsName[] = "metrics.jsonl", SamplesName[] = "samples.jsonl",
           DigestsName[] = "digests.jsonl";
constexpr std::string_view CheckpointPrefix = "checkpoint-";
// After a checkpoint's name.
const char NewSuffix[] = ".tmp-new", RemovedSuffix[] = ".tmp-removed";
constexpr std::string_view TemporaryMark = ".tmp-";
constexpr uint64_t MaxRecipeBytes = MaxConfigBytes;

/// N of "checkpoint-N"; none for other names, such as "checkpoint-007".
std::optional<int64_t> checkpointNumber(std::string_view Name) {
  if (!Name.starts_with(CheckpointPrefix))
    return std::nullopt;
  Name.remove_prefix(CheckpointPrefix.size());
  int64_t Step = -1;
  const char *End = Name.data() + Name.size();
  auto [Stop, Code] = std::from_chars(Name.data(), End, Step);
  if (Code != std::errc() || Stop != End || Step < 0 ||
      std::to_string(Step) != Name)
    return std::nullopt;
  return Step;
}

/// Whether a name is one that only an interrupted save or removal leaves.
bool isLeftover(const std::string &Name) {
  const size_t Mark = Name.find(TemporaryMark);
  return Mark != Name.npos && checkpointNumber(Name.substr(0, Mark));
}

absl::StatusOr<std::vector<std::string>> namesIn(const std::string &Directory) {
  std::error_code Code;
  fs::directory_iterator It(Directory, Code), End;
  std::vector<std::string> Names;
  for (; !Code && It != End; It.increment(Code))
    Names.push_back(It->path().filename().string());
  if (Code)
    return makeError("cannot read directory ", Directory, ": ", Code.message());
  return Names;
}

absl::Status removeTree(const std::string &Path) {
  std::error_code Code;
  fs::remove_all(Path, Code);
  if (Code)
    return makeError("cannot remove ", Path, ": ", Code.message());
  return absl::OkStatus();
}

absl::Status renameDirectory(const std::string &From, const std::string &To) {
  StopSignalsWait Wait;
  if (::rename(From.c_str(), To.c_str()) != 0)
    return makeError("cannot create ", To, ": ", std::strerror(errno));
  return absl::OkStatus();
}
} // namespace

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

absl::StatusOr<bool> m1::hasRun(const std::string &Directory) {
  return exists(concat(Directory, "/", RecipeName));
}

absl::StatusOr<std::unique_ptr<RunDirectory>>
RunDirectory::create(const std::string &Path) {
  M1_RETURN_IF_ERROR(createDirectories(Path));
  std::unique_ptr<RunDirectory> Result(new RunDirectory);
  Result->Path = Path;
  M1_RETURN_IF_ERROR(Result->lock());
  M1_RETURN_IF_ERROR(Result->removeLeftovers());
  return Result;
}

absl::StatusOr<std::unique_ptr<RunDirectory>>
RunDirectory::open(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(const bool IsThere, hasRun(Path));
  if (!IsThere)
    return makeError(Path, ": no run to go on with: there is no ", RecipeName);
  return create(Path);
}

RunDirectory::~RunDirectory() {
  if (Lock >= 0)
    ::close(Lock);
}

absl::Status RunDirectory::lock() {
  const std::string Name = path("lock");
  Lock = ::open(Name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (Lock < 0)
    return makeError("cannot create ", Name, ": ", std::strerror(errno));
  if (::flock(Lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return makeError("cannot lock ", Name, ": ", std::strerror(errno));
    char Holder[32] = "";
    const ssize_t Count = ::pread(Lock, Holder, sizeof Holder - 1, 0);
    std::string_view Number(Holder, std::max<ssize_t>(Count, 0));
    Number = Number.substr(0, Number.find('\n'));
    return makeError(Path, ": another process uses this directory",
                     Number.empty() ? "" : concat(": process ", Number));
  }
  const std::string Number = concat(::getpid(), "\n");
  // Only for messages: a full disk is noticed elsewhere.
  [[maybe_unused]] const bool Written =
      ::ftruncate(Lock, 0) == 0 &&
      ::pwrite(Lock, Number.data(), Number.size(), 0) > 0;
  return absl::OkStatus();
}

absl::Status RunDirectory::removeLeftovers() const {
  M1_ASSIGN_OR_RETURN(const std::vector<std::string> Names, namesIn(Path));
  for (const std::string &Name : Names)
    if (isLeftover(Name))
      M1_RETURN_IF_ERROR(removeTree(path(Name)));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> RunDirectory::checkpoints() const {
  M1_ASSIGN_OR_RETURN(const std::vector<std::string> Names, namesIn(Path));
  std::vector<int64_t> Steps;
  for (const std::string &Name : Names)
    if (std::optional<int64_t> Step = checkpointNumber(Name))
      Steps.push_back(*Step);
  std::sort(Steps.begin(), Steps.end());
  return Steps;
}

std::string RunDirectory::checkpointPath(int64_t Step) const {
  return path(concat(CheckpointPrefix, Step));
}

//===----------------------------------------------------------------------===//
// Beginning and going on
//===----------------------------------------------------------------------===//

absl::Status RunDirectory::writeRecipe(const json &New) {
  const std::string Text =
      New.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File,
                      OutputFile::create(path(RecipeName)));
  M1_RETURN_IF_ERROR(File->write(Text.data(), Text.size()));
  M1_RETURN_IF_ERROR(File->close());
  M1_RETURN_IF_ERROR(commit(std::move(File)));
  return absl::OkStatus();
}

absl::Status RunDirectory::openLogs() {
  M1_ASSIGN_OR_RETURN(Metrics, StepLog::open(path(MetricsName)));
  M1_ASSIGN_OR_RETURN(Samples, StepLog::open(path(SamplesName)));
  M1_ASSIGN_OR_RETURN(Digests, StepLog::open(path(DigestsName)));
  return absl::OkStatus();
}

absl::Status RunDirectory::begin(const json &New) {
  M1_ASSIGN_OR_RETURN(const std::vector<std::string> Names, namesIn(Path));
  for (const std::string &Name : Names)
    if (Name == RecipeName || Name == MetricsName || Name == SamplesName ||
        Name == DigestsName || checkpointNumber(Name))
      return makeError(Path, ": there is a run already (", Name,
                       "): go on with it, or take another directory");
  M1_RETURN_IF_ERROR(writeRecipe(New));
  Recipe = New;
  return openLogs();
}

absl::StatusOr<TrainerState>
RunDirectory::readState(int64_t Step, const json &New,
                        std::span<const std::string> MayChange) const {
  const std::string Directory = checkpointPath(Step);
  M1_ASSIGN_OR_RETURN(TrainerState State, readTrainerState(Directory));
  if (State.Step != Step)
    return makeError(Directory, ": its content is of step ", State.Step);
  M1_RETURN_IF_ERROR(compareRecipes(Directory, State.Recipe, New, MayChange));
  return State;
}

absl::StatusOr<ResumedRun>
RunDirectory::resume(const json &New, Policy &Model,
                     std::span<const std::string> MayChange,
                     std::optional<int64_t> Step,
                     const std::function<absl::Status(const json &)> &Accept) {
  M1_ASSIGN_OR_RETURN(const std::vector<int64_t> Steps, checkpoints());
  if (!Step && !Steps.empty())
    Step = Steps.back();
  M1_ASSIGN_OR_RETURN(const json Old,
                      readJson(path(RecipeName), MaxRecipeBytes));
  ResumedRun Result;
  if (!Step) {
    M1_RETURN_IF_ERROR(compareRecipes(path(RecipeName), Old, New, MayChange));
  } else {
    if (!std::binary_search(Steps.begin(), Steps.end(), *Step))
      return makeError(Path, ": no checkpoint of step ", *Step,
                       Steps.empty() ? std::string()
                                     : concat("; the latest is that of step ",
                                              Steps.back()));
    M1_ASSIGN_OR_RETURN(TrainerState State, readState(*Step, New, MayChange));
    if (Steps.back() > *Step)
      return makeError(Path, ": cannot go on from step ", *Step, ", since ",
                       CheckpointPrefix, Steps.back(),
                       " is later: move it away first");
    if (absl::Status Status = Accept ? Accept(State.State) : absl::OkStatus();
        !Status.ok())
      return makeError(checkpointPath(*Step), ": ",
                       std::string(Status.message()));
    M1_RETURN_IF_ERROR(loadCheckpoint(checkpointPath(*Step), State, Model));
    Result = {*Step, std::move(State.State)};
  }
  const int64_t LastStep = Step.value_or(INT64_MIN);
  for (const char *Name : {MetricsName, SamplesName, DigestsName})
    M1_RETURN_IF_ERROR(cutStepLog(path(Name), LastStep));
  if (Old != New)
    M1_RETURN_IF_ERROR(writeRecipe(New));
  Recipe = New;
  M1_RETURN_IF_ERROR(openLogs());
  return Result;
}

//===----------------------------------------------------------------------===//
// Adding
//===----------------------------------------------------------------------===//

absl::Status RunDirectory::addMetrics(int64_t Step, const json &Fields) {
  return Metrics->add(Step, Fields);
}

absl::Status RunDirectory::addSample(int64_t Step, const Sample &Response) {
  json Fields = Response.Other;
  Fields["prompt"] = Response.Prompt;
  Fields["response"] = Response.Response;
  Fields["reward"] = Response.Reward;
  return Samples->add(Step, Fields);
}

absl::StatusOr<std::map<int64_t, PolicyDigests>> RunDirectory::digests() const {
  const std::string File = path(DigestsName);
  std::ifstream Stream(File);
  if (!Stream)
    return makeError("cannot read ", File, ": ", std::strerror(errno));
  std::map<int64_t, PolicyDigests> Result;
  int64_t Number = 0;
  for (std::string Line; std::getline(Stream, Line);) {
    ++Number;
    const json Value = json::parse(Line, nullptr, /*allow_exceptions=*/false);
    auto DigestOf = [&](const char *Name) -> std::optional<TensorDigest> {
      if (!Value.is_object() || !Value.contains(Name) ||
          !Value[Name].is_string())
        return std::nullopt;
      return parseDigest(Value[Name].get<std::string>());
    };
    const std::optional<TensorDigest> Weights = DigestOf("weights"),
                                      Optimizer = DigestOf("optimizer");
    if (!Weights || !Optimizer || !Value.contains("step") ||
        !Value["step"].is_number_integer())
      return makeError(File, ": line ", Number,
                       ": expected a step and its digests");
    Result[Value["step"].get<int64_t>()] = {*Weights, *Optimizer};
  }
  return Result;
}

absl::Status RunDirectory::addDigests(int64_t Step, const PolicyDigests &Of) {
  return Digests->add(Step, {{"weights", format(Of.Weights)},
                             {"optimizer", format(Of.Optimizer)}});
}

absl::Status RunDirectory::save(int64_t Step, Policy &Model,
                                CheckpointSource *Source, const json &State,
                                const SaveSettings &Settings) {
  const std::string Final = checkpointPath(Step), New = Final + NewSuffix;
  M1_ASSIGN_OR_RETURN(const bool Exists, exists(Final));
  if (Exists)
    return makeError("cannot create ", Final, ": it exists");
  // A resumed run relies on the lines of its steps.
  for (StepLog *Log : {Metrics.get(), Samples.get(), Digests.get()})
    M1_RETURN_IF_ERROR(Log->save());
  M1_RETURN_IF_ERROR(removeTree(New));
  M1_RETURN_IF_ERROR(createDirectories(New));
  absl::Status Status =
      writeCheckpoint(New, Model, Source, {Step, Recipe, State, {}, {}},
                      Settings.MaxShardBytes);
  if (Status.ok())
    Status = renameDirectory(New, Final);
  if (!Status.ok()) {
    std::error_code Ignored; // the first error is the one to report
    fs::remove_all(New, Ignored);
    return Status;
  }
  M1_RETURN_IF_ERROR(saveDirectory(Path));
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Steps, checkpoints());
  if (Settings.TotalLimit > 0)
    for (size_t I = 0; I + Settings.TotalLimit < Steps.size(); ++I)
      M1_RETURN_IF_ERROR(removeCheckpoint(Steps[I]));
  return absl::OkStatus();
}

absl::Status RunDirectory::removeCheckpoint(int64_t Step) const {
  const std::string Old = checkpointPath(Step), Removed = Old + RemovedSuffix;
  M1_RETURN_IF_ERROR(removeTree(Removed));
  M1_RETURN_IF_ERROR(renameDirectory(Old, Removed));
  return removeTree(Removed);
}
