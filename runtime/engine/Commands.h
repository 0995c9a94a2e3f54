//===- Commands.h - what happens to a scheduler before a step ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_COMMANDS_H
#define M1C_RUNTIME_ENGINE_COMMANDS_H

#include "runtime/engine/Request.h"

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

/// Commands as bytes, for ranks of the same job; back, without
/// Submitted::OnUpdate. Bytes that are not whole commands are an error.
std::string pack(const StepCommands &Given);
absl::StatusOr<StepCommands> unpackCommands(std::string_view Bytes);

/// Applies the commands. An error is the device's.
absl::Status apply(Scheduler &Steps, StepCommands Given);
/// Makes a step if there is something to do, and `Applied` is no error. An
/// error, that one included, is the device's or another rank's: no further step
/// is possible, and all requests have ended with it.
absl::Status runStep(Scheduler &Steps, absl::Status Applied);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_COMMANDS_H
