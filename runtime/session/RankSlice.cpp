//===- RankSlice.cpp - what a rank reads of a tensor ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/RankSlice.h"

using namespace m1;

RankSlice::RankSlice(const plan::Parameter &Parameter,
                     std::span<const int64_t> Coordinates) {
  for (int64_t Extent : shapeOf(Parameter))
    Dimensions.push_back({Extent, Extent, {0, Extent}});
  for (uint32_t I = 0; I < length(Parameter.slices()); ++I) {
    const plan::ParameterSlice &Slice = *Parameter.slices()->Get(I);
    Dimension &D = Dimensions[Slice.dimension()];
    D.Local = Slice.step();
    D.Held = heldRange(Slice, Coordinates[Slice.axis()]);
  }
}

size_t RankSlice::cut() const {
  size_t Cut = Dimensions.size();
  while (Cut > 0 && Dimensions[Cut - 1].isWhole())
    --Cut;
  return Cut;
}

int64_t RankSlice::size() const {
  int64_t Count = 1;
  for (const Dimension &D : Dimensions)
    Count *= D.Local;
  return Count;
}

int64_t RankSlice::held() const {
  int64_t Count = 1;
  for (const Dimension &D : Dimensions)
    Count *= D.Held.End - D.Held.Begin;
  return Count;
}

std::optional<int64_t> RankSlice::range() const {
  if (held() != size())
    return std::nullopt;
  const size_t Cut = cut();
  int64_t Begin = 0;
  for (size_t I = 0; I < Dimensions.size(); ++I) {
    const Dimension &D = Dimensions[I];
    // Before the last dimension that is cut, one index is a range.
    if (I + 1 < Cut && D.Local != 1)
      return std::nullopt;
    Begin = Begin * D.Extent + D.Held.Begin;
  }
  return Begin;
}

void RankSlice::forEachRun(const Visitor &Visit) const {
  if (held() == 0)
    return;
  const size_t Cut = cut();
  int64_t Inner = 1; // elements of one index of the last dimension that is cut
  for (size_t I = Cut; I < Dimensions.size(); ++I)
    Inner *= Dimensions[I].Extent;
  if (Cut == 0)
    return Visit(0, 0, Inner);
  const Dimension &Last = Dimensions[Cut - 1];
  const int64_t Count = (Last.Held.End - Last.Held.Begin) * Inner;
  std::vector<int64_t> Index(Cut - 1); // in the part
  while (true) {
    int64_t From = 0, To = 0;
    for (size_t I = 0; I + 1 < Cut; ++I) {
      From = From * Dimensions[I].Extent + Dimensions[I].Held.Begin + Index[I];
      To = To * Dimensions[I].Local + Index[I];
    }
    Visit((From * Last.Extent + Last.Held.Begin) * Inner,
          To * Last.Local * Inner, Count);
    size_t I = Cut - 1;
    while (I > 0 && ++Index[I - 1] == Dimensions[I - 1].Held.End -
                                          Dimensions[I - 1].Held.Begin)
      Index[--I] = 0;
    if (I == 0)
      return;
  }
}
