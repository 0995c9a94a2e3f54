//===- RowReductions.h - reductions of rows ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_ROWREDUCTIONS_H
#define M1C_COMPILER_CODEGEN_CUDA_ROWREDUCTIONS_H

#include "compiler/Codegen/Blocks/LoweringContext.h"
#include "compiler/Codegen/CUDA/ThreadBlock.h"

namespace m1::codegen {

/// A reduction along the last axis: result[i] = combine(init[i], row i).
struct RowReduction {
  mlir::Value Source;
  Extent E; // the rows that are reduced
  mlir::vector::CombiningKind Kind;
  mlir::Value Init; // a scalar, or a value for each row
  Access Result;
};

/// Reductions of rows by a thread block. The reduction order depends on the
/// block's shape and layout alone.
class RowReductions {
public:
  RowReductions(LoweringContext &Context, ThreadBlock &Threads,
                RegisterLayouts &Layouts)
      : Context(Context), B(Context.B), Eval(Context.Eval), Threads(Threads),
        Layouts(Layouts) {}

  void reduce(const RowReduction &R);

private:
  /// Rows in registers: a thread's own columns, then the lanes of a row.
  void reduceRegisters(const RowReduction &R, const RegisterLayout &L);
  /// One warp per row. Without `Shuffles`, every lane reduces the whole row.
  void reduceByWarp(const RowReduction &R, bool Shuffles);
  /// All threads per row: lanes, then warps in order.
  void reduceByBlock(const RowReduction &R);
  /// Combines the columns From, From + Step, ... below To of a row.
  mlir::Value alongRow(const RowReduction &R, mlir::Value Row, mlir::Value From,
                       int64_t To, int64_t Step);
  mlir::Value rowsOf(const Extent &E) {
    return E.Rows ? E.Rows : B.index(E.RowCount);
  }

  LoweringContext &Context;
  ScalarBuilder &B;
  Evaluator &Eval;
  ThreadBlock &Threads;
  RegisterLayouts &Layouts;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_ROWREDUCTIONS_H
