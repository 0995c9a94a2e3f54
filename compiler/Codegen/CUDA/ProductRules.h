//===- ProductRules.h - how products can be computed ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_PRODUCTRULES_H
#define M1C_COMPILER_CODEGEN_CUDA_PRODUCTRULES_H

#include "compiler/Codegen/Blocks/Materialization.h"
#include "compiler/Codegen/CUDA/RegisterLayouts.h"
#include "dialects/Tile/IR/MatrixUnits.h"

namespace m1::codegen {

/// The attribute of a tile.dot with its #tile.product.
inline constexpr llvm::StringLiteral kProductAttr = "tile.product";

/// The extent of k of a product.
inline int64_t depthOf(tile::DotOp Dot) {
  return Dot.getA().getType().getDimSize(1);
}

/// The extent of k of each of a product's leaves. What decides how a product is
/// computed is this, not the whole extent, of which a rank may have a part.
inline int64_t leafDepthOf(tile::DotOp Dot) {
  return depthOf(Dot) / static_cast<int64_t>(Dot.getLeaves());
}

/// The most sums that a thread keeps of a `split` product.
inline constexpr int64_t kMaxSplitSums = 64;

/// Answers, for the products of a kernel with register layouts, which methods
/// and operand sources `tile-to-gpu` can lower. `tile-assign-products` chooses
/// among them.
class ProductRules {
public:
  ProductRules(tile::KernelOp Kernel, tile::TargetAttr Target);

  /// Fails with a diagnostic if the dot's `tile.product` is missing or cannot
  /// be lowered.
  llvm::LogicalResult verify(tile::DotOp Dot);

  bool canUseMatrixUnit(tile::DotOp Dot);
  bool canSplit(tile::DotOp Dot);
  /// True for loads and gathers of bf16 whose rows are whole, aligned chunks.
  bool canStage(mlir::Value Block);
  /// True for blocks that `ldmatrix` can read from shared memory.
  static bool canBeInShared(mlir::Value Block);
  /// True for a left operand in registers that has the rows of the sums.
  bool isLeftInRegisters(tile::DotOp Dot);
  /// True for a left operand that stays in shared memory from its load on.
  bool isResident(mlir::Value Block) const { return Resident.contains(Block); }
  const RegisterLayout *sums(tile::DotOp Dot) {
    return Layouts.assigned(Dot.getResult());
  }
  /// True for a block with a buffer in shared memory.
  bool isMaterializedInShared(mlir::Value Block) {
    return Materialized.isMaterialized(Block) && !Layouts.assigned(Block);
  }

private:
  /// True for a product in a loop or branch whose left operand is defined
  /// outside of it and fits shared memory.
  bool isReused(tile::DotOp Dot);
  llvm::LogicalResult verifyMatrix(tile::DotOp Dot, tile::ProductAttr Product);
  llvm::LogicalResult verifyStages(tile::DotOp Dot, tile::ProductAttr Product);

  int64_t Threads;
  tile::MatrixUnitAttrInterface Unit; // null: the target has none
  Materialization Materialized;
  RegisterLayouts Layouts;
  llvm::DenseSet<mlir::Value> Resident;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_PRODUCTRULES_H
