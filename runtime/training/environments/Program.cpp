//===- Program.cpp - a program as an environment --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/Program.h"

#include "runtime/support/Json.h"
#include "runtime/support/StopSignals.h"
#include "runtime/training/environments/ChildProcess.h"
#include "runtime/training/environments/PromptFile.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <unordered_map>

using namespace m1;
using nlohmann::json;

namespace {
constexpr int64_t ProtocolVersion = 1;
constexpr int64_t MaxVocabulary = INT32_MAX;

/// Takes the reply to a request.
using TakeReply = std::function<absl::Status(size_t Request, const json &)>;

class Program : public Environment {
public:
  Program(ProgramOptions O, json Values, EnvironmentContext C)
      : Name(ProgramName), Options(std::move(O)), Given(std::move(Values)),
        Context(std::move(C)) {
    Given["name"] = Name;
    if (!Context.Cancelled)
      Context.Cancelled = [] { return stopSignal() != 0; };
  }

  /// To be called once, first.
  absl::Status open();

  const std::string &name() const override { return Name; }
  const json &options() const override { return Given; }
  int64_t vocabulary() const override { return *Needs.Vocabulary; }
  std::optional<int64_t> stopToken() const override { return Needs.StopToken; }
  absl::StatusOr<Prompt> makePrompt(uint64_t Number) override;
  absl::Status rewards(std::span<const Answer> Answers,
                       std::span<double> Out) override;

private:
  /// What the program says about itself.
  struct Hello {
    std::optional<int64_t> Vocabulary, StopToken;
    bool operator==(const Hello &Other) const = default;
  };

  /// "environment 'python3 env.py': ..."
  std::string where() const;
  /// The error of a program that is not to be started again.
  template <typename... Parts> absl::Status refuse(const Parts &...P) {
    return makeError(where(), ": ", concat(P...), lastWords());
  }
  /// The error of one that is.
  template <typename... Parts> absl::Status broken(const Parts &...P) {
    return absl::UnavailableError(concat(P..., lastWords()));
  }
  /// "; the last line of its standard error: ..." if there is one.
  std::string lastWords() const;

  /// Sends the requests and takes the reply to each, in any order. Starts the
  /// program if it does not run, and again if it crashes or does not answer in
  /// time; requests that were answered are not repeated.
  absl::Status exchange(std::span<const json> Requests, const TakeReply &Take);
  /// The same with the program that runs. `Answered` [Requests] says which are
  /// to be left out.
  absl::Status attempt(std::span<const json> Requests,
                       std::vector<bool> &Answered, const TakeReply &Take);
  absl::Status start();
  absl::Status takeHello(const json &Reply);
  /// The id in a reply, which must be one of a request that waits.
  absl::StatusOr<int64_t>
  readId(const json &Reply, const std::unordered_map<int64_t, size_t> &Waiting);
  absl::StatusOr<double> readReward(const json &Reply);

  std::string Name;
  ProgramOptions Options;
  json Given;
  EnvironmentContext Context;
  std::optional<PromptFile> Prompts;

  std::unique_ptr<ChildProcess> Process;
  /// Never used again, not even by another process of the program.
  int64_t NextId = 1;
  int64_t FirstId = 1; ///< of this process
  int64_t Restarts = 0;
  std::optional<Hello> Said;
  Hello Needs; ///< what it said, or else what the options say
};
} // namespace

std::string Program::where() const {
  std::string Words;
  for (const std::string &Word : Options.Command)
    Words += (Words.empty() ? "" : " ") + Word;
  constexpr size_t MaxBytes = 80;
  if (Words.size() > MaxBytes)
    Words = Words.substr(0, MaxBytes) + "...";
  return concat("environment '", Words, "'");
}

std::string Program::lastWords() const {
  const std::string Words = Process ? Process->lastWords() : "";
  return Words.empty() ? ""
                       : concat("; the last line of its standard error: ",
                                printable(Words, 300));
}

/// A part of a reply for an error.
static std::string excerpt(std::string_view Text) {
  return concat("'", printable(Text, 100), "'");
}

//===----------------------------------------------------------------------===//
// Requests and replies
//===----------------------------------------------------------------------===//

absl::StatusOr<int64_t>
Program::readId(const json &Reply,
                const std::unordered_map<int64_t, size_t> &Waiting) {
  auto It = Reply.find("id");
  if (It == Reply.end() || !It->is_number_integer())
    return refuse("a reply has no \"id\" with a whole number: ",
                  excerpt(Reply.dump()));
  const auto Id = It->get<int64_t>();
  if (Waiting.contains(Id))
    return Id;
  if (Id >= FirstId && Id < NextId)
    return refuse("it answered request ", Id, " twice");
  return refuse("it answered request ", Id, ", which was not made");
}

absl::Status Program::attempt(std::span<const json> Requests,
                              std::vector<bool> &Answered,
                              const TakeReply &Take) {
  std::unordered_map<int64_t, size_t> Waiting;
  for (size_t I = 0; I < Requests.size(); ++I) {
    if (Answered[I])
      continue;
    json Request = Requests[I];
    Request["id"] = NextId;
    Waiting[NextId++] = I;
    Process->send(Request.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  using Clock = ChildProcess::Clock;
  const auto Timeout = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(Options.TimeoutSeconds));
  auto Deadline = Clock::now() + Timeout;
  while (true) {
    // When all is answered, one more look for replies that nobody asked for.
    if (Waiting.empty())
      Deadline = Clock::now();
    std::string Line;
    switch (Process->next(Line, Deadline, Context.Cancelled)) {
    case ChildProcess::Event::Line:
      break;
    case ChildProcess::Event::TooLong:
      return refuse("a reply is longer than ", ChildProcess::MaxLineBytes,
                    " bytes");
    case ChildProcess::Event::Ended:
      if (Waiting.empty())
        return absl::OkStatus();
      {
        const std::string End = Process->describeEnd();
        return broken("it ", End, " with ", Waiting.size(),
                      Waiting.size() == 1 ? " request" : " requests",
                      " unanswered");
      }
    case ChildProcess::Event::Timeout:
      if (Waiting.empty())
        return absl::OkStatus();
      Process->kill();
      return broken("no reply within ", json(Options.TimeoutSeconds).dump(),
                    " seconds (timeout_seconds), ", Waiting.size(),
                    Waiting.size() == 1 ? " request" : " requests",
                    " unanswered");
    case ChildProcess::Event::Cancelled:
      return absl::CancelledError(
          concat("stopped while the ", where(), " was at work"));
    }
    absl::StatusOr<json> Reply = parseJson(Line, "reply");
    if (!Reply.ok())
      return refuse(std::string(Reply.status().message()), ": ", excerpt(Line));
    if (!Reply->is_object())
      return refuse("a reply is no object: ", excerpt(Line));
    M1_ASSIGN_OR_RETURN(int64_t Id, readId(*Reply, Waiting));
    if (auto It = Reply->find("error"); It != Reply->end() && !It->is_null())
      return refuse("it reports an error: ",
                    It->is_string() ? It->get<std::string>() : It->dump());
    const size_t Request = Waiting[Id];
    M1_RETURN_IF_ERROR(Take(Request, *Reply));
    Waiting.erase(Id);
    Answered[Request] = true;
    Deadline = Clock::now() + Timeout;
  }
}

absl::Status Program::takeHello(const json &Reply) {
  Hello Now;
  auto Read = [&](const char *Member, int64_t Min,
                  std::optional<int64_t> &Value) -> absl::Status {
    auto It = Reply.find(Member);
    if (It == Reply.end() || It->is_null())
      return absl::OkStatus();
    // Anything else does not fit.
    const int64_t Number = It->is_number_integer() ? It->get<int64_t>() : -1;
    if (Number < Min || Number > MaxVocabulary)
      return refuse("its \"", Member, "\" is ", excerpt(It->dump()),
                    ", expected a whole number from ", Min, " to ",
                    MaxVocabulary);
    Value = Number;
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(Read("vocabulary", 1, Now.Vocabulary));
  M1_RETURN_IF_ERROR(Read("stop_token", 0, Now.StopToken));
  if (Said && *Said != Now)
    return refuse("it answered hello with other values than before it was "
                  "started again");
  Said = Now;
  return absl::OkStatus();
}

absl::Status Program::start() {
  Process.reset();
  absl::StatusOr<std::unique_ptr<ChildProcess>> Started =
      ChildProcess::start(Options.Command, Options.Log, Context.Directory);
  if (!Started.ok())
    return makeError(where(), ": ", std::string(Started.status().message()));
  Process = std::move(*Started);
  FirstId = NextId;
  const json Request = {{"type", "hello"},
                        {"version", ProtocolVersion},
                        {"seed", Options.Seed},
                        {"options", Options.Passed}};
  std::vector<bool> Answered(1);
  return attempt(
      std::span(&Request, 1), Answered,
      [this](size_t, const json &Reply) { return takeHello(Reply); });
}

absl::Status Program::exchange(std::span<const json> Requests,
                               const TakeReply &Take) {
  std::vector<bool> Answered(Requests.size());
  while (true) {
    absl::Status Done = Process ? absl::OkStatus() : start();
    if (Done.ok())
      Done = attempt(Requests, Answered, Take);
    if (Done.ok())
      return Done;
    if (Process)
      Process->kill();
    Process.reset();
    if (!absl::IsUnavailable(Done))
      return Done;
    const std::string Reason(Done.message());
    if (Restarts == Options.MaxRestarts)
      return makeError(where(), ": ", Reason,
                       Restarts == 0
                           ? ""
                           : concat("; it was started again ", Restarts,
                                    " times, as often as max_restarts allows"));
    ++Restarts;
    if (Context.Note)
      Context.Note(
          printable(concat(where(), ": ", Reason, "; it is started again (",
                           Restarts, " of ", Options.MaxRestarts, ")")));
  }
}

//===----------------------------------------------------------------------===//
// The environment
//===----------------------------------------------------------------------===//

absl::Status Program::open() {
  if (!Options.Prompts.empty()) {
    M1_ASSIGN_OR_RETURN(Prompts,
                        PromptFile::read(Options.Prompts, Options.Seed));
  }
  M1_RETURN_IF_ERROR(exchange({}, nullptr));
  auto Choose = [&](const char *Member, std::optional<int64_t> FromProgram,
                    std::optional<int64_t> FromOptions,
                    std::optional<int64_t> &Chosen) -> absl::Status {
    if (FromProgram && FromOptions && *FromProgram != *FromOptions)
      return refuse("its \"", Member, "\" is ", *FromProgram,
                    ", but the option says ", *FromOptions);
    Chosen = FromProgram ? FromProgram : FromOptions;
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(Choose("vocabulary", Said->Vocabulary, Options.Vocabulary,
                            Needs.Vocabulary));
  M1_RETURN_IF_ERROR(Choose("stop_token", Said->StopToken, Options.StopToken,
                            Needs.StopToken));
  if (!Needs.Vocabulary)
    return refuse("neither its reply to hello nor the options say the "
                  "\"vocabulary\"");
  if (Needs.StopToken && *Needs.StopToken >= *Needs.Vocabulary)
    return refuse("the stop token ", *Needs.StopToken,
                  " is outside the vocabulary of ", *Needs.Vocabulary);
  return Prompts ? Prompts->check(*Needs.Vocabulary) : absl::OkStatus();
}

absl::StatusOr<Prompt> Program::makePrompt(uint64_t Number) {
  if (Prompts)
    return Prompts->at(Number);
  const json Request = {{"type", "prompt"}, {"number", Number}};
  Prompt Result;
  M1_RETURN_IF_ERROR(exchange(
      std::span(&Request, 1), [&](size_t, const json &Reply) -> absl::Status {
        const std::string What = concat("its prompt ", Number);
        absl::StatusOr<Prompt> Read = parsePrompt(Reply, What);
        absl::Status Checked =
            Read.ok() ? checkPrompt(*Read, vocabulary(), What) : Read.status();
        if (!Checked.ok())
          return refuse(std::string(Checked.message()));
        Result = std::move(*Read);
        return absl::OkStatus();
      }));
  return Result;
}

absl::StatusOr<double> Program::readReward(const json &Reply) {
  auto It = Reply.find("reward");
  if (It == Reply.end())
    return refuse("a reply has no \"reward\": ", excerpt(Reply.dump()));
  if (It->is_null())
    return std::numeric_limits<double>::quiet_NaN();
  if (!It->is_number())
    return refuse("the reward ", excerpt(It->dump()), " is ", It->type_name(),
                  ", expected a number, or null for none");
  const auto Reward = It->get<double>();
  if (!std::isfinite(Reward))
    return refuse("a reward is ", std::isnan(Reward) ? "NaN" : "infinite",
                  ", which JSON does not have; expected a number, or null for "
                  "none");
  return Reward;
}

absl::Status Program::rewards(std::span<const Answer> Answers,
                              std::span<double> Out) {
  std::vector<json> Requests;
  for (const Answer &A : Answers)
    Requests.push_back({{"type", "reward"},
                        {"number", A.Number},
                        {"prompt", A.Prompt},
                        {"response", A.Response},
                        {"truncated", A.Truncated},
                        {"metadata", A.Metadata ? *A.Metadata : json()}});
  return exchange(Requests,
                  [&](size_t Request, const json &Reply) -> absl::Status {
                    M1_ASSIGN_OR_RETURN(Out[Request], readReward(Reply));
                    return absl::OkStatus();
                  });
}

ProgramOptions m1::readProgram(OptionReader &Options) {
  ProgramOptions Result;
  Result.Command = Options.words("command", "the program and its arguments");
  Result.Seed = Options.integer("seed", 0, 0, INT64_MAX, "seed of the prompts");
  Result.Prompts = Options.text("prompts", "",
                                "a file of prompts, .jsonl or .npy; without it "
                                "the program makes them");
  Result.Vocabulary = Options.optionalInteger(
      "vocabulary", 1, MaxVocabulary,
      "tokens are from 0 to this - 1, if the program does not say");
  Result.StopToken = Options.optionalInteger(
      "stop_token", 0, MaxVocabulary,
      "the token that ends a response, if the program does not say");
  Result.TimeoutSeconds =
      Options.number("timeout_seconds", 60, 0.01, 86400,
                     "the longest that the program may take for one request");
  Result.MaxRestarts =
      Options.integer("max_restarts", 3, 0, 1'000'000,
                      "how often in all the program is started again after it "
                      "crashed or took too long");
  Result.Log = Options.text(
      "log", "", "a file to which the program's standard error is appended");
  Result.Passed =
      Options.object("options", "the program's own, passed on to it");
  return Result;
}

absl::StatusOr<std::unique_ptr<Environment>>
m1::createProgram(OptionReader &Options, const EnvironmentContext &Context) {
  ProgramOptions Read = readProgram(Options);
  M1_RETURN_IF_ERROR(Options.finish());
  for (std::string *Path : {&Read.Prompts, &Read.Log})
    if (!Path->empty() && !Context.Directory.empty())
      *Path = std::filesystem::path(Context.Directory) / *Path;
  auto Result =
      std::make_unique<Program>(std::move(Read), Options.values(), Context);
  M1_RETURN_IF_ERROR(Result->open());
  return Result;
}
