//===- ThreadLowering.h - kernels to loops for a thread block ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_THREADLOWERING_H
#define M1C_COMPILER_CODEGEN_CUDA_THREADLOWERING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"

namespace m1::codegen {

/// A block of threads computes a cell. Each thread takes every n-th element of
/// a block; blocks that need memory lie in shared memory, and a barrier follows
/// each loop, so that the next may read what any thread wrote.
class ThreadLowering final : public BlockLowering {
public:
  /// `Thread` is the thread's number in its block of `Threads`, as an index;
  /// `Shared` points to the block's dynamic shared memory.
  ThreadLowering(tile::KernelOp Kernel, mlir::OpBuilder &B, mlir::Value Thread,
                 int64_t Threads, mlir::Value Shared)
      : BlockLowering(Kernel, B), Thread(Thread), Threads(Threads),
        Shared(Shared) {}

protected:
  void forEach(mlir::Location Loc, const Extent &E, bool Vectorize,
               Body Emit) override;
  void reduceRows(mlir::Location Loc, mlir::Value Source, const Extent &E,
                  mlir::vector::CombiningKind Kind, mlir::Value Init,
                  const Access &Result) override;
  void lowerDot(tile::DotOp Dot, const Access &A, const Access &Bm,
                const Access &C, const Extent &E, int64_t K,
                mlir::Value Inner) override;
  mlir::Type operandType(tile::DotOp Dot, bool Left) const override;
  bool readsInPlace(tile::DotOp Dot, const Access &Operand,
                    bool Left) const override;
  mlir::Value scratchPointer(int64_t Offset) override;
  void once(mlir::Location Loc, llvm::function_ref<void()> Emit) override;

private:
  /// Calls `Emit` for this thread's share of 0 <= i < Count, then waits for all
  /// threads.
  void share(mlir::Location Loc, mlir::Value Count,
             llvm::function_ref<void(mlir::Value)> Emit);
  mlir::Value rowsOf(const Extent &E) {
    return E.Rows ? E.Rows : constantIndex(E.RowCount);
  }

  mlir::Value Thread;
  int64_t Threads;
  mlir::Value Shared;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_THREADLOWERING_H
