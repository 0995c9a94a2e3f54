//===- Products.h - how a thread block computes products --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_PRODUCTS_H
#define M1C_COMPILER_CODEGEN_CUDA_PRODUCTS_H

#include "compiler/Codegen/Blocks/Demand.h"
#include "compiler/Codegen/Blocks/Keeping.h"
#include "compiler/Codegen/CUDA/RegisterLayout.h"

namespace m1::codegen {

/// Of a tile.dot: its tile.product.
inline constexpr llvm::StringLiteral kProductAttr = "tile.product";

/// k of one multiplication of the matrix units.
inline constexpr int64_t kUnitDepth = 16;

/// Sums that a thread keeps of a product that is `split`.
inline constexpr int64_t kMostSplitSums = 64;

/// What staging may take.
struct StagingLimits {
  int64_t Depth = 64; // k of a tile at most
  int64_t Stages = 4; // tiles under way at most, and at least two
  /// Of shared memory for a ring. A processor of an A100 has 164 KiB for its
  /// thread blocks together, of an H100 228.
  int64_t Bytes = 64 << 10;
};

/// Chooses how each product of a kernel is computed, given its layouts: what
/// multiplies, where each side is found, in which tiles it gets there.
class Products {
public:
  Products(tile::KernelOp Kernel, const StagingLimits &Limits);

  tile::ProductAttr choose(tile::DotOp Dot);
  /// Fails with a diagnostic if the dot's tile.product is missing or cannot be
  /// lowered.
  llvm::LogicalResult check(tile::DotOp Dot);

private:
  bool canUseUnits(tile::DotOp Dot);
  bool canSplit(tile::DotOp Dot);
  /// True for loads of bf16 whose rows are whole chunks.
  bool canStage(mlir::Value Block);
  static bool canLieInShared(mlir::Value Block);
  /// True if evaluating `Block` reads a spread block's registers.
  bool reachesHeld(mlir::Value Block);
  /// True for a left side in registers that has the accumulators' rows.
  bool isInRegisters(tile::DotOp Dot);
  /// True for a left side that a loop multiplies again and again, and that is
  /// worth a place in shared memory.
  bool repeats(tile::DotOp Dot);
  tile::OperandSource sourceOfLeft(tile::DotOp Dot);
  static tile::OperandAttr staged(mlir::MLIRContext *Context, int64_t Cols);

  StagingLimits Limits;
  Demand Demanded;
  Keeping Keep;
  int64_t Threads;
  RegisterLayouts Known;
  /// Loads that stay in shared memory since a product wants them so.
  llvm::DenseSet<mlir::Value> Resident;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_PRODUCTS_H
