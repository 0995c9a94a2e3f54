//===- Session.cpp - a plan with its device and its weights ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Session.h"

using namespace m1;

absl::StatusOr<std::unique_ptr<Session>>
Session::open(const std::string &PlanPath, const SessionOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(PlanPath));
  return open(std::move(Plan), Options);
}

absl::StatusOr<std::unique_ptr<Session>>
Session::open(std::unique_ptr<LoadedPlan> Plan, const SessionOptions &Options) {
  auto Result = std::make_unique<Session>();
  Result->Plan = std::move(Plan);
  M1_ASSIGN_OR_RETURN(Result->TheDevice,
                      createDevice(*Result->Plan, Options.Device));
  if (Options.Weights.empty() && length((*Result->Plan)->parameters()))
    return makeError(Result->Plan->name(), ": has ",
                     length((*Result->Plan)->parameters()),
                     " parameters: give their checkpoint with --weights "
                     "DIRECTORY, or --weights none for random ones");
  if (Options.Weights.empty() || Options.Weights == "none") {
    if (Options.Checkpoint.Verify)
      return makeError("--verify-weights has no effect without the weights of "
                       "a checkpoint");
    M1_ASSIGN_OR_RETURN(Result->Parameters,
                        randomParameters(*Result->Plan, Options.InitSeed));
  } else {
    CheckpointOptions Checkpoint = Options.Checkpoint;
    Checkpoint.Hash.Threads = Options.Device.Threads;
    M1_ASSIGN_OR_RETURN(
        Result->Parameters,
        checkpointParameters(*Result->Plan, Options.Weights, Checkpoint));
  }
  if (Options.Profile)
    Result->Trace = std::make_unique<Profile>();
  M1_ASSIGN_OR_RETURN(Result->Program,
                      Executor::create(*Result->Plan, *Result->TheDevice,
                                       *Result->Parameters,
                                       Result->Trace.get()));
  return Result;
}
