//===- Share.h - the sequences of one data coordinate -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_SHARE_H
#define M1C_RUNTIME_SESSION_SHARE_H

#include <cstddef>
#include <vector>

namespace m1 {

/// The sequences of a run that one coordinate of the mesh's axis `data`
/// computes: `First` and every `Step`-th one after it. By default all.
struct Share {
  size_t First = 0, Step = 1;

  /// How many there are among `Total`.
  size_t size(size_t Total) const {
    return Total > First ? (Total - First - 1) / Step + 1 : 0;
  }
  /// The number in the run of the share's sequence `Index`.
  size_t number(size_t Index) const { return First + Index * Step; }
  /// The share's part of `All`, in order.
  template <typename T> std::vector<T> of(const std::vector<T> &All) const {
    std::vector<T> Result;
    for (size_t I = First; I < All.size(); I += Step)
      Result.push_back(All[I]);
    return Result;
  }
};

} // namespace m1

#endif // M1C_RUNTIME_SESSION_SHARE_H
