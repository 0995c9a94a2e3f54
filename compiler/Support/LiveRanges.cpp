//===- LiveRanges.cpp - offsets by live range -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/LiveRanges.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace llvm;
using namespace m1;

int64_t m1::assignOffsets(MutableArrayRef<LiveRange> Ranges,
                          int64_t Alignment) {
  // Largest first, each at the lowest offset that is free during its live
  // range.
  SmallVector<LiveRange *> BySize(make_pointer_range(Ranges));
  sort(BySize, [](LiveRange *A, LiveRange *B) {
    return A->Bytes != B->Bytes ? A->Bytes > B->Bytes : A < B;
  });
  int64_t Total = 0;
  for (auto [Number, R] : enumerate(BySize)) {
    std::map<int64_t, int64_t> Taken; // start to end, of overlapping ranges
    for (LiveRange *Other : ArrayRef(BySize).take_front(Number))
      if (Other->First <= R->Last && R->First <= Other->Last) {
        int64_t &End = Taken[Other->Offset];
        End = std::max(End, Other->Offset + Other->Bytes);
      }
    R->Offset = 0;
    for (auto [Start, End] : Taken) {
      if (R->Offset + R->Bytes <= Start)
        break;
      R->Offset = std::max<int64_t>(R->Offset, alignTo(End, Alignment));
    }
    Total = std::max<int64_t>(Total, alignTo(R->Offset + R->Bytes, Alignment));
  }
  return Total;
}
