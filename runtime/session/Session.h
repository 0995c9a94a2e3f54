//===- Session.h - a plan with its device and its weights -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_SESSION_H
#define M1C_RUNTIME_SESSION_SESSION_H

#include "runtime/comm/Communicator.h"
#include "runtime/comm/Transport.h"
#include "runtime/device/CreateDevice.h"
#include "runtime/session/Executor.h"

#include <functional>

namespace m1 {

struct SessionOptions {
  /// Directory or file of the checkpoint, or "none" for random weights. May be
  /// empty if the plan has no parameters.
  std::string Weights;
  uint64_t InitSeed = 0;
  DeviceOptions Device;
  bool Profile = false;
  /// Its number of threads is that of `Device`.
  CheckpointOptions Checkpoint;
  /// The ranks that run the plan together; null with one.
  Transport *Ranks = nullptr;
  /// Called after each part of opening that may fail on some ranks only, with
  /// this rank's status; returns that of all. Empty with one rank.
  std::function<absl::Status(const absl::Status &)> Agree;
};

/// A plan with its device, parameters and executor, in order of construction.
/// All ranks of a plan open theirs together.
struct Session {
  static absl::StatusOr<std::unique_ptr<Session>>
  open(const std::string &PlanPath, const SessionOptions &Options);
  /// The same for a plan that is already loaded.
  static absl::StatusOr<std::unique_ptr<Session>>
  open(std::unique_ptr<LoadedPlan> Plan, const SessionOptions &Options);

  std::unique_ptr<LoadedPlan> Plan;
  std::unique_ptr<Device> TheDevice;
  std::unique_ptr<Communicator> Exchanges; ///< null with one rank
  std::unique_ptr<ParameterSource> Parameters;
  std::unique_ptr<Profile> Trace; ///< null without SessionOptions::Profile
  std::unique_ptr<Executor> Program;
};

} // namespace m1

#endif // M1C_RUNTIME_SESSION_SESSION_H
