//===- Program.h - a program as an environment ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/environments.md describes the protocol.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROGRAM_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROGRAM_H

#include "runtime/training/environments/OptionReader.h"

namespace m1 {

inline constexpr const char *ProgramName = "program";

struct ProgramOptions {
  std::vector<std::string> Command;
  uint64_t Seed = 0;
  std::string Prompts; ///< a file; empty: the program makes prompts
  /// What the program does not say itself.
  std::optional<int64_t> Vocabulary, StopToken;
  double TimeoutSeconds = 0;
  int64_t MaxRestarts = 0;
  std::string Log;
  nlohmann::json Passed; ///< to the program
};
ProgramOptions readProgram(OptionReader &Options);

/// Starts the program and asks what it needs.
absl::StatusOr<std::unique_ptr<Environment>>
createProgram(OptionReader &Options, const EnvironmentContext &Context);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROGRAM_H
