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
#include "tools/m1run/Ranks.h"

#include "runtime/session/Score.h"
#include "runtime/support/MappingFaults.h"
#include "runtime/support/OutputFile.h"
#include "runtime/support/Packed.h"
#include "runtime/support/StopSignals.h"
#include "runtime/weights/Npy.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

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

/// The root's record of a run: writes what the ranks compute.
class Writer {
public:
  Writer(const std::string &Directory,
         std::span<const std::vector<int64_t>> Sequences, int64_t Vocabulary)
      : Results(Sequences.size()), Directory(Directory), Sequences(Sequences),
        Vocabulary(Vocabulary) {}

  std::vector<Scored> Results;
  absl::Status Written; ///< an error if a file could not be written

  /// Takes the log-probabilities of a sequence, or its error.
  absl::Status takeLogProbs(size_t I,
                            absl::StatusOr<std::span<const float>> LogProbs) {
    if (LogProbs.ok())
      Written = writeLogProbs(I, *LogProbs);
    else
      Results[I].Error = LogProbs.status();
    return Written;
  }

  /// Takes the next rows of a sequence's logits, or its error.
  absl::Status takeLogits(size_t I,
                          absl::StatusOr<std::span<const float>> Logits) {
    if (!Logits.ok())
      Results[I].Error.Update(Logits.status());
    if (Results[I].Error.ok())
      Written = writeLogits(I, *Logits);
    else
      Writers.erase(I);
    return Written;
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
                              Vocabulary};
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

  const std::string &Directory;
  std::span<const std::vector<int64_t>> Sequences;
  const int64_t Vocabulary;
  std::map<size_t, Unfinished> Writers; ///< of logits
};

/// Numbers of a sequence, or its error, as bytes: from the leader of a data
/// coordinate to the root.
std::string packRows(size_t Number,
                     const absl::StatusOr<std::span<const float>> &Rows) {
  Packer P;
  P.add<uint64_t>(Number);
  P.add(packStatus(Rows.status()));
  P.add(Rows.ok() ? *Rows : std::span<const float>());
  return std::move(P.Bytes);
}

/// Passes what `packRows` packed on to `Take`.
absl::Status
takeRows(std::string_view Packed,
         const std::function<absl::Status(
             size_t, absl::StatusOr<std::span<const float>>)> &Take) {
  Unpacker U(Packed);
  const size_t Number = U.number<uint64_t>();
  absl::Status Status = unpackStatus(U.text());
  const std::vector<float> Rows = U.numbers<float>();
  if (!Status.ok())
    return Take(Number, Status);
  return Take(Number, std::span<const float>(Rows));
}

/// Computes this rank's sequences. The root's results go to `Results`, those of
/// leaders of other data coordinates to the root.
class Scorer {
public:
  Scorer(LanguageModel &Model, const DataPlace &Place,
         std::span<const std::vector<int64_t>> Own, const ScoreOptions &Options,
         Writer &Results)
      : Model(Model), Place(Place), Own(Own), Options(Options),
        Results(Results) {}

  absl::Status logProbs() {
    std::vector<std::string> Kept;
    absl::Status Done =
        score(Model, Own, Options, [&](size_t I, auto LogProbs) {
          const size_t Number = Place.Sequences.number(I);
          if (Job.isRoot())
            return Results.takeLogProbs(Number, LogProbs);
          if (Place.Leads)
            Kept.push_back(packRows(Number, LogProbs));
          return absl::OkStatus();
        });
    return isAlone(Done) ? Done
                         : Job.collect(Kept, Done, [&](std::string_view Rows) {
                             return takeRows(Rows, [&](size_t I, auto Each) {
                               return Results.takeLogProbs(I, Each);
                             });
                           });
  }

  /// Logits are passed on as they are computed: there may be many.
  absl::Status logits() {
    auto Receive = [&](std::string_view Rows) {
      return takeRows(Rows, [&](size_t I, auto Each) {
        return Results.takeLogits(I, Each);
      });
    };
    std::optional<ResultRounds> Rounds;
    if (Place.Sequences.Step > 1)
      Rounds.emplace(*Job.transport(), Receive);
    absl::Status Done =
        computeLogits(Model, Own, Options, [&](size_t I, auto Logits) {
          const size_t Number = Place.Sequences.number(I);
          if (!Rounds)
            return Job.isRoot() ? Results.takeLogits(Number, Logits)
                                : absl::OkStatus();
          return Place.Leads ? Rounds->give(packRows(Number, Logits))
                             : Rounds->giveNothing();
        });
    if (!Rounds || isAlone(Done))
      return Done;
    return Job.agreed(Rounds->finish(Done));
  }

private:
  static bool isAlone(const absl::Status &Done) {
    return !Done.ok() && !absl::IsCancelled(Done);
  }

  Ranks &Job = Ranks::get();
  LanguageModel &Model;
  const DataPlace &Place;
  std::span<const std::vector<int64_t>> Own;
  const ScoreOptions &Options;
  Writer &Results;
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

/// Keeps the sequences of which all files are complete, however the run ended,
/// unless a file could not be written; prints what is known of them. `Done` is
/// how the run ended; returns how it ended as a whole.
absl::Status report(Writer &Results,
                    std::span<const std::vector<int64_t>> Sequences,
                    absl::Status Done, const ScoreCommand &Command) {
  M1_RETURN_IF_ERROR(Results.Written);
  OutputFiles Files;
  size_t Finished = 0;
  absl::Status Failure; // of the first sequence that failed
  for (size_t I = 0; I < Results.Results.size(); ++I) {
    Scored &Result = Results.Results[I];
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
  if (IsComplete && Finished > 0)
    print(Results.Results, Sequences, Command.Json);
  return Done;
}

absl::Status runScore(const ScoreCommand &Command) {
  Ranks &Job = Ranks::get();
  M1_ASSIGN_OR_RETURN(OpenedSequences Opened, run::open(Command));
  auto &[Session, Model, Sequences, Place] = Opened;
  M1_RETURN_IF_ERROR(Job.agree(Job.isRoot() ? createDirectories(Command.OutDir)
                                            : absl::OkStatus()));
  const std::vector<std::vector<int64_t>> Own = Place.Sequences.of(Sequences);
  // Scoring does not feed the last token of a sequence.
  int64_t Total = 0;
  for (const std::vector<int64_t> &Sequence : Own)
    Total += Sequence.size() - 1 + (Command.Logits ? Sequence.size() : 0);

  auto Bar = std::make_unique<Progress>("score", Total);
  finishOnStopSignal();
  ScoreOptions Options;
  Options.MaxTokensPerCall = Command.Chunk;
  Options.BeforeStep = [&, &Place = Place] { return Job.beforeStep(Place); };
  Options.Progress = [&](int64_t Tokens) { Bar->advance(Tokens); };
  Writer Results(Command.OutDir, Sequences, Model->vocabulary());
  Scorer Run(*Model, Place, Own, Options, Results);
  absl::Status Done = Run.logProbs();
  if (Done.ok() && Command.Logits)
    Done = Run.logits();
  Bar.reset(); // ends the bar's line before results are printed

  if (!Job.isRoot())
    M1_RETURN_IF_ERROR(checkMappings());
  const bool IsComplete = Done.ok();
  absl::Status End =
      Job.isRoot() ? report(Results, Sequences, Done, Command) : Done;
  if (IsComplete)
    End.Update(printProfile(*Session));
  return End;
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
