//===- Communicator.h - exchanges of a plan ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_COMMUNICATOR_H
#define M1C_RUNTIME_COMM_COMMUNICATOR_H

#include "runtime/device/Device.h"

#include <string_view>

namespace m1 {

/// One `Collective` of a plan, with its addresses.
struct Exchange {
  plan::CollectiveKind Kind;
  uint32_t Axis; ///< of the plan's mesh
  Device::Address Source, Destination;
  uint64_t Bytes;            ///< of a block
  std::string_view Function; ///< for errors
  uint32_t Step;             ///< for errors
  std::string_view Where;    ///< the step's source, for errors
};

/// What one rank of a mesh needs to run a plan.
class Communicator {
public:
  virtual ~Communicator();

  /// This rank's coordinate on each axis of the mesh.
  virtual std::span<const int64_t> coordinates() const = 0;

  /// Exchanges blocks with the ranks whose coordinates differ on the axis only.
  /// It is executed after the device's earlier work and before its later work.
  /// An error says which rank waited where, and for how long.
  virtual absl::Status exchange(const Exchange &What) = 0;

  /// Waits until the exchanges of the function, and the device's work before
  /// them, are complete. `Device::synchronize` may be called afterwards; before
  /// it might wait for another rank without end.
  virtual absl::Status wait(std::string_view Function) {
    return absl::OkStatus();
  }

  /// Whether the device's recorder can record exchanges: they only issue work
  /// to the device and do not wait for it.
  virtual bool isRecordable() const { return false; }
};

} // namespace m1

#endif // M1C_RUNTIME_COMM_COMMUNICATOR_H
