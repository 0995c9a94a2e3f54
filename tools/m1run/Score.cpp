//===- Score.cpp - m1run score: log-probabilities of tokens ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Json.h"
#include "tools/m1run/Progress.h"

#include "runtime/session/Score.h"
#include "runtime/support/MappingFaults.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/StopSignals.h"
#include "runtime/weights/Npy.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

using namespace m1;
using namespace m1::run;

namespace {
struct ScoreCommand : SequenceOptions {
  int64_t Chunk = 0;
  bool Logits = false;
};

/// What is known of a sequence; its files are complete, but not committed yet.
struct Scored {
  std::unique_ptr<OutputFile> LogProbs, Logits;
  double Sum = 0; ///< of the log-probabilities
  absl::Status Error;
};

/// Computes, and writes, what is asked for of each sequence.
class Scorer {
public:
  Scorer(LanguageModel &Model, std::span<const std::vector<int64_t>> Sequences,
         const ScoreOptions &Options, const std::string &Directory)
      : Results(Sequences.size()), Model(Model), Sequences(Sequences),
        Options(Options), Directory(Directory) {}

  std::vector<Scored> Results;
  absl::Status Written; ///< an error if a file could not be written

  absl::Status writeLogProbs() {
    return score(Model, Sequences, Options, [&](size_t I, auto LogProbs) {
      if (LogProbs.ok())
        Written = writeLogProbs(I, *LogProbs);
      else
        Results[I].Error = LogProbs.status();
      return Written;
    });
  }

  absl::Status writeLogits() {
    return computeLogits(Model, Sequences, Options, [&](size_t I, auto Logits) {
      if (!Logits.ok())
        Results[I].Error.Update(Logits.status());
      if (Results[I].Error.ok())
        Written = writeLogits(I, *Logits);
      else
        Writers.erase(I);
      return Written;
    });
  }

private:
  std::string fileOf(const char *Kind, size_t I) const {
    return concat(Directory, "/", Kind, ".", I, ".npy");
  }

  absl::Status writeLogProbs(size_t I, std::span<const float> LogProbs) {
    int64_t Rows = LogProbs.size();
    M1_ASSIGN_OR_RETURN(Results[I].LogProbs,
                        prepareNpy(fileOf("logprobs", I), ElementType::F32,
                                   std::span(&Rows, 1), LogProbs.data()));
    for (float LogProb : LogProbs)
      Results[I].Sum += LogProb;
    return absl::OkStatus();
  }

  absl::Status writeLogits(size_t I, std::span<const float> Logits) {
    const int64_t Shape[2] = {static_cast<int64_t>(Sequences[I].size()),
                              Model.vocabulary()};
    Unfinished &U = Writers[I];
    if (!U.Writer) {
      M1_ASSIGN_OR_RETURN(U.Writer, NpyWriter::create(fileOf("logits", I),
                                                      ElementType::F32, Shape));
    }
    M1_RETURN_IF_ERROR(U.Writer->append(Logits.data(), Logits.size_bytes()));
    U.Elements += Logits.size();
    if (U.Elements < Shape[0] * Shape[1])
      return absl::OkStatus();
    M1_ASSIGN_OR_RETURN(Results[I].Logits, U.Writer->finish());
    Writers.erase(I);
    return absl::OkStatus();
  }

  struct Unfinished {
    std::unique_ptr<NpyWriter> Writer;
    int64_t Elements = 0;
  };

  LanguageModel &Model;
  std::span<const std::vector<int64_t>> Sequences;
  const ScoreOptions &Options;
  const std::string &Directory;
  std::map<size_t, Unfinished> Writers; ///< of logits
};

void print(std::span<const Scored> Results,
           std::span<const std::vector<int64_t>> Sequences, bool AsJson) {
  json Objects = json::array();
  for (size_t I = 0; I < Results.size(); ++I) {
    const std::string Error(Results[I].Error.message());
    const int64_t Count = static_cast<int64_t>(Sequences[I].size()) - 1;
    // exp of the mean negative log-probability; 1 for no tokens.
    const double Sum = Results[I].Sum;
    const double Perplexity = Count == 0 ? 1 : std::exp(-Sum / Count);
    if (AsJson && !Results[I].Error.ok())
      Objects.push_back({{"tokens", Sequences[I].size()}, {"error", Error}});
    else if (AsJson)
      Objects.push_back({{"tokens", Sequences[I].size()},
                         {"log_prob", Sum},
                         {"perplexity", Perplexity}});
    else if (!Results[I].Error.ok())
      std::printf("%zu: failed: %s\n", I, printable(Error).c_str());
    else
      std::printf("%zu: %zu tokens, log-probability %.6f, perplexity %.6f\n", I,
                  Sequences[I].size(), Sum, Perplexity);
  }
  if (AsJson)
    std::printf("%s\n", dump({{"sequences", Objects}}).c_str());
}

absl::Status runScore(const ScoreCommand &Command) {
  M1_ASSIGN_OR_RETURN(OpenedSequences Opened, run::open(Command));
  auto &[Session, Model, Sequences] = Opened;
  // Scoring does not feed the last token of a sequence.
  int64_t Total = 0;
  for (const std::vector<int64_t> &Sequence : Sequences)
    Total += Sequence.size() - 1 + (Command.Logits ? Sequence.size() : 0);
  M1_RETURN_IF_ERROR(createDirectories(Command.OutDir));

  auto Bar = std::make_unique<Progress>("score", Total);
  finishOnStopSignal();
  ScoreOptions Options;
  Options.MaxTokensPerCall = Command.Chunk;
  Options.Cancelled = [] { return stopSignal() != 0; };
  Options.Progress = [&](int64_t Tokens) { Bar->advance(Tokens); };
  Scorer Run(*Model, Sequences, Options, Command.OutDir);
  absl::Status Done = Run.writeLogProbs();
  if (Done.ok() && Command.Logits)
    Done = Run.writeLogits();
  Bar.reset(); // ends the bar's line before results are printed

  // Sequences of which all files are complete are kept, however the run ended,
  // unless a file cannot be written.
  M1_RETURN_IF_ERROR(Run.Written);
  OutputFiles Files;
  size_t Finished = 0;
  absl::Status Failure; // of the first sequence that failed
  for (size_t I = 0; I < Run.Results.size(); ++I) {
    Scored &Result = Run.Results[I];
    if (!Result.Error.ok()) {
      Failure.Update(sequenceError(Result.Error, I, Command));
      continue;
    }
    if (!Result.LogProbs || (Command.Logits && !Result.Logits))
      continue; // interrupted
    ++Finished;
    Files.push_back(std::move(Result.LogProbs));
    if (Result.Logits)
      Files.push_back(std::move(Result.Logits));
  }
  M1_RETURN_IF_ERROR(commit(Files));
  M1_RETURN_IF_ERROR(checkMappings());
  const bool IsComplete = Done.ok();
  Done.Update(Failure);
  Done = describeEnd(Done, Finished, Command);
  if (!IsComplete || Finished == 0)
    return Done;
  printProfile(*Session);
  print(Run.Results, Sequences, Command.Json);
  return Done;
}
} // namespace

void run::addScore(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<ScoreCommand>();
  CLI::App *Sub = App.add_subcommand(
      "score", "Compute the log-probabilities of given tokens");
  Command->addTo(*Sub,
                 "write logprobs.I.npy (float32 [T-1], of each token after "
                 "the first) of each sequence I",
                 /*OutDirRequired=*/true);
  Sub->add_flag("--logits", Command->Logits,
                "also write logits.I.npy (float32 [T, V])");
  addNumber(
      *Sub, "--chunk", 1, Command->Chunk,
      "feed at most this many tokens per call (default: as many as the plan "
      "allows)");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runScore(*Command); };
  });
}
