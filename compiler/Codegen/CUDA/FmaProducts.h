//===- FmaProducts.h - products by multiply-adds ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_FMAPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CUDA_FMAPRODUCTS_H

#include "compiler/Codegen/CUDA/ThreadLoops.h"

namespace m1::codegen {

/// Products that matrix units do not compute: of numbers other than bf16, or
/// with sums that have no register layout. Every sum is a chain of fused
/// multiply-adds in ascending k, or one such chain per thread, added in a fixed
/// order.
class FmaProducts {
public:
  FmaProducts(LoweringContext &Context, ThreadBlock &Threads,
              ThreadLoops &Loops)
      : Context(Context), B(Context.B), Eval(Context.Eval), Threads(Threads),
        Loops(Loops) {}

  /// Sums in registers. Warps for which `Used` (null: all) is false compute
  /// nothing.
  void multiplyInRegisters(tile::DotOp Dot, const Access &C, mlir::Value Used);
  /// Sums in shared memory, one thread per sum.
  void multiplyInShared(tile::DotOp Dot, const Access &C, const Extent &E);
  /// Sums in shared memory; each thread sums a part of k for all of them.
  void multiplySplit(tile::DotOp Dot, const Access &C, const Extent &E);

private:
  /// The thread's partial sums of `Rows` rows from `Row0` by all columns.
  llvm::SmallVector<mlir::Value> partialSums(tile::DotOp Dot, mlir::Value Row0,
                                             int64_t Rows);
  /// Row `K` of the right operand, element by element.
  llvm::SmallVector<mlir::Value> rightRow(tile::DotOp Dot, mlir::Value K);

  LoweringContext &Context;
  ScalarBuilder &B;
  Evaluator &Eval;
  ThreadBlock &Threads;
  ThreadLoops &Loops;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_FMAPRODUCTS_H
