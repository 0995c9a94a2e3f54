//===- Recorder.h - work that is done again and again -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_RECORDER_H
#define M1C_RUNTIME_DEVICE_RECORDER_H

#include "runtime/support/Error.h"

#include <cstdint>

namespace m1 {

/// Keeps a series of launches and copies and does them again at less
/// cost than one by one. Devices and drivers that can are one of these.
class Recorder {
public:
  virtual ~Recorder() = default;

  /// What is started from here to `endRecording` is kept, not done.
  virtual absl::Status beginRecording() = 0;
  /// The recording's number, whatever became of what was started.
  virtual absl::StatusOr<uint32_t> endRecording() = 0;
  virtual absl::Status replay(uint32_t Recording) = 0;
  virtual absl::Status forget(uint32_t Recording) = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_RECORDER_H
