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

absl::Status MeshCommunicator::explain(const Exchange &What,
                                       const absl::Status &Error) const {
  std::string Last = "none";
  if (HasFinished)
    Last = LastFunction == What.Function
               ? concat("step ", LastStep)
               : concat("step ", LastStep, " of '", LastFunction, "'");
  return absl::Status(
      Error.code(),
      printable(concat(Place, ", step ", What.Step, " of '", What.Function,
                       "' (", What.Where, What.Where.empty() ? "" : "; ",
                       "last finished: ", Last,
                       "): ", std::string(Error.message()))));
}

void MeshCommunicator::setFinished(const Exchange &What) {
  HasFinished = true;
  LastFunction.assign(What.Function); // reuses its memory
  LastStep = What.Step;
}
