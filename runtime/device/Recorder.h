//===- Recorder.h - recording and replaying launches ------------*- C++ -*-===//
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

/// Records a sequence of launches and copies and replays it at less cost than
/// issuing them one by one. Implemented by devices and drivers that can.
class Recorder {
public:
  virtual ~Recorder() = default;

  /// Work issued from here to `endRecording` is recorded, not executed.
  virtual absl::Status beginRecording() = 0;
  /// Returns the recording's number, even if some of the work failed.
  virtual absl::StatusOr<uint32_t> endRecording() = 0;
  virtual absl::Status replay(uint32_t Recording) = 0;
  virtual absl::Status forget(uint32_t Recording) = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_RECORDER_H
