//===- MeshCommunicator.h - a rank's place in a mesh ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_MESHCOMMUNICATOR_H
#define M1C_RUNTIME_COMM_MESHCOMMUNICATOR_H

#include "runtime/comm/Communicator.h"
#include "runtime/comm/Transport.h"

#include <string>
#include <vector>

namespace m1 {

/// What communicators have in common: the rank's place in the mesh, and errors
/// that say where it is.
class MeshCommunicator : public Communicator {
public:
  std::span<const int64_t> coordinates() const final { return Coordinates; }

protected:
  /// The plan and the transport must outlive the communicator. The transport
  /// has as many ranks as the plan's mesh.
  MeshCommunicator(const plan::Plan &Plan, Transport &Ranks);

  /// The ranks that exchange on an axis, in the order of coordinates.
  std::span<const int> group(uint32_t Axis) const { return Groups[Axis]; }
  uint32_t axes() const { return Groups.size(); }

  /// An error of the exchange, with this rank's place in the mesh and the plan:
  /// "rank 1 (tensor 1), step 14 of 'score' (model.layers.0; last finished:
  /// step 9): all-gather of 4096 bytes: rank 0 did not answer within 60 s".
  absl::Status explain(const Exchange &What, const absl::Status &Error) const;
  /// The same of the exchanges of a function: "rank 1 (tensor 1), 'score' (last
  /// finished: step 9): ...".
  absl::Status explain(std::string_view Function,
                       const absl::Status &Error) const;
  /// Remembers an exchange for such errors.
  void setFinished(std::string_view Function, uint32_t Step);

  Transport &Ranks;

private:
  std::string lastFinished(std::string_view Function) const;

  std::vector<int64_t> Coordinates;
  std::vector<std::vector<int>> Groups; ///< by axis
  std::string Place;                    ///< "rank 1 (tensor 1)"

  bool HasFinished = false;
  std::string LastFunction;
  uint32_t LastStep = 0;
};

/// "rank 5 (data 1, tensor 1)"; "rank 0" with one rank.
std::string describeRank(const plan::Plan &Plan, int Rank);

} // namespace m1

#endif // M1C_RUNTIME_COMM_MESHCOMMUNICATOR_H
