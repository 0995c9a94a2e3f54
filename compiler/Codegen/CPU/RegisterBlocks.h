//===- RegisterBlocks.h - products in blocks of registers -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_REGISTERBLOCKS_H
#define M1C_COMPILER_CODEGEN_CPU_REGISTERBLOCKS_H

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

/// Products in blocks of sums that fill the vector registers. K ascends; no sum
/// depends on how many rows or columns there are.
class RegisterBlocks {
public:
  /// `Lanes` f32 elements in each of `Registers` vector registers.
  RegisterBlocks(LoweringContext &Context, int64_t Lanes, int64_t Registers)
      : B(Context.B), Eval(Context.Eval), Lanes(Lanes), Registers(Registers) {}
  virtual ~RegisterBlocks() = default;

  void multiply(const HostProduct &P);

protected:
  /// Sums, one after the other, row by row; given those before a step and the
  /// number of the step, those after it.
  using Step = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  /// A part of the sums: `Rows` rows from `Row` by `Vectors` vectors of `Width`
  /// columns from `Col`.
  struct Part {
    mlir::Value Row, Col;
    int64_t Rows, Vectors, Width;
  };

  /// Adds all terms to a part of the sums.
  virtual void multiplyPart(const HostProduct &P, const Part &Sums) = 0;
  /// Loads a part of the sums, runs `Steps` steps and stores it.
  void accumulate(const HostProduct &P, const Part &Sums, mlir::Value Steps,
                  Step Body);

  ScalarBuilder &B;
  Evaluator &Eval;

private:
  /// `Rows` rows from `Row` by all columns.
  void multiplyRows(const HostProduct &P, mlir::Value Row, int64_t Rows);

  const int64_t Lanes, Registers;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_REGISTERBLOCKS_H
