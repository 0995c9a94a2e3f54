//===- BlockLowering.h - kernels over blocks to loops -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every target shares in turning a `tile.kernel` into loops. Most block
// values never exist as a whole: a load or an elementwise op is an expression
// that is evaluated a few elements at a time inside the loop that consumes it
// (Evaluator). Only some blocks get memory (Materialization, Materializer).
// BlockLowering walks the kernel's ops in order; what differs between targets
// is behind two interfaces, BlockLoops and TargetLowering.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H
#define M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H

#include "compiler/Codegen/Blocks/Materializer.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <optional>

namespace m1::codegen {

/// How a target lowers what is not a plain loop over elements.
class TargetLowering {
public:
  virtual ~TargetLowering() = default;

  /// The target's materializer for this kernel.
  virtual Materializer &materializer() = 0;
  /// result[i] = combine(init[i], row i of `Source`), where rows are axis 1 of
  /// rank 2, or the only axis of rank 1.
  virtual void reduceRows(mlir::Value Source, const Extent &E,
                          mlir::vector::CombiningKind Kind, mlir::Value Init,
                          const Access &Result) = 0;
  /// C += A B, where `C` holds the accumulator.
  virtual void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) = 0;
  /// Called where the left operand of a product is loaded from `Left`. Returns
  /// the buffer of a copy that is made here, outside the loops around the
  /// product, or none if the product reads `Left` directly.
  virtual std::optional<Access> materializeLeft(tile::DotOp Dot,
                                                const Access &Left) = 0;
  /// Calls `Emit`, whose code has side effects, such that the code runs once
  /// per grid cell.
  virtual void once(llvm::function_ref<void()> Emit) { Emit(); }
  /// Called where control flow enters or leaves a region, and after a read of
  /// memory outside the target's own loops.
  virtual void invalidateBarrier() {}
};

/// Lowers the body of one kernel.
class BlockLowering {
public:
  BlockLowering(LoweringContext &Context, TargetLowering &Target)
      : Context(Context), B(Context.B), Storage(Context.Storage),
        Eval(Context.Eval), Target(Target), Writer(Target.materializer()) {}

  /// Emits the kernel's body at the builder's position. The counterparts of the
  /// kernel's arguments must be in the context's storage: an !llvm.ptr for a
  /// memref, an index otherwise. Fails with a diagnostic on an unknown op.
  llvm::LogicalResult lower();

private:
  llvm::LogicalResult lowerBlock(mlir::Block &Source);
  llvm::LogicalResult lowerOp(mlir::Operation *Op);
  llvm::LogicalResult lowerFor(mlir::scf::ForOp Loop);
  llvm::LogicalResult lowerIf(mlir::scf::IfOp If);
  llvm::LogicalResult
  lowerReduction(mlir::vector::MultiDimReductionOp Reduction);
  void lowerDot(tile::DotOp Dot);
  void lowerExpression(mlir::Value Block);
  void lowerConstant(mlir::arith::ConstantOp Constant);
  void lowerScalarLoad(mlir::memref::LoadOp Load);
  void lowerScalarStore(mlir::memref::StoreOp Store);
  void lowerLoad(mlir::Value Result, const Access &From);
  void lowerStore(mlir::Value Value, const Access &To);

  /// The memory that a tile.load or tile.store accesses.
  template <typename Op> Access accessOf(Op LoadOrStore);
  /// The memory that a tile.gather or tile.scatter accesses.
  template <typename Op> Access rowAccessOf(Op GatherOrScatter);
  /// The one element that a memref.load or memref.store accesses.
  Access elementAccess(mlir::Value MemRef, mlir::ValueRange Indices);
  llvm::SmallVector<mlir::Value> scalars(mlir::ValueRange Values) const;
  void yieldScalars(mlir::scf::YieldOp Yield);

  LoweringContext &Context;
  ScalarBuilder &B;
  BlockStorage &Storage;
  Evaluator &Eval;
  TargetLowering &Target;
  Materializer &Writer;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H
