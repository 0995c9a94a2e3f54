//===- MeshCommunicator.cpp - a rank's place in a mesh --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/MeshCommunicator.h"

#include "runtime/plan/Mesh.h"

using namespace m1;

Communicator::~Communicator() = default;

std::string m1::describeRank(const plan::Plan &Plan, int Rank) {
  const std::vector<int64_t> Coordinates = coordinatesOf(Plan, Rank);
  std::string Text = concat("rank ", Rank);
  for (uint32_t Axis = 0; Axis < Coordinates.size(); ++Axis)
    Text += concat(Axis ? ", " : " (", view(Plan.mesh()->Get(Axis)->name()),
                   " ", Coordinates[Axis]);
  return Coordinates.empty() ? Text : Text + ")";
}

MeshCommunicator::MeshCommunicator(const plan::Plan &Plan, Transport &Ranks)
    : Ranks(Ranks), Coordinates(coordinatesOf(Plan, Ranks.rank())),
      Place(describeRank(Plan, Ranks.rank())) {
  for (uint32_t Axis = 0; Axis < Coordinates.size(); ++Axis)
    Groups.push_back(groupOf(Plan, Ranks.rank(), Axis));
}

std::string MeshCommunicator::lastFinished(std::string_view Function) const {
  if (!HasFinished)
    return "last finished: none";
  return concat("last finished: step ", LastStep,
                LastFunction == Function ? std::string()
                                         : concat(" of '", LastFunction, "'"));
}

absl::Status MeshCommunicator::explain(const Exchange &What,
                                       const absl::Status &Error) const {
  return absl::Status(
      Error.code(),
      printable(concat(Place, ", step ", What.Step, " of '", What.Function,
                       "' (", What.Where, What.Where.empty() ? "" : "; ",
                       lastFinished(What.Function),
                       "): ", std::string(Error.message()))));
}

absl::Status MeshCommunicator::explain(std::string_view Function,
                                       const absl::Status &Error) const {
  return absl::Status(
      Error.code(),
      printable(concat(Place, ", '", Function, "' (", lastFinished(Function),
                       "): ", std::string(Error.message()))));
}

void MeshCommunicator::setFinished(std::string_view Function, uint32_t Step) {
  HasFinished = true;
  LastFunction.assign(Function); // reuses its memory
  LastStep = Step;
}
