//===- Session.cpp - a plan with its device and its weights ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Session.h"

#include "runtime/comm/CreateCommunicator.h"

using namespace m1;

absl::StatusOr<std::unique_ptr<Session>>
Session::open(const std::string &PlanPath, const SessionOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(PlanPath));
  return open(std::move(Plan), Options);
}

/// Where the plan's parameters come from.
static absl::StatusOr<std::unique_ptr<ParameterSource>>
openParameters(const LoadedPlan &Plan, const SessionOptions &Options,
               std::span<const int64_t> Coordinates) {
  if (Options.Weights.empty() && length(Plan->parameters()))
    return makeError(Plan.name(), ": has ", length(Plan->parameters()),
                     " parameters: give their checkpoint with --weights "
                     "DIRECTORY, or --weights none for random ones");
  if (Options.Weights.empty() || Options.Weights == "none") {
    if (Options.Checkpoint.Verify)
      return makeError("--verify-weights has no effect without the weights of "
                       "a checkpoint");
    return randomParameters(Plan, Options.InitSeed, Coordinates);
  }
  CheckpointOptions Checkpoint = Options.Checkpoint;
  Checkpoint.Hash.Threads = Options.Device.Threads;
  Checkpoint.Coordinates.assign(Coordinates.begin(), Coordinates.end());
  return checkpointParameters(Plan, Options.Weights, Checkpoint);
}

absl::StatusOr<std::unique_ptr<Session>>
Session::open(std::unique_ptr<LoadedPlan> Plan, const SessionOptions &Options) {
  auto agree = [&](const absl::Status &Own) {
    return Options.Agree ? Options.Agree(Own) : Own;
  };
  auto Result = std::make_unique<Session>();
  Result->Plan = std::move(Plan);
  absl::StatusOr<std::unique_ptr<Device>> TheDevice =
      createDevice(*Result->Plan, Options.Device);
  M1_RETURN_IF_ERROR(agree(TheDevice.status()));
  Result->TheDevice = std::move(*TheDevice);
  if (Options.Ranks) {
    absl::StatusOr<std::unique_ptr<Communicator>> Exchanges =
        createCommunicator(**Result->Plan, *Options.Ranks, *Result->TheDevice);
    M1_RETURN_IF_ERROR(agree(Exchanges.status()));
    Result->Exchanges = std::move(*Exchanges);
  }
  absl::StatusOr<std::unique_ptr<ParameterSource>> Parameters =
      openParameters(*Result->Plan, Options,
                     Result->Exchanges ? Result->Exchanges->coordinates()
                                       : std::span<const int64_t>());
  M1_RETURN_IF_ERROR(agree(Parameters.status()));
  Result->Parameters = std::move(*Parameters);
  if (Options.Profile)
    Result->Trace = std::make_unique<Profile>();
  absl::StatusOr<std::unique_ptr<Executor>> Program =
      Executor::create(*Result->Plan, *Result->TheDevice, *Result->Parameters,
                       Result->Trace.get(), Result->Exchanges.get());
  M1_RETURN_IF_ERROR(agree(Program.status()));
  Result->Program = std::move(*Program);
  return Result;
}
