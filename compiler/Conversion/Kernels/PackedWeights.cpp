//===- PackedWeights.cpp - weights of products in panels ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/PackedWeights.h"

using namespace mlir;
using namespace m1;

PackedLayout::PackedLayout(int64_t N, int64_t K, int64_t Panel, bool Pairs)
    : Panels(llvm::divideCeil(N, Panel)), K(K), Panel(Panel), Pairs(Pairs) {}

PackedLayout::PackedLayout(ArrayRef<int64_t> Shape)
    : Panels(Shape[0]), K(Shape[1]), Panel(Shape[2]), Pairs(Shape.size() == 4) {
  if (Pairs)
    K *= 2;
}

SmallVector<int64_t> PackedLayout::shape() const {
  if (Pairs)
    return {Panels, K / 2, Panel, 2};
  return {Panels, K, Panel};
}

bool m1::usesPairs(const Blocking &Blocks, Type X, Type W, int64_t Leaf) {
  return Blocks.Unit && Blocks.Unit.getRightRowsTogether() == 2 &&
         Blocks.Unit.multiplies(X, W, Float32Type::get(X.getContext()), Leaf);
}

/// The axes of a panel's rows and columns in memory, after `Leading` others.
static SmallVector<int64_t> panelDims(int64_t Leading) {
  return {Leading, Leading + 1};
}

/// The layout of a packed weight that is read at `Where`.
static PackedLayout layoutOf(Value W, ValueRange Where) {
  return PackedLayout(
      cast<MemRefType>(W.getType()).getShape().drop_front(Where.size() - 1));
}

Value m1::loadPanel(KernelBody &B, Value W, ValueRange Where) {
  return loadPanelRows(B, W, Where, 0, layoutOf(W, Where).K);
}

Value m1::loadPanelRows(KernelBody &B, Value W, ValueRange Where, int64_t First,
                        int64_t Count) {
  auto Type = cast<MemRefType>(W.getType());
  const PackedLayout Layout = layoutOf(W, Where);
  SmallVector<Value> Indices(Where);
  Indices.push_back(B.index(Layout.Pairs ? First / 2 : First));
  Indices.resize(Type.getRank(), B.index(0));
  return B.create<tile::LoadOp>(
      B.block({Count, Layout.Panel}, Type.getElementType()), W, Indices,
      Value(), Value(), panelDims(Where.size()), Layout.Pairs);
}

Value m1::columnsOf(KernelBody &B, Value First, int64_t Panel, int64_t N) {
  if (N % Panel == 0)
    return {};
  return B.smaller(B.index(Panel), B.minus(B.index(N), First));
}

void m1::forPanelsOfCell(KernelBody &B, int64_t Panels,
                         llvm::function_ref<void(Value Panel)> Body) {
  const int64_t Count = B.Blocks.PanelsPerCell;
  Value From = B.times(B.Y, Count);
  Value To = B.smaller(B.plus(From, B.index(Count)), B.index(Panels));
  B.loop(From, To, [&](Value Panel) { Body(Panel); });
}

static void buildPack(KernelBody &B) {
  const int64_t N = B.extent("N"), K = B.extent("K");
  const PackedLayout To(B.memory("packed").getShape());
  const int64_t Panel = To.Panel;
  Value First = B.times(B.X, Panel);
  Value Zero = B.index(0);
  Value Rows = columnsOf(B, First, Panel, N);
  Value W = B.load(B["source"], {First, Zero}, {0, 1}, {Panel, K}, Rows);
  SmallVector<Value> Where(To.shape().size(), Zero);
  Where[0] = B.X;
  // Rounded first: a store transposes vectors only if nothing comes between.
  Value Rounded = B.rounded(W, B.memory("packed").getElementType());
  // All other weights are packed, or read, before this one is read again.
  B.create<tile::StoreOp>(B.transposed(Rounded), B["packed"], Where, Value(),
                          Value(), panelDims(1), To.Pairs, /*streamed=*/true);
}

KernelDeclaration m1::packKernel() {
  return {"pack",
          {{"source", "[N, K]"}, {"packed", "a PackedLayout"}},
          {},
          buildPack};
}

KernelDeclaration m1::convertKernel() {
  return {"convert",
          {{"source", "[R, N]"}, {"result", "[R, N]"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows;
            Value First = B.times(B.X, M), Zero = B.index(0);
            Value Rows =
                B.smaller(B.index(M), B.minus(B.index(B.extent("R")), First));
            Value Block = B.load(B["source"], {First, Zero}, {0, 1},
                                 {M, B.extent("N")}, Rows);
            B.store(Block, B["result"], {First, Zero}, {0, 1}, Rows);
          }};
}

/// Rows of a matrix of `N` that a cell packs the transposes of, for all panels;
/// 0: a cell packs a panel, of all rows.
static int64_t transposedRows(int64_t N, const Blocking &Blocks) {
  return Blocks.TransposedRows && N % Blocks.TransposedRows == 0
             ? Blocks.TransposedRows
             : 0;
}

int64_t m1::packTransposedCells(int64_t N, int64_t Panels,
                                const Blocking &Blocks) {
  const int64_t Rows = transposedRows(N, Blocks);
  return Rows ? N / Rows : Panels;
}

static void buildPackTransposed(KernelBody &B) {
  const int64_t N = B.extent("N"), K = B.extent("K");
  const PackedLayout To(B.memory("packed").getShape().drop_front());
  Value Zero = B.index(0);
  auto PackRows = [&](Value FirstRow, int64_t Rows, Value Panel) {
    Value First = B.times(Panel, To.Panel);
    Value Columns = columnsOf(B, First, To.Panel, K);
    Value W = B.load(B["source"], {B.Z, FirstRow, First}, {1, 2},
                     {Rows, To.Panel}, Value(), Columns);
    // Transposed blocks are copied element by element, as vectors may reach
    // past the last column.
    if (Columns)
      W = B.transposed(B.transposed(W));
    SmallVector<Value> Where(B.memory("packed").getRank(), Zero);
    Where[0] = B.Z;
    Where[1] = Panel;
    Where[2] = To.Pairs ? B.over(FirstRow, 2) : FirstRow;
    B.create<tile::StoreOp>(B.rounded(W, B.memory("packed").getElementType()),
                            B["packed"], Where, Value(), Value(), panelDims(2),
                            To.Pairs);
  };
  const int64_t Rows = transposedRows(N, B.Blocks);
  if (Rows == 0)
    return PackRows(Zero, N, B.X);
  // A few rows are one stream from memory; the column of a panel is not.
  B.loop(Zero, B.index(To.Panels),
         [&](Value Panel) { PackRows(B.times(B.X, Rows), Rows, Panel); });
}

KernelDeclaration m1::packTransposedKernel() {
  return {"pack_transposed",
          {{"source", "[E, N, K]"}, {"packed", "packed, transposed [E, N, K]"}},
          {},
          buildPackTransposed};
}
