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
#include <limits>
#include <map>

using namespace llvm;
using namespace m1;

FailureOr<int64_t> m1::alignedEnd(int64_t Offset, int64_t Bytes,
                                  int64_t Alignment) {
  int64_t End;
  if (AddOverflow(Offset, Bytes, End) ||
      End > std::numeric_limits<int64_t>::max() - (Alignment - 1))
    return failure();
  return alignTo(End, Alignment);
}

FailureOr<int64_t> m1::assignOffsets(MutableArrayRef<LiveRange> Ranges,
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
      if (R->Bytes <= Start - R->Offset)
        break;
      R->Offset = std::max<int64_t>(R->Offset, alignTo(End, Alignment));
    }
    FailureOr<int64_t> End = alignedEnd(R->Offset, R->Bytes, Alignment);
    if (failed(End))
      return failure();
    Total = std::max(Total, *End);
  }
  return Total;
}
