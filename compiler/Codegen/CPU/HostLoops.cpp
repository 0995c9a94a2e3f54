//===- HostLoops.cpp - loops over blocks on a CPU -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLoops.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void HostLoops::forEachRow(const Extent &E,
                           llvm::function_ref<void(Value)> Emit) {
  if (!E.Rows && E.RowCount == 1)
    return Emit(B.index(0));
  B.loop(B.index(0), E.Rows ? E.Rows : B.index(E.RowCount), Emit);
}

void HostLoops::forEach(Value, const Access &, const Extent &E, bool Vectorize,
                        Body Emit) {
  const int64_t Most = Vectorize ? Lanes : 1;
  auto EmitAt = [&](Value Row, Value Col, int64_t Width) {
    Emit({Row, Col, Width, /*Alignment=*/1, &E});
  };
  forEachRow(E, [&](Value Row) {
    if (E.Cols) {
      // Whole vectors, then single elements.
      Value Main = B.index(0);
      if (Most > 1) {
        Main = B.times(B.over(E.Cols, Most), Most);
        B.loop(
            B.index(0), Main, [&](Value Col) { EmitAt(Row, Col, Most); }, Most);
      }
      B.loop(Main, E.Cols, [&](Value Col) { EmitAt(Row, Col, 1); });
      return;
    }
    // Whole vectors, then vectors of half the width, a quarter, ...
    const int64_t Main = E.ColCount / Most * Most;
    if (Main == Most)
      EmitAt(Row, B.index(0), Most);
    else if (Main > 0)
      B.loop(
          B.index(0), B.index(Main), [&](Value Col) { EmitAt(Row, Col, Most); },
          Most);
    for (int64_t Col = Main, Width = Most / 2; Col < E.ColCount; Width /= 2)
      if (Col + Width <= E.ColCount) {
        EmitAt(Row, B.index(Col), Width);
        Col += Width;
      }
  });
}
