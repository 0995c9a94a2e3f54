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
  /// The sums are in memory that this cell has not read before.
  bool IsFarSums = false;
  Extent E; // the part of the sums that is computed
  int64_t K = 0;
  /// The terms past this number are zero; K with more than one leaf.
  mlir::Value Depth;
  /// Chains of K / Leaves terms are joined by the tree. With more than one, the
  /// accumulator is zero.
  int64_t Leaves = 1;
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
    int64_t count() const { return Rows * Vectors; }
  };

  /// Adds all terms to a part of the sums.
  virtual void multiplyPart(const HostProduct &P, const Part &Sums) = 0;
  /// Computes a part of the sums in steps that add `Terms` terms each.
  void accumulate(const HostProduct &P, const Part &Sums, int64_t Terms,
                  Step Body);

  ScalarBuilder &B;
  Evaluator &Eval;

private:
  /// `Rows` rows from `Row` by all columns.
  void multiplyRows(const HostProduct &P, mlir::Value Row, int64_t Rows);
  /// Asks for the part of the sums below that part.
  void prefetchBelow(const HostProduct &P, const Part &Sums);
  /// A part of the sums, all `Number`.
  llvm::SmallVector<mlir::Value> constants(const HostProduct &P,
                                           const Part &Sums, double Number);
  /// The sums of a leaf of `Steps` steps, of which `First` is the first.
  llvm::SmallVector<mlir::Value> sumLeaf(const HostProduct &P, const Part &Sums,
                                         mlir::Value First, int64_t Steps,
                                         Step Body);
  /// The tree over `Leaves` such leaves. The right operand is read in one
  /// stream and leaves are joined as they are complete: between two loads from
  /// the right operand there is no store, which might have to wait for a sum
  /// and, where the last 12 bits of addresses are equal, let loads wait for it.
  llvm::SmallVector<mlir::Value> sumLeaves(const HostProduct &P,
                                           const Part &Sums, mlir::Value First,
                                           int64_t Leaves, int64_t Steps,
                                           Step Body);

  const int64_t Lanes, Registers;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_REGISTERBLOCKS_H
