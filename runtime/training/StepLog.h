//===- StepLog.h - a file with lines for each step --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_STEPLOG_H
#define M1C_RUNTIME_TRAINING_STEPLOG_H

#include "runtime/support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace m1 {

/// A file of JSON lines, {"step":12,...}, in the order of steps, which is only
/// added to. A process that is killed leaves at most one line that is torn.
class StepLog {
public:
  /// Makes the file if it does not exist.
  static absl::StatusOr<std::unique_ptr<StepLog>> open(const std::string &Path);
  ~StepLog();
  StepLog(const StepLog &) = delete;
  StepLog &operator=(const StepLog &) = delete;

  /// Adds a line with `Fields`, an object, after the step, which stands once
  /// even if `Fields` has it. A number that is not finite becomes null. After
  /// an error, nothing was added.
  absl::Status add(int64_t Step, nlohmann::json Fields);

  /// Waits until all lines are on the disk.
  absl::Status save();

private:
  StepLog(std::string Path, int Descriptor)
      : Path(std::move(Path)), Descriptor(Descriptor) {}

  std::string Path;
  int Descriptor;
};

/// Cuts off the lines of steps after `LastStep`, and a last line that is torn.
/// Reads only what is cut and one line more. No file is an empty one.
absl::Status cutStepLog(const std::string &Path, int64_t LastStep);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_STEPLOG_H
