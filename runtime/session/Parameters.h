//===- Parameters.h - where a plan's parameters come from -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_PARAMETERS_H
#define M1C_RUNTIME_SESSION_PARAMETERS_H

#include "runtime/plan/Plan.h"
#include "runtime/weights/Checkpoint.h"
#include "runtime/weights/HashFiles.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace m1 {

/// The values of a plan's parameters.
class ParameterSource {
public:
  virtual ~ParameterSource();
  /// The bytes of the rank's part of parameter number `Index` (Mesh.h,
  /// localShape), aligned to its element type. They stay valid until `release`.
  virtual absl::StatusOr<std::span<const std::byte>> get(uint32_t Index) = 0;
  /// The memory is not needed until the next `get`.
  virtual void release(uint32_t Index) = 0;
  /// Bytes of the checkpoint that `get` has given: the rank's parts, and what
  /// all ranks have.
  virtual uint64_t bytesRead() const { return 0; }
};

struct CheckpointOptions {
  /// Of the rank, if the plan has a mesh.
  std::vector<int64_t> Coordinates;
  /// Whether to compare all weights with their digests first, also what other
  /// ranks read: one rank need do so. `Digests` and `Hash` are those of
  /// verifyWeights.
  bool Verify = false;
  std::string Digests;
  HashOptions Hash;
  /// Is told what the user should know of the checkpoint: one line. May be
  /// empty.
  std::function<void(const std::string &)> Note;
};

/// Parameters from a checkpoint, by name. All must be present with the plan's
/// element types and shapes, and the checkpoint may hold no other tensors:
/// otherwise it is not the one that the plan was compiled for.
absl::StatusOr<std::unique_ptr<ParameterSource>>
checkpointParameters(const LoadedPlan &Plan, const std::string &Path,
                     const CheckpointOptions &Options = {});

/// Random parameters that depend only on the seed and the parameter's name: see
/// fillRandom. Generated on request, and on each rank its part of the same
/// tensors.
absl::StatusOr<std::unique_ptr<ParameterSource>>
randomParameters(const LoadedPlan &Plan, uint64_t Seed,
                 std::span<const int64_t> Coordinates = {});

} // namespace m1

#endif // M1C_RUNTIME_SESSION_PARAMETERS_H
