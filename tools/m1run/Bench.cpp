//===- Bench.cpp - m1run bench: speed and memory --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Json.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/session/LanguageModel.h"
#include "runtime/session/Pieces.h"

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

absl::Status runBench(const BenchCommand &Command) {
  auto LoadStart = std::chrono::steady_clock::now();
  M1_ASSIGN_OR_RETURN(
      std::unique_ptr<m1::Session> Session,
      m1::Session::open(Command.Common.PlanPath, Command.Common.Session));
  double LoadSeconds = secondsSince(LoadStart);
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LanguageModel> Model,
                      LanguageModel::create(*Session->Program));
  if (Command.Batch > Model->maxSequences())
    return makeError("--batch ", Command.Batch, ": the plan has room for ",
                     Model->maxSequences(), " sequences");
  if (int64_t Length = 0; __builtin_add_overflow(Command.PromptLength,
                                                 Command.NewTokens, &Length) ||
                          Length > Model->maxLength())
    return makeError("--prompt-len ", Command.PromptLength,
                     " and --new-tokens ", Command.NewTokens,
                     ": the plan was compiled for sequences of at most ",
                     Model->maxLength(), " tokens");

  Bench Runner(*Model, Command);
  // Once untimed, to touch pages and wake threads.
  M1_RETURN_IF_ERROR(Runner.prefill().status());
  M1_RETURN_IF_ERROR(Runner.decode(1).status());
  if (Session->Trace)
    *Session->Trace = Profile();
  double Prefill = 0, Decode = 0;
  for (int64_t I = 0; I < Command.Repeat; ++I) {
    M1_ASSIGN_OR_RETURN(double PrefillNow, Runner.prefill());
    M1_ASSIGN_OR_RETURN(double DecodeNow, Runner.decode(Command.NewTokens));
    Prefill = I == 0 ? PrefillNow : std::min(Prefill, PrefillNow);
    Decode = I == 0 ? DecodeNow : std::min(Decode, DecodeNow);
  }
  printProfile(*Session);

  const plan::Plan &Plan = **Session->Plan;
  const MemoryNeeds Needs(Plan, /*Alignment=*/1);
  uint64_t ParameterBytes = 0;
  for (uint32_t I = 0; I < length(Plan.parameters()); ++I)
    ParameterBytes += bytesOf(*Plan.parameters()->Get(I));
  struct rusage Usage;
  ::getrusage(RUSAGE_SELF, &Usage);
  uint64_t PeakRss = static_cast<uint64_t>(Usage.ru_maxrss) * 1024;
  double PrefillRate = Command.Batch * Command.PromptLength / Prefill;
  double DecodeRate = Command.Batch * Command.NewTokens / Decode;

  if (Command.Json) {
    json Result = {{"device", Session->TheDevice->description()},
                   {"batch", Command.Batch},
                   {"prompt_length", Command.PromptLength},
                   {"new_tokens", Command.NewTokens},
                   {"repeat", Command.Repeat},
                   {"load_seconds", LoadSeconds},
                   {"prefill_seconds", Prefill},
                   {"decode_seconds", Decode},
                   {"prefill_tokens_per_second", PrefillRate},
                   {"decode_tokens_per_second", DecodeRate},
                   {"peak_rss_bytes", PeakRss},
                   {"parameter_bytes", ParameterBytes},
                   {"activation_bytes", Needs.Activations},
                   {"packed_weight_bytes", Needs.Weights},
                   {"state_bytes", Needs.States}};
    std::printf("%s\n", dump(Result, 2).c_str());
    return absl::OkStatus();
  }
  auto mib = [](uint64_t Bytes) { return Bytes / 1048576.0; };
  std::printf("device    %s\n",
              printable(Session->TheDevice->description()).c_str());
  std::printf("load      %.3f s\n", LoadSeconds);
  std::printf("prefill   %.1f tokens/s (%lld x %lld in %.3f s, best of %lld)\n",
              PrefillRate, static_cast<long long>(Command.Batch),
              static_cast<long long>(Command.PromptLength), Prefill,
              static_cast<long long>(Command.Repeat));
  std::printf("decode    %.1f tokens/s (%lld x %lld in %.3f s, best of %lld)\n",
              DecodeRate, static_cast<long long>(Command.Batch),
              static_cast<long long>(Command.NewTokens), Decode,
              static_cast<long long>(Command.Repeat));
  std::printf("memory    %.1f MiB at the peak; parameters %.1f, packed %.1f, "
              "states %.1f, activations %.1f\n",
              mib(PeakRss), mib(ParameterBytes), mib(Needs.Weights),
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
            "sequences per batch (default 1)");
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
