//===- Bench.cpp - m1run bench: speed and memory --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Json.h"
#include "tools/m1run/Ranks.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/plan/Mesh.h"
#include "runtime/session/LanguageModel.h"
#include "runtime/session/Pieces.h"
#include "runtime/support/Packed.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sys/resource.h>

using namespace m1;
using namespace m1::run;

namespace {
struct BenchCommand {
  CommonOptions Common;
  int64_t Batch = 1, PromptLength = 512, NewTokens = 64, Repeat = 3;
  bool Json = false;
};

double secondsSince(std::chrono::steady_clock::time_point Start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - Start)
      .count();
}

/// Runs a batch of prompts of equal length, greedily.
class Bench {
public:
  Bench(LanguageModel &Model, const BenchCommand &Command)
      : Model(Model), Command(Command) {
    // Spread over the vocabulary, so that many experts get tokens.
    for (int64_t B = 0; B < Command.Batch; ++B) {
      Sequences.emplace_back();
      for (int64_t T = 0; T < Command.PromptLength; ++T)
        Sequences[B].push_back((7919 * (T + 1) + 104729 * B) %
                               Model.vocabulary());
    }
    Sampled.resize(Command.Batch);
    LogProbs.resize(Command.Batch);
  }

  /// Feeds all prompts. Returns seconds.
  absl::StatusOr<double> prefill() {
    auto Start = std::chrono::steady_clock::now();
    std::vector<int64_t> Lengths(Command.Batch, Command.PromptLength);
    M1_RETURN_IF_ERROR(feedSequences(
        Lengths, Model.maxTokens(), Model.maxSequences(),
        [&](std::span<const Piece> Pieces) {
          Given.clear();
          How.clear();
          for (const Piece &P : Pieces) {
            Given.add(
                P.Slot, P.Begin,
                std::span(Sequences[P.Sequence]).subspan(P.Begin, P.Count));
            How.add(0, 1, 0, 0, 0);
          }
          return Model.next(Given, How, std::span(Sampled).first(Pieces.size()),
                            std::span(LogProbs).first(Pieces.size()));
        }));
    return secondsSince(Start);
  }

  /// Decodes `Count` tokens of every sequence, after `prefill`. Returns
  /// seconds.
  absl::StatusOr<double> decode(int64_t Count) {
    std::vector<int64_t> Last(Command.Batch, 1);
    auto Start = std::chrono::steady_clock::now();
    for (int64_t I = 0; I < Count; ++I) {
      Given.clear();
      How.clear();
      for (int64_t B = 0; B < Command.Batch; ++B) {
        Given.add(B, Command.PromptLength + I, std::span(&Last[B], 1));
        How.add(0, 1, 0, 0, 0);
      }
      M1_RETURN_IF_ERROR(Model.next(Given, How, Sampled, LogProbs));
      std::copy(Sampled.begin(), Sampled.end(), Last.begin());
    }
    return secondsSince(Start);
  }

private:
  LanguageModel &Model;
  const BenchCommand &Command;
  std::vector<std::vector<int64_t>> Sequences;
  RaggedBatch Given;
  Sampling How;
  std::vector<int32_t> Sampled;
  std::vector<float> LogProbs;
};

/// Checks that a plan can run the batch.
absl::Status checkBatch(const BenchCommand &Command,
                        const LanguageModel &Model) {
  if (Command.Batch > Model.maxSequences())
    return makeError("--batch ", Command.Batch, ": the plan has room for ",
                     Model.maxSequences(), " sequences");
  if (int64_t Length = 0; __builtin_add_overflow(Command.PromptLength,
                                                 Command.NewTokens, &Length) ||
                          Length > Model.maxLength())
    return makeError("--prompt-len ", Command.PromptLength,
                     " and --new-tokens ", Command.NewTokens,
                     ": the plan was compiled for sequences of at most ",
                     Model.maxLength(), " tokens");
  return absl::OkStatus();
}

/// What a rank measures.
struct Figures {
  double Load = 0;
  std::vector<double> Prefill, Decode; ///< seconds of each repetition
  double PeakBytes = 0;                ///< of its memory
};

/// The figures of all ranks at the root: of each, that of the rank where it is
/// the largest.
absl::Status gatherLargest(Figures &Each) {
  Packer P;
  P.add(Each.Load);
  P.add(Each.Prefill);
  P.add(Each.Decode);
  P.add(Each.PeakBytes);
  M1_ASSIGN_OR_RETURN(std::vector<std::string> All,
                      Ranks::get().gather(P.Bytes));
  auto raise = [](double &Figure, double Other) {
    Figure = std::max(Figure, Other);
  };
  for (const std::string &Packed : All) {
    Unpacker U(Packed);
    raise(Each.Load, U.number<double>());
    for (std::vector<double> *Seconds : {&Each.Prefill, &Each.Decode}) {
      const std::vector<double> Others = U.numbers<double>();
      for (size_t I = 0; I < Others.size(); ++I)
        raise((*Seconds)[I], Others[I]);
    }
    raise(Each.PeakBytes, U.number<double>());
  }
  return absl::OkStatus();
}

/// Runs the batch as often as the command says.
absl::Status measure(Bench &Runner, m1::Session &Session,
                     const BenchCommand &Command, Figures &Result) {
  Ranks &Job = Ranks::get();
  // Once untimed, to touch pages and wake threads.
  M1_RETURN_IF_ERROR(Runner.prefill().status());
  M1_RETURN_IF_ERROR(Runner.decode(1).status());
  if (Session.Trace)
    *Session.Trace = Profile();
  for (int64_t I = 0; I < Command.Repeat; ++I) {
    M1_RETURN_IF_ERROR(Job.agree(absl::OkStatus())); // begin at the same time
    M1_ASSIGN_OR_RETURN(Result.Prefill.emplace_back(), Runner.prefill());
    M1_ASSIGN_OR_RETURN(Result.Decode.emplace_back(),
                        Runner.decode(Command.NewTokens));
  }
  struct rusage Usage;
  ::getrusage(RUSAGE_SELF, &Usage);
  Result.PeakBytes = static_cast<double>(Usage.ru_maxrss) * 1024;
  return absl::OkStatus();
}

absl::Status runBench(const BenchCommand &Command) {
  Ranks &Job = Ranks::get();
  auto LoadStart = std::chrono::steady_clock::now();
  M1_ASSIGN_OR_RETURN(std::unique_ptr<m1::Session> Session,
                      openSession(Command.Common));
  Figures Measured;
  Measured.Load = secondsSince(LoadStart);
  absl::StatusOr<std::unique_ptr<LanguageModel>> Model =
      LanguageModel::create(*Session->Program);
  M1_RETURN_IF_ERROR(
      Job.agree(Model.ok() ? checkBatch(Command, **Model) : Model.status()));
  Bench Runner(**Model, Command);
  M1_RETURN_IF_ERROR(measure(Runner, *Session, Command, Measured));
  M1_RETURN_IF_ERROR(gatherLargest(Measured));
  M1_RETURN_IF_ERROR(printProfile(*Session));
  if (!Job.isRoot())
    return absl::OkStatus();

  const plan::Plan &Plan = **Session->Plan;
  const MemoryNeeds Needs(Plan, /*Alignment=*/1);
  uint64_t ParameterBytes = 0;
  for (uint32_t I = 0; I < length(Plan.parameters()); ++I)
    ParameterBytes += localBytes(*Plan.parameters()->Get(I));
  const double Prefill =
      *std::min_element(Measured.Prefill.begin(), Measured.Prefill.end());
  const double Decode =
      *std::min_element(Measured.Decode.begin(), Measured.Decode.end());
  // Each coordinate of the axis `data` runs a batch.
  const int64_t Sequences =
      Command.Batch * static_cast<int64_t>(Job.place(Plan).Sequences.Step);
  const double PrefillRate = Sequences * Command.PromptLength / Prefill;
  const double DecodeRate = Sequences * Command.NewTokens / Decode;

  if (Command.Json) {
    json Result = {
        {"device", Session->TheDevice->description()},
        {"ranks", Job.count()},
        {"batch", Command.Batch},
        {"prompt_length", Command.PromptLength},
        {"new_tokens", Command.NewTokens},
        {"repeat", Command.Repeat},
        {"load_seconds", Measured.Load},
        {"prefill_seconds", Prefill},
        {"decode_seconds", Decode},
        {"prefill_tokens_per_second", PrefillRate},
        {"decode_tokens_per_second", DecodeRate},
        {"peak_rss_bytes", static_cast<uint64_t>(Measured.PeakBytes)},
        {"parameter_bytes", ParameterBytes},
        {"activation_bytes", Needs.Activations},
        {"packed_weight_bytes", Needs.Weights},
        {"state_bytes", Needs.States}};
    std::printf("%s\n", dump(Result, 2).c_str());
    return absl::OkStatus();
  }
  auto mib = [](double Bytes) { return Bytes / 1048576.0; };
  std::printf("device    %s\n",
              printable(Session->TheDevice->description()).c_str());
  if (Job.count() > 1)
    std::printf("ranks     %d (%s); device and memory of each\n", Job.count(),
                describeMesh(Plan).c_str());
  std::printf("load      %.3f s\n", Measured.Load);
  auto line = [&](const char *Name, double Rate, int64_t Tokens,
                  double Seconds) {
    std::printf("%-9s %.1f tokens/s (%lld x %lld in %.3f s, best of %lld)\n",
                Name, Rate, static_cast<long long>(Sequences),
                static_cast<long long>(Tokens), Seconds,
                static_cast<long long>(Command.Repeat));
  };
  line("prefill", PrefillRate, Command.PromptLength, Prefill);
  line("decode", DecodeRate, Command.NewTokens, Decode);
  std::printf("memory    %.1f MiB at the peak; parameters %.1f, packed %.1f, "
              "states %.1f, activations %.1f\n",
              mib(Measured.PeakBytes), mib(ParameterBytes), mib(Needs.Weights),
              mib(Needs.States), mib(Needs.Activations));
  return absl::OkStatus();
}
} // namespace

void run::addBench(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<BenchCommand>();
  CLI::App *Sub = App.add_subcommand(
      "bench", "Measure the speed of prefill and decoding, and memory");
  Command->Common.addTo(*Sub, /*WeightsRequired=*/true);
  addNumber(*Sub, "--batch", 1, Command->Batch,
            "sequences per batch (default 1); on the mesh's axis data, of each "
            "coordinate");
  addNumber(*Sub, "--prompt-len", 1, Command->PromptLength,
            "tokens per prompt (default 512)");
  addNumber(*Sub, "--new-tokens", 1, Command->NewTokens,
            "tokens to decode per sequence (default 64)");
  addNumber(*Sub, "--repeat", 1, Command->Repeat,
            "timed runs; the best counts (default 3)");
  Sub->add_flag("--json", Command->Json, "print a JSON object instead of text");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runBench(*Command); };
  });
}
