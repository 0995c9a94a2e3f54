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

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>

using namespace m1;
using namespace m1::run;

namespace {
struct ScoreCommand : SequenceOptions {
  int64_t Chunk = 0;
  bool Logits = false;
};

/// Writes logprobs.I.npy of each sequence to a file that is not committed yet,
/// and adds its sum to `Sums`.
absl::Status writeLogProbs(LanguageModel &Model,
                           std::span<const std::vector<int64_t>> Sequences,
                           const ScoreOptions &Options,
                           const std::string &Directory, OutputFiles &Files,
                           std::vector<double> &Sums) {
  return score(Model, Sequences, Options,
               [&](size_t I, std::span<const float> LogProbs) -> absl::Status {
                 int64_t Rows = LogProbs.size();
                 M1_ASSIGN_OR_RETURN(
                     Files.emplace_back(),
                     prepareNpy(concat(Directory, "/logprobs.", I, ".npy"),
                                ElementType::F32, std::span(&Rows, 1),
                                LogProbs.data()));
                 double &Sum = Sums.emplace_back(0);
                 for (float LogProb : LogProbs)
                   Sum += LogProb;
                 return absl::OkStatus();
               });
}

/// The same for logits.I.npy.
absl::Status writeLogits(LanguageModel &Model,
                         std::span<const std::vector<int64_t>> Sequences,
                         const ScoreOptions &Options,
                         const std::string &Directory, OutputFiles &Files) {
  std::vector<std::unique_ptr<NpyWriter>> Writers(Sequences.size());
  std::vector<int64_t> Rows(Sequences.size());
  return computeLogits(
      Model, Sequences, Options,
      [&](size_t I, const float *Logits, int64_t Count) -> absl::Status {
        int64_t Length = Sequences[I].size();
        if (!Writers[I]) {
          const int64_t Shape[2] = {Length, Model.vocabulary()};
          M1_ASSIGN_OR_RETURN(
              Writers[I],
              NpyWriter::create(concat(Directory, "/logits.", I, ".npy"),
                                ElementType::F32, Shape));
        }
        M1_RETURN_IF_ERROR(Writers[I]->append(
            Logits, Count * Model.vocabulary() * sizeof(float)));
        Rows[I] += Count;
        if (Rows[I] < Length)
          return absl::OkStatus();
        M1_ASSIGN_OR_RETURN(Files.emplace_back(), Writers[I]->finish());
        Writers[I].reset();
        return absl::OkStatus();
      });
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
  OutputFiles Files, LogitFiles;
  std::vector<double> Sums;
  absl::Status Done =
      writeLogProbs(*Model, Sequences, Options, Command.OutDir, Files, Sums);
  if (Done.ok() && Command.Logits)
    Done = writeLogits(*Model, Sequences, Options, Command.OutDir, LogitFiles);
  Bar.reset(); // ends the bar's line before results are printed
  // When interrupted, keep the sequences of which all files are complete; on an
  // error, keep nothing.
  if (!Done.ok() && !absl::IsCancelled(Done))
    return Done;
  const size_t Finished = (Command.Logits ? LogitFiles : Files).size();
  Files.resize(Finished);
  std::move(LogitFiles.begin(), LogitFiles.end(), std::back_inserter(Files));
  M1_RETURN_IF_ERROR(commit(Files));
  M1_RETURN_IF_ERROR(checkMappings());
  M1_RETURN_IF_ERROR(describeEnd(Done, Finished, Command));
  printProfile(*Session);

  json Results = json::array();
  for (size_t I = 0; I < Sums.size(); ++I) {
    const int64_t Count = static_cast<int64_t>(Sequences[I].size()) - 1;
    // exp of the mean negative log-probability; 1 for no tokens.
    double Perplexity = Count == 0 ? 1 : std::exp(-Sums[I] / Count);
    if (Command.Json)
      Results.push_back({{"tokens", Sequences[I].size()},
                         {"log_prob", Sums[I]},
                         {"perplexity", Perplexity}});
    else
      std::printf("%zu: %zu tokens, log-probability %.6f, perplexity %.6f\n", I,
                  Sequences[I].size(), Sums[I], Perplexity);
  }
  if (Command.Json)
    std::printf("%s\n", dump({{"sequences", Results}}).c_str());
  return absl::OkStatus();
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
