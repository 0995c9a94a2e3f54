//===- Mesh.cpp - the ranks of a plan -------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Mesh.h"

#include <algorithm>

using namespace m1;

std::vector<int64_t> m1::meshExtents(const plan::Plan &Plan) {
  std::vector<int64_t> Extents;
  for (uint32_t I = 0; I < length(Plan.mesh()); ++I)
    Extents.push_back(Plan.mesh()->Get(I)->extent());
  return Extents;
}

int64_t m1::rankCount(const plan::Plan &Plan) {
  int64_t Count = 1;
  for (int64_t Extent : meshExtents(Plan))
    Count *= Extent;
  return Count;
}

std::vector<int64_t> m1::coordinatesOf(const plan::Plan &Plan, int64_t Rank) {
  std::vector<int64_t> Coordinates = meshExtents(Plan);
  for (size_t Axis = Coordinates.size(); Axis-- > 0;) {
    const int64_t Extent = Coordinates[Axis];
    Coordinates[Axis] = Rank % Extent;
    Rank /= Extent;
  }
  return Coordinates;
}

std::vector<int> m1::groupOf(const plan::Plan &Plan, int64_t Rank,
                             uint32_t Axis) {
  const std::vector<int64_t> Extents = meshExtents(Plan);
  int64_t Stride = 1;
  for (size_t I = Axis + 1; I < Extents.size(); ++I)
    Stride *= Extents[I];
  const int64_t First = Rank - Rank / Stride % Extents[Axis] * Stride;
  std::vector<int> Group;
  for (int64_t I = 0; I < Extents[Axis]; ++I)
    Group.push_back(static_cast<int>(First + I * Stride));
  return Group;
}

std::string m1::describeMesh(const plan::Plan &Plan) {
  std::string Text;
  for (uint32_t I = 0; I < length(Plan.mesh()); ++I)
    Text += concat(I ? " x " : "", view(Plan.mesh()->Get(I)->name()), " ",
                   Plan.mesh()->Get(I)->extent());
  return Text;
}

absl::Status m1::checkCoordinates(const LoadedPlan &Plan,
                                  std::span<const int64_t> Coordinates) {
  const std::vector<int64_t> Extents = meshExtents(*Plan);
  const int64_t Count = rankCount(*Plan);
  if (Coordinates.empty() && Count > 1)
    return makeError(Plan.name(), ": was compiled for ", Count, " ranks (",
                     describeMesh(*Plan),
                     "), found one: start it with mpirun "
                     "-np ",
                     Count, " m1run ...");
  bool Fits = Coordinates.size() == Extents.size();
  for (size_t I = 0; Fits && I < Extents.size(); ++I)
    Fits = Coordinates[I] >= 0 && Coordinates[I] < Extents[I];
  if (Fits)
    return absl::OkStatus();
  return makeError(
      Plan.name(), ": the rank's coordinates are ",
      formatShape({Coordinates.begin(), Coordinates.end()}), ", expected ",
      Count > 1 ? concat("one on each axis of ", describeMesh(*Plan))
                : std::string("none for a plan for one rank"));
}

bool m1::isMeshSymbol(const plan::Plan &Plan, uint32_t Symbol) {
  for (uint32_t I = 0; I < length(Plan.mesh()); ++I)
    if (Plan.mesh()->Get(I)->symbol() == Symbol)
      return true;
  return false;
}

void m1::bindMesh(const plan::Plan &Plan, std::span<const int64_t> Coordinates,
                  std::span<int64_t> Symbols) {
  for (uint32_t I = 0; I < length(Plan.mesh()); ++I)
    Symbols[Plan.mesh()->Get(I)->symbol()] = Coordinates[I];
}

IndexRange m1::heldRange(const plan::ParameterSlice &Slice,
                         int64_t Coordinate) {
  const int64_t Begin =
      std::min(Slice.begin() + Coordinate / Slice.replicas() * Slice.step(),
               Slice.end());
  return {Begin, std::min(Begin + Slice.step(), Slice.end())};
}

std::vector<int64_t> m1::localShape(const plan::Parameter &Parameter) {
  std::vector<int64_t> Shape = shapeOf(Parameter);
  for (uint32_t I = 0; I < length(Parameter.slices()); ++I) {
    const plan::ParameterSlice &Slice = *Parameter.slices()->Get(I);
    Shape[Slice.dimension()] = Slice.step();
  }
  return Shape;
}

uint64_t m1::localBytes(const plan::Parameter &Parameter) {
  return *elementCount(localShape(Parameter)) *
         byteSize(elementType(Parameter.dtype()));
}

std::string_view m1::tensorName(const plan::Parameter &Parameter,
                                std::span<const int64_t> Coordinates) {
  if (Parameter.names_axis() < 0)
    return view(Parameter.name());
  return view(Parameter.names()->GetAsString(static_cast<uint32_t>(
      Coordinates[static_cast<size_t>(Parameter.names_axis())])));
}
