//===- PackedWeights.h - weights of products in panels ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_PACKEDWEIGHTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_PACKEDWEIGHTS_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// A weight [N, K] as products read it: in panels of `Panel` columns, [panels,
/// K, panel], or [panels, K / 2, panel, 2] with `Pairs`; columns past N are
/// zero.
struct PackedLayout {
  int64_t Panels, K, Panel;
  bool Pairs;

  PackedLayout(int64_t N, int64_t K, int64_t Panel, bool Pairs);
  /// Of a packed weight's memory without its axis of experts.
  explicit PackedLayout(llvm::ArrayRef<int64_t> Shape);
  llvm::SmallVector<int64_t> shape() const;
};

/// Whether the target's matrix units multiply rows of element type `X` by a
/// weight of `W` with leaves of `Leaf` terms, and read the weight's rows in
/// pairs.
bool usesPairs(const Blocking &Blocks, mlir::Type X, mlir::Type W,
               int64_t Leaf);

/// The block [K, panel] of a packed weight. `Where` is the panel's number,
/// preceded by the expert's if the weight has an axis of experts.
mlir::Value loadPanel(KernelBody &B, mlir::Value W, mlir::ValueRange Where);
/// `Count` rows of that block, from row `First` on.
mlir::Value loadPanelRows(KernelBody &B, mlir::Value W, mlir::ValueRange Where,
                          int64_t First, int64_t Count);

/// The number of columns below `N` in the panel that starts at column `First`;
/// null if all panels are full.
mlir::Value columnsOf(KernelBody &B, mlir::Value First, int64_t Panel,
                      int64_t N);

/// Runs `Body` on the number of each panel in the group of cell coordinate y,
/// out of `Panels`.
void forPanelsOfCell(KernelBody &B, int64_t Panels,
                     llvm::function_ref<void(mlir::Value Panel)> Body);

/// Packs a weight, and widens it where `packed` has a wider element type. Grid:
/// panels.
KernelDeclaration packKernel();
/// The same for the transposes of E weights [N, K]. Grid: packTransposedCells,
/// 1, E.
KernelDeclaration packTransposedKernel();
int64_t packTransposedCells(int64_t N, int64_t Panels, const Blocking &Blocks);

/// Copies rows to another element type. Grid: blocks of few rows.
KernelDeclaration convertKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_PACKEDWEIGHTS_H
