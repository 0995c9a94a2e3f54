//===- Generate.cpp - m1run generate: responses to prompts ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Json.h"
#include "tools/m1run/Progress.h"
#include "tools/m1run/Ranks.h"

#include "runtime/session/Generate.h"
#include "runtime/support/MappingFaults.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/Packed.h"
#include "runtime/support/StopSignals.h"
#include "runtime/weights/EosTokens.h"
#include "runtime/weights/Npy.h"

#include <cmath>
#include <cstdio>
#include <map>

using namespace m1;
using namespace m1::run;

namespace {
struct GenerateCommand : SequenceOptions {
  GenerateOptions Options;
  bool IgnoreEos = false;
};

absl::Status checkOptions(const GenerateOptions &Options) {
  if (!(Options.Temperature >= 0) || std::isinf(Options.Temperature))
    return makeError("--temperature ", Options.Temperature,
                     ": expected a finite number, 0 or more");
  if (!(Options.TopP > 0 && Options.TopP <= 1))
    return makeError("--top-p ", Options.TopP, ": expected 0 < p <= 1");
  if (!(Options.MinP >= 0 && Options.MinP <= 1))
    return makeError("--min-p ", Options.MinP, ": expected 0 <= p <= 1");
  if (!(Options.EarlyStopProbability >= 0 && Options.EarlyStopProbability <= 1))
    return makeError("--early-stop-probability ", Options.EarlyStopProbability,
                     ": expected 0 <= p <= 1");
  return absl::OkStatus();
}

/// The tokens of --stop-token and of the checkpoint; says so if it has some.
absl::StatusOr<std::vector<int64_t>>
findStopTokens(const GenerateCommand &Command, int64_t Vocabulary) {
  std::vector<int64_t> Tokens = Command.Options.StopTokens;
  for (int64_t Token : Tokens)
    if (Token >= Vocabulary)
      return makeError("--stop-token ", Token, " is outside the vocabulary of ",
                       Vocabulary);
  const std::string &Weights = Command.Common.Session.Weights;
  if (Command.IgnoreEos || Weights == "none")
    return Tokens;
  M1_ASSIGN_OR_RETURN(EosTokens Eos, readEosTokens(Weights));
  if (Eos.Tokens.empty())
    return Tokens;
  std::string List;
  for (int64_t Token : Eos.Tokens)
    List += concat(List.empty() ? "" : " or ", Token);
  printNote(concat("responses end after token ", List, ", the eos_token_id of ",
                   Eos.File, "; not so with --ignore-eos"));
  Tokens.insert(Tokens.end(), Eos.Tokens.begin(), Eos.Tokens.end());
  return Tokens;
}

/// The same on all ranks.
absl::StatusOr<std::vector<int64_t>>
chooseStopTokens(const GenerateCommand &Command, int64_t Vocabulary) {
  M1_ASSIGN_OR_RETURN(
      std::string Packed,
      Ranks::get().fromRoot([&]() -> absl::StatusOr<std::string> {
        M1_ASSIGN_OR_RETURN(std::vector<int64_t> Tokens,
                            findStopTokens(Command, Vocabulary));
        Packer P;
        P.add(Tokens);
        return std::move(P.Bytes);
      }));
  return Unpacker(Packed).numbers<int64_t>();
}

absl::Status writeResult(const std::string &Directory, size_t Index,
                         const Generated &Result, OutputFiles &Files) {
  int64_t Length = Result.Tokens.size(), Rows = Result.LogProbs.size();
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      prepareNpy(concat(Directory, "/tokens.", Index, ".npy"),
                                 ElementType::I64, std::span(&Length, 1),
                                 Result.Tokens.data()));
  M1_ASSIGN_OR_RETURN(Files.emplace_back(),
                      prepareNpy(concat(Directory, "/logprobs.", Index, ".npy"),
                                 ElementType::F32, std::span(&Rows, 1),
                                 Result.LogProbs.data()));
  return absl::OkStatus();
}

/// What is printed about a sequence.
struct Summary {
  bool Ended = false;
  int64_t PromptTokens = 0, NewTokens = 0;
  FinishReason Reason = FinishReason::MaxNewTokens;
  std::string Error;             ///< why it failed
  std::vector<int32_t> Response; ///< empty if it is not printed

  bool isFinished() const { return Ended && Reason != FinishReason::Failed; }
};

json toJson(const Summary &R) {
  if (!R.Ended)
    return {{"finish", "unfinished"}};
  if (!R.isFinished())
    return {{"prompt_tokens", R.PromptTokens},
            {"new_tokens", 0},
            {"finish", name(R.Reason)},
            {"error", R.Error}};
  return {{"prompt_tokens", R.PromptTokens},
          {"new_tokens", R.NewTokens},
          {"finish", name(R.Reason)},
          {"response", R.Response}};
}

/// Prints one JSON object, part by part so that it is never in memory as a
/// whole.
void printJson(std::span<const Summary> Results, int64_t NewTokens,
               double Seconds) {
  std::fputs("{\"sequences\":[", stdout);
  for (const Summary &R : Results)
    std::printf("%s%s", &R == Results.data() ? "" : ",",
                dump(toJson(R)).c_str());
  std::string End = dump({{"new_tokens", NewTokens}, {"seconds", Seconds}});
  std::printf("],%s\n", End.c_str() + 1);
}

void printText(std::span<const Summary> Results, bool WithResponses) {
  for (size_t I = 0; I < Results.size(); ++I) {
    const Summary &R = Results[I];
    if (!R.isFinished()) {
      std::printf("%zu: %s\n", I,
                  R.Ended ? printable("failed: " + R.Error).c_str()
                          : "unfinished");
      continue;
    }
    std::printf("%zu: %lld prompt tokens, %lld new (%s)%s", I,
                static_cast<long long>(R.PromptTokens),
                static_cast<long long>(R.NewTokens),
                std::string(name(R.Reason)).c_str(), WithResponses ? ":" : "");
    for (int32_t Token : R.Response)
      std::printf(" %d", Token);
    std::printf("\n");
  }
}

/// A sequence's number and result as bytes, from the leader of its data
/// coordinate to the root.
std::string packResult(size_t Number, const Generated &Result) {
  Packer P;
  P.add<uint64_t>(Number);
  P.add(Result.Tokens);
  P.add(Result.LogProbs);
  P.add(Result.PromptTokens);
  P.add(Result.Reason);
  P.add(packStatus(Result.Error));
  return std::move(P.Bytes);
}

std::pair<size_t, Generated> unpackResult(std::string_view Packed) {
  Unpacker U(Packed);
  const size_t Number = U.number<uint64_t>();
  Generated Result;
  Result.Tokens = U.numbers<int64_t>();
  Result.LogProbs = U.numbers<float>();
  Result.PromptTokens = U.number<int64_t>();
  Result.Reason = U.number<FinishReason>();
  Result.Error = unpackStatus(U.text());
  return {Number, std::move(Result)};
}

/// The root's record of a run: it writes and prints what is finished.
class Report {
public:
  Report(const GenerateCommand &Command, size_t Count)
      : Command(Command), Results(Count) {}

  /// Takes the result of sequence `Number`.
  absl::Status take(size_t Number, const Generated &Result) {
    Summary &R = Results[Number];
    auto Response = Result.Tokens.begin() + Result.PromptTokens;
    R.Ended = true;
    R.PromptTokens = Result.PromptTokens;
    R.Reason = Result.Reason;
    if (!Result.Error.ok()) {
      R.Error = std::string(Result.Error.message());
      Failures.emplace(Number, Result.Error);
      return absl::OkStatus();
    }
    R.NewTokens = Result.Tokens.end() - Response;
    if (printsResponses())
      R.Response.assign(Response, Result.Tokens.end());
    ++Finished;
    if (!Command.OutDir.empty())
      Written = writeResult(Command.OutDir, Number, Result, Files);
    return Written;
  }

  /// Keeps the files of the sequences that are finished, unless one could not
  /// be written.
  absl::Status keep() {
    M1_RETURN_IF_ERROR(Written);
    M1_RETURN_IF_ERROR(commit(Files));
    Files.clear();
    return absl::OkStatus();
  }

  /// Prints what is known at the end of a run that ended with `Done`; returns
  /// how it ended.
  absl::Status print(absl::Status Done, double Seconds) const {
    const bool IsComplete = Done.ok();
    if (!Failures.empty())
      Done.Update(sequenceError(Failures.begin()->second,
                                Failures.begin()->first, Command));
    Done = describeEnd(Done, Finished, Command);
    // What is not in files is printed, too.
    if (Finished == 0 || (!IsComplete && !Command.OutDir.empty()))
      return Done;
    int64_t NewTokens = 0;
    for (const Summary &R : Results)
      NewTokens += R.NewTokens;
    if (Command.Json) {
      printJson(Results, NewTokens, Seconds);
      return Done;
    }
    printText(Results, printsResponses());
    std::printf("%lld tokens in %.3f s\n", static_cast<long long>(NewTokens),
                Seconds);
    return Done;
  }

private:
  // Responses that are only in their files are not kept in memory.
  bool printsResponses() const {
    return Command.Json || Command.OutDir.empty();
  }

  const GenerateCommand &Command;
  std::vector<Summary> Results;
  std::map<size_t, absl::Status> Failures; ///< by sequence
  OutputFiles Files;                       ///< two per finished sequence
  size_t Finished = 0;
  absl::Status Written;
};

absl::Status runGenerate(const GenerateCommand &Command) {
  Ranks &Job = Ranks::get();
  M1_RETURN_IF_ERROR(Job.agree(checkOptions(Command.Options)));
  M1_ASSIGN_OR_RETURN(OpenedSequences Opened, run::open(Command));
  auto &[Session, Model, Prompts, Place] = Opened;
  GenerateOptions Options = Command.Options;
  M1_ASSIGN_OR_RETURN(Options.StopTokens,
                      chooseStopTokens(Command, Model->vocabulary()));
  M1_RETURN_IF_ERROR(Job.agree(Job.isRoot() && !Command.OutDir.empty()
                                   ? createDirectories(Command.OutDir)
                                   : absl::OkStatus()));
  // So that sums of it stay in range.
  Options.MaxNewTokens = std::min(Options.MaxNewTokens, Model->maxLength());
  Options.Numbers = Place.Sequences;
  const std::vector<std::vector<int64_t>> Own = Place.Sequences.of(Prompts);
  Report Results(Command, Prompts.size());
  std::vector<std::string> Kept; // results for the root
  absl::Status Done;
  auto Start = std::chrono::steady_clock::now();
  {
    Progress Bar("generate",
                 Options.MaxNewTokens * static_cast<int64_t>(Own.size()));
    finishOnStopSignal();
    Options.BeforeStep = [&, &Place = Place] { return Job.beforeStep(Place); };
    Options.Progress = [&](int64_t Drawn) { Bar.advance(Drawn); };
    Done = generate(*Model, Own, Options,
                    [&, &Place = Place](size_t Index, const Generated &Result) {
                      const size_t Number = Place.Sequences.number(Index);
                      if (Job.isRoot())
                        return Results.take(Number, Result);
                      if (Place.Leads)
                        Kept.push_back(packResult(Number, Result));
                      return absl::OkStatus();
                    });
  }
  // Finished sequences are kept, however the run ended: those of other data
  // coordinates, too, unless this rank alone has failed.
  absl::Status Written;
  if (Job.isRoot() && !Done.ok())
    Written = Results.keep();
  if (Done.ok() || absl::IsCancelled(Done))
    Done = Job.collect(Kept, Done, [&](std::string_view Packed) {
      auto [Number, Result] = unpackResult(Packed);
      return Results.take(Number, Result);
    });
  if (Job.isRoot())
    Written.Update(Results.keep());
  Written.Update(checkMappings());
  M1_RETURN_IF_ERROR(std::move(Written));
  if (Done.ok())
    M1_RETURN_IF_ERROR(printProfile(*Session));
  if (!Job.isRoot())
    return Done;
  return Results.print(Done, std::chrono::duration<double>(
                                 std::chrono::steady_clock::now() - Start)
                                 .count());
}
} // namespace

void run::addGenerate(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<GenerateCommand>();
  GenerateOptions &Options = Command->Options;
  CLI::App *Sub =
      App.add_subcommand("generate", "Generate responses to prompts");
  Command->addTo(*Sub,
                 "write tokens.I.npy (int64, prompt and response) and "
                 "logprobs.I.npy (float32, of each token after the first) "
                 "of each prompt I (default: print the responses)",
                 /*OutDirRequired=*/false);
  addNumber(*Sub, "--max-new-tokens", 0, Options.MaxNewTokens,
            "the most tokens per response")
      ->required();
  Sub->add_option(
      "--temperature", Options.Temperature,
      "divides the logits; 0: always the most likely token (default 1)");
  Sub->add_option("--top-p", Options.TopP,
                  "draw from the fewest most likely tokens whose total "
                  "probability reaches this (default 1: all)");
  addNumber(*Sub, "--top-k", 0, Options.TopK,
            "draw from this many of the most likely tokens (default 0: all)");
  Sub->add_option("--min-p", Options.MinP,
                  "draw from tokens at least this times as likely as the most "
                  "likely one; for plans of m1c --serve (default 0: all)");
  addNumber(
      *Sub, "--seed", 0, UINT32_MAX,
      [&Options](uint64_t N) { Options.Seed = N; },
      "seed of the draws; sequence I uses seed * 2^32 + I (default 0)");
  Sub->add_option_function<std::vector<std::string>>(
         "--stop-token",
         [&Options](const std::vector<std::string> &Lists) {
           for (const std::string &List : Lists)
             for (const std::string &Text : splitList("--stop-token", List))
               Options.StopTokens.push_back(
                   parseNumber("--stop-token", Text, 0, INT32_MAX));
         },
         "end a response after this token, or any of these: separate them by "
         "commas, or repeat the option. Also those that the checkpoint names "
         "end one: the eos_token_id in its generation_config.json, else in "
         "config.json")
      ->allow_extra_args(false)
      ->type_name("UINT[,UINT...]");
  Sub->add_flag("--ignore-eos", Command->IgnoreEos,
                "do not end a response after the checkpoint's eos_token_id");
  addNumber(*Sub, "--early-stop", 0, Options.EarlyStopCount,
            "end a response after this many consecutive tokens, each more "
            "likely than --early-stop-probability (default 0: never)");
  Sub->add_option("--early-stop-probability", Options.EarlyStopProbability,
                  "see --early-stop (default 0.99)");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runGenerate(*Command); };
  });
}
