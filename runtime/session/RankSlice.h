//===- RankSlice.h - what a rank reads of a tensor --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_RANKSLICE_H
#define M1C_RUNTIME_SESSION_RANKSLICE_H

#include "runtime/plan/Mesh.h"

#include <functional>
#include <optional>
#include <vector>

namespace m1 {

/// A rank's part of a parameter. Offsets and sizes count elements.
class RankSlice {
public:
  RankSlice(const plan::Parameter &Parameter,
            std::span<const int64_t> Coordinates);

  /// Where the part begins in the tensor, if it is one range of it and has no
  /// zeros at its end.
  std::optional<int64_t> range() const;
  /// The number of elements, zeros included, and without them.
  int64_t size() const;
  int64_t held() const;

  /// Calls `Visit` with each run of elements that are neighbours in the tensor
  /// and in the part: their offsets there, and their number. All others in the
  /// part are zeros.
  using Visitor = std::function<void(int64_t From, int64_t To, int64_t Count)>;
  void forEachRun(const Visitor &Visit) const;

private:
  struct Dimension {
    int64_t Extent; ///< of the tensor
    int64_t Local;  ///< of the part, zeros included
    IndexRange Held;
    bool isWhole() const {
      return Held.Begin == 0 && Held.End == Extent && Local == Extent;
    }
  };
  /// The number of dimensions before those that are whole at the end.
  size_t cut() const;

  std::vector<Dimension> Dimensions;
};

} // namespace m1

#endif // M1C_RUNTIME_SESSION_RANKSLICE_H
