//===- Commands.h - what happens to a scheduler before a step ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_COMMANDS_H
#define M1C_RUNTIME_ENGINE_COMMANDS_H

#include "runtime/engine/Sequence.h"

#include "absl/status/statusor.h"

#include <string>
#include <string_view>
#include <vector>

namespace m1 {

class Scheduler;

/// A request with its number, and who wants to know about it.
struct Submitted {
  uint64_t Id = 0;
  Request Given;
  UpdateFunction OnUpdate; ///< on the rank that the request came to
  Times::Point Arrival;
};

/// Everything that happens to a scheduler between two steps. Ranks that apply
/// the same commands in the same order make the same calls.
struct StepCommands {
  std::vector<Submitted> New; ///< with seeds
  std::vector<uint64_t> Aborted;
  bool Stops = false; ///< all requests end, and no step follows
};

/// What Request::NextMask said, between the commands and the step.
using StepMasks = std::vector<std::pair<SequenceKey, Mask>>;

/// All that a rank needs for a step.
struct Round {
  StepCommands Given;
  StepMasks Masks;
};

/// Commands as bytes, for ranks of the same job, to which those of their masks
/// are appended; and back, without the functions: where a request has a
/// NextMask, it has one that must not be called. Bytes that are not a whole
/// round are an error.
std::string pack(const StepCommands &Given);
std::string pack(const StepMasks &Masks);
absl::StatusOr<Round> unpackRound(std::string_view Bytes);

/// Applies the commands. An error is the device's.
absl::Status apply(Scheduler &Steps, StepCommands Given);
/// Makes a step if there is something to do, and `Applied` is no error. An
/// error, that one included, is the device's or another rank's: no further step
/// is possible, and all requests have ended with it.
absl::Status runStep(Scheduler &Steps, absl::Status Applied);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_COMMANDS_H
