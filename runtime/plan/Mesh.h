//===- Mesh.h - the ranks of a plan -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_PLAN_MESH_H
#define M1C_RUNTIME_PLAN_MESH_H

#include "runtime/plan/Plan.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// The extent of each axis of the mesh; empty with one rank.
std::vector<int64_t> meshExtents(const plan::Plan &Plan);

/// How many ranks run a plan: the product of the extents.
int64_t rankCount(const plan::Plan &Plan);

/// A rank's coordinate on each axis; the last axis varies fastest.
std::vector<int64_t> coordinatesOf(const plan::Plan &Plan, int64_t Rank);

/// The ranks whose coordinates differ from those of `Rank` on `Axis` only, and
/// `Rank` itself, in the order of coordinates.
std::vector<int> groupOf(const plan::Plan &Plan, int64_t Rank, uint32_t Axis);

/// "data 2 x tensor 4"; "" with one rank.
std::string describeMesh(const plan::Plan &Plan);

/// An error unless there is a coordinate for each axis of the plan's mesh. With
/// none at all it says how to start a plan on many ranks.
absl::Status checkCoordinates(const LoadedPlan &Plan,
                              std::span<const int64_t> Coordinates);

/// Whether a symbol is a rank's coordinate on an axis.
bool isMeshSymbol(const plan::Plan &Plan, uint32_t Symbol);

/// Gives the mesh's symbols their values.
void bindMesh(const plan::Plan &Plan, std::span<const int64_t> Coordinates,
              std::span<int64_t> Symbols);

/// The indices of a dimension that one rank holds: those from `Begin` up to
/// `End`, and then zeros up to the slice's step.
struct IndexRange {
  int64_t Begin, End;
};
IndexRange heldRange(const plan::ParameterSlice &Slice, int64_t Coordinate);

/// The shape and size that kernels see of a parameter, the same on all ranks.
std::vector<int64_t> localShape(const plan::Parameter &Parameter);
uint64_t localBytes(const plan::Parameter &Parameter);

/// The tensor that the rank reads.
std::string_view tensorName(const plan::Parameter &Parameter,
                            std::span<const int64_t> Coordinates);

} // namespace m1

#endif // M1C_RUNTIME_PLAN_MESH_H
