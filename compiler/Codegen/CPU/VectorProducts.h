//===- VectorProducts.h - products by vector multiply-adds ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H

#include "compiler/Codegen/Blocks/LoweringContext.h"

namespace m1::codegen {

/// The operands of a product [M, K] [K, N] on a CPU, as they are read.
struct HostProduct {
  Access Left, Right; // [M, K] and [K, N]
  Access Sums;        // [M, N], the accumulator and the result
  Extent E;           // the part of the sums that is computed
  int64_t K = 0;
  /// The terms past this number are zero.
  mlir::Value Depth;
};

/// Products by fused multiply-adds of vectors, in blocks of sums that fill the
/// vector registers. K ascends; no sum depends on how many rows there are.
class VectorProducts {
public:
  /// `Lanes` f32 elements in each of `Registers` vector registers.
  VectorProducts(LoweringContext &Context, int64_t Lanes, int64_t Registers)
      : B(Context.B), Eval(Context.Eval), Lanes(Lanes), Registers(Registers) {}

  void multiply(const HostProduct &P);

private:
  /// `Rows` rows from `Row` by all columns, for k below `Depth`.
  void multiplyRows(const HostProduct &P, mlir::Value Row, int64_t Rows,
                    mlir::Value Depth);
  /// `Rows` rows from `Row` by `Vectors` vectors of `Width` columns from `Col`.
  void multiplyBlock(const HostProduct &P, mlir::Value Row, mlir::Value Col,
                     int64_t Rows, int64_t Vectors, int64_t Width,
                     mlir::Value Depth);

  ScalarBuilder &B;
  Evaluator &Eval;
  int64_t Lanes, Registers;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_VECTORPRODUCTS_H
