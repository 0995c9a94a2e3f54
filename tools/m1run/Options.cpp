//===- Options.cpp - what the subcommands share -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"

#include "runtime/weights/Npy.h"

#include <cstdio>

using namespace m1;
using namespace m1::run;

void CommonOptions::addTo(CLI::App &Command, bool WeightsRequired) {
  Command.add_option("PLAN", PlanPath, "the compiled model, made by m1c")
      ->required();
  Command
      .add_option("--weights", Session.Weights,
                  "directory of the checkpoint, or 'none' for random weights")
      ->required(WeightsRequired)
      ->type_name("DIR|none");
  Command.add_option("--init-seed", Session.InitSeed,
                     "seed of random weights (default 0)");
  Command
      .add_option("--device", Session.Device.Name,
                  "where to run: cpu, cuda, cuda:N, or ptx, a GPU emulated on "
                  "the CPU (default: what the plan was compiled for)")
      ->type_name("DEVICE");
  Command.add_option("--threads", Session.Device.Threads,
                     "threads of the CPU to use (default: all processors)");
  Command.add_flag("--blocking", Session.Device.Blocking,
                   "wait for each kernel of a GPU, so that an error names the "
                   "one that caused it");
  Command.add_flag("--profile", Session.Profile,
                   "print the time that each kernel takes");
}

void SequenceOptions::addTo(CLI::App &Command, const char *OutDirText,
                            bool OutDirRequired) {
  Common.addTo(Command, /*WeightsRequired=*/true);
  Command
      .add_option("--tokens", TokenFiles,
                  "token ids: 1-D .npy files of int32 or int64, separated by "
                  "commas; each is a sequence")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("FILE.npy[,FILE.npy...]");
  Command.add_option("--out-dir", OutDir, OutDirText)->required(OutDirRequired);
  Command.add_flag("--json", Json, "print one JSON object");
}

absl::StatusOr<OpenedSequences> run::open(const SequenceOptions &Options) {
  OpenedSequences Result;
  for (const std::string &File : Options.TokenFiles) {
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Tokens, readTokens(File));
    Result.Sequences.push_back(std::move(Tokens));
  }
  M1_ASSIGN_OR_RETURN(
      Result.Session,
      m1::Session::open(Options.Common.PlanPath, Options.Common.Session));
  M1_ASSIGN_OR_RETURN(Result.Model,
                      LanguageModel::create(*Result.Session->Program));
  for (size_t I = 0; I < Result.Sequences.size(); ++I)
    M1_RETURN_IF_ERROR(
        checkTokens(*Result.Model, Result.Sequences[I], Options.TokenFiles[I]));
  return Result;
}

void run::printProfile(const m1::Session &Session) {
  if (Session.Trace)
    std::fputs(Session.Trace->table().c_str(), stderr);
}
