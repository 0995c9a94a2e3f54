//===- LeafSums.h - joining the leaves of a product -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_LEAFSUMS_H
#define M1C_COMPILER_CODEGEN_CUDA_LEAFSUMS_H

#include "compiler/Codegen/CUDA/ThreadLoops.h"

namespace m1::codegen {

/// The leaves of a product whose sums are in registers, joined by the tree as
/// they are computed, in ascending order. Like the digits of a binary counter,
/// level b holds the sum of 2^b leaves that waits for the next one; so there
/// are at most as many blocks as the tree has levels.
class LeafSums {
public:
  /// For the leaves of `Dot`; each is computed in `C`.
  LeafSums(LoweringContext &Context, ThreadBlock &Threads, ThreadLoops &Loops,
           tile::DotOp Dot, const Access &C);

  /// The number of terms of a leaf.
  int64_t terms() const { return Terms; }
  /// Sets the sums of the next leaf to zero.
  void begin();
  /// Joins leaf number `Leaf`, an index.
  void end(mlir::Value Leaf);
  /// Leaves the total in the sums.
  void finish();

private:
  /// Joins the sum of 2^Level leaves that `C` holds and that ends at `Leaf`.
  void join(mlir::Value Leaf, int64_t Level);
  mlir::Value load(const Access &From, int64_t Slot);
  void store(mlir::Value V, const Access &To, int64_t Slot);
  void copy(const Access &From, const Access &To);
  /// C = Other + C.
  void add(const Access &Other);
  int64_t slots() const { return C.Layout->slots(); }

  ScalarBuilder &B;
  Evaluator &Eval;
  mlir::Value Thread;
  Access C;
  int64_t Leaves, Terms;
  /// In registers, or in shared memory: [slots, threads].
  llvm::SmallVector<Access> Levels;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_LEAFSUMS_H
