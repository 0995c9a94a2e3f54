//===- Digest.cpp - m1run digest ------------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/support/StopSignals.h"
#include "runtime/weights/Checkpoint.h"
#include "runtime/weights/VerifyWeights.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace m1;
using namespace m1::run;

namespace {
struct DigestOptions {
  std::string Path, Digests;
  bool Check = false;
  HashOptions Hash;
};

absl::Status digest(const DigestOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> Weights,
                      Checkpoint::open(Options.Path));
  if (!Weights->note().empty())
    printNote(Weights->note());
  finishOnStopSignal();
  uint64_t Bytes = 0;
  HashOptions Hash = Options.Hash;
  Hash.Cancelled = [] { return stopSignal() != 0; };
  Hash.Progress = [&, Show = hashProgress("digest")](uint64_t Done,
                                                     uint64_t Total) {
    Bytes = Total;
    Show(Done, Total);
  };
  auto Start = std::chrono::steady_clock::now();
  auto Run = Options.Check ? verifyWeights : writeDigests;
  M1_ASSIGN_OR_RETURN(std::string Done, Run(*Weights, Options.Digests, Hash));
  double Seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - Start)
          .count();
  std::printf("%s (%.1f MB, %.2f GB/s)\n", printable(Done).c_str(), Bytes / 1e6,
              Bytes / 1e9 / std::max(Seconds, 1e-9));
  return absl::OkStatus();
}
} // namespace

void run::addDigest(CLI::App &App, Action &Chosen) {
  auto Options = std::make_shared<DigestOptions>();
  CLI::App *Command = App.add_subcommand(
      "digest",
      "Write digests of a checkpoint's tensors beside its files, for --check "
      "and --verify-weights.\nFiles of a Hugging Face download are compared "
      "with the checksums that it left. Digests that exist are\nchecked and "
      "never replaced: delete the file to write new ones.");
  Command
      ->add_option("CHECKPOINT", Options->Path,
                   "directory of the checkpoint, or a safetensors file")
      ->required()
      ->type_name("DIR");
  Command->add_flag("--check", Options->Check,
                    "write nothing: compare the weights with their digests, or "
                    "else with the checksums of their download");
  Command
      ->add_option("--digests", Options->Digests,
                   "the file of the digests (default: "
                   "model.safetensors.digests.json in DIR)")
      ->type_name("FILE.json");
  addNumber(*Command, "--threads", 0, Options->Hash.Threads,
            "threads that read and hash (default: one per processor)");
  Command->callback(
      [Options, &Chosen] { Chosen = [Options] { return digest(*Options); }; });
}
