//===- Spread.cpp - blocks in the registers of a thread block -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Spread.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

const Spread *Spreads::of(llvm::ArrayRef<int64_t> Shape) {
  const int64_t Rows = Shape[0], Cols = Shape.size() == 2 ? Shape[1] : 0;
  auto [It, IsNew] = Known.try_emplace({Rows, Cols});
  Spread &Result = It->second;
  if (IsNew && Rows % Spread::kTileRows == 0 && Cols % Spread::kTileCols == 0) {
    const int64_t Down = Rows / Spread::kTileRows;
    const int64_t Across = Cols / Spread::kTileCols;
    // As many warps above each other as there are rows of tiles for: they share
    // nothing but the right side of products.
    int64_t WarpsDown = Spread::kWarps;
    while (Down % WarpsDown != 0)
      WarpsDown /= 2;
    const int64_t WarpsAcross = Spread::kWarps / WarpsDown;
    if (Cols ? Across % WarpsAcross == 0 : WarpsAcross == 1) {
      Result.WarpsDown = WarpsDown;
      Result.WarpsAcross = WarpsAcross;
      Result.Rows = Rows;
      Result.Cols = Cols;
      if (Cols && WarpsAcross == 1)
        Result.OfRows = of({Rows});
      if (Result.slots() > Spread::kMostSlots)
        Result.Rows = 0;
    }
  }
  return Result.Rows ? &Result : nullptr;
}

const Spread *Spreads::assigned(Value Block) {
  const bool IsCarried = isa<BlockArgument>(Block);
  Operation *Owner =
      IsCarried ? Block.getParentBlock()->getParentOp() : Block.getDefiningOp();
  // A loop's first argument is its variable.
  unsigned Number = IsCarried ? cast<BlockArgument>(Block).getArgNumber() - 1
                              : cast<OpResult>(Block).getResultNumber();
  auto Layouts = Owner->getAttrOfType<ArrayAttr>(kLayoutsAttr);
  if (!Layouts || !isa<tile::SpreadAttr>(Layouts[Number]))
    return nullptr;
  return of(cast<VectorType>(Block.getType()).getShape());
}
