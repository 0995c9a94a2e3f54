//===- Demand.h - which part of a block is used -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks have fixed shapes, batches do not: a block of 64 rows may hold one
// token. How much of a block is used follows from the stores at the end of its
// chain of uses: a store with `rows %n` uses n rows of its operand, so the
// product that makes the operand uses n rows of its left operand, and so on
// back to the loads. Loops over a block run to its demand. That is how one
// kernel serves prefill and decode without computing rows that nothing uses.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_DEMAND_H
#define M1C_COMPILER_CODEGEN_BLOCKS_DEMAND_H

#include "dialects/Tile/IR/Tile.h"

namespace m1::codegen {

/// For a block and an axis, the number of leading elements that are used.
class Demand {
public:
  explicit Demand(tile::KernelOp Kernel);

  /// The limit as an index value of the kernel; null if all elements are used.
  mlir::Value limit(mlir::Value Block, unsigned Axis) const {
    return get(Block, Axis).Limit;
  }

private:
  /// A lattice of three levels: no use seen (not `Known`), one limit, all
  /// elements (`Known` without a limit).
  struct Part {
    bool Known = false;
    mlir::Value Limit;
    bool operator==(const Part &) const = default;
  };
  Part get(mlir::Value Block, unsigned Axis) const {
    return Parts.lookup({Block, Axis});
  }
  /// The join of the current demand of all uses of `Block`.
  Part compute(mlir::Value Block, unsigned Axis) const;
  Part ofUse(mlir::OpOperand &Use, unsigned Axis) const;
  static Part join(Part A, Part B);

  llvm::DenseMap<std::pair<mlir::Value, unsigned>, Part> Parts;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_DEMAND_H
