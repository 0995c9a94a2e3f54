//===- Materialization.h - which blocks get memory --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZATION_H
#define M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZATION_H

#include "dialects/Tile/IR/Tile.h"

namespace m1::codegen {

/// Decides which blocks of a kernel are materialised, in memory or registers:
/// products, reductions, blocks that loops carry or ifs choose, loads from
/// memory that changes before their last use, tables of constants, and
/// expensive expressions that several users would otherwise recompute. All
/// others are evaluated where they are used.
class Materialization {
public:
  bool isMaterialized(mlir::Value Block);

  /// True for loads and gathers that are read where their elements are used.
  bool isLazyLoad(mlir::Value Block);

  /// The store of a block that a loop carries, `Carried`, to the memory that it
  /// was loaded from before the loop, if the loop does nothing with the block
  /// but add products to it, and nothing else accesses the memory meanwhile.
  /// Then the block needs no buffer: products are added in the memory. Null
  /// otherwise, and on GPUs.
  static tile::StoreOp storeOfSums(mlir::BlockArgument Carried);
  /// True for a product that is added to a block that a loop carries and that
  /// is used for nothing else, and whose result the loop carries on.
  static bool addsToCarried(tile::DotOp Dot);

  /// True for ops that compute each element from single elements of their
  /// operands.
  static bool isTransparent(mlir::Operation *Op);

private:
  bool compute(mlir::Value Block);
  /// True for an expression that should not be recomputed at each use.
  bool isExpensive(mlir::Value Block);

  llvm::DenseMap<mlir::Value, bool> Known;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZATION_H
