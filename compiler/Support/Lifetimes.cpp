//===- Lifetimes.cpp - memory for things that live by turns ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/Lifetimes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace llvm;
using namespace m1;

int64_t m1::placeByLifetime(MutableArrayRef<Lifetime> Lives,
                            int64_t Alignment) {
  // The largest first, each at the lowest place that is free for its life.
  SmallVector<Lifetime *> BySize(make_pointer_range(Lives));
  sort(BySize, [](Lifetime *A, Lifetime *B) {
    return A->Bytes != B->Bytes ? A->Bytes > B->Bytes : A < B;
  });
  int64_t Total = 0;
  for (auto [Number, L] : enumerate(BySize)) {
    std::map<int64_t, int64_t> Taken; // start to end, of lives that overlap
    for (Lifetime *Other : ArrayRef(BySize).take_front(Number))
      if (Other->First <= L->Last && L->First <= Other->Last) {
        int64_t &End = Taken[Other->Offset];
        End = std::max(End, Other->Offset + Other->Bytes);
      }
    L->Offset = 0;
    for (auto [Start, End] : Taken) {
      if (L->Offset + L->Bytes <= Start)
        break;
      L->Offset = std::max<int64_t>(L->Offset, alignTo(End, Alignment));
    }
    Total = std::max<int64_t>(Total, alignTo(L->Offset + L->Bytes, Alignment));
  }
  return Total;
}
