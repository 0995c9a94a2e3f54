//===- Evaluator.h - block expressions at one position ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_EVALUATOR_H
#define M1C_COMPILER_CODEGEN_BLOCKS_EVALUATOR_H

#include "compiler/Codegen/Blocks/BlockStorage.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace m1::codegen {

/// Evaluates blocks at one position, that is, emits the code that computes an
/// element or a few adjacent elements of a row. The code has no loops: it is
/// emitted into the loop that consumes the elements.
class Evaluator {
public:
  Evaluator(ScalarBuilder &B, const BlockStorage &Storage)
      : B(B), Storage(Storage) {}

  mlir::Value evaluate(mlir::Value Block, const Position &P);
  /// Element [Row, Col], converted to `Element`.
  mlir::Value element(mlir::Value Block, mlir::Value Row, mlir::Value Col,
                      mlir::Type Element);
  /// The initial value of a reduction: a scalar, or a block evaluated at `P`.
  mlir::Value initial(mlir::Value Init, const Position &P);

  /// Loads and stores at a position, in memory or registers. store() converts
  /// to the element type of `A`.
  mlir::Value load(const Access &A, const Position &P);
  void store(mlir::Value V, const Access &A, const Position &P);
  /// The row in memory of `P`: its own, or for a gather or scatter the one that
  /// the row index names.
  mlir::Value memoryRow(const Access &A, const Position &P);

  /// Combines two elements, or two vectors lane by lane.
  mlir::Value combine(mlir::vector::CombiningKind Kind, mlir::Value A,
                      mlir::Value C);

private:
  /// The values of blocks that were evaluated at one position.
  using Memo = llvm::DenseMap<mlir::Value, mlir::Value>;

  mlir::Value evaluateAt(mlir::Value Block, const Position &P, Memo &Known);
  mlir::Value compute(mlir::Value Block, const Position &P, Memo &Known);
  /// `Block` of rank 1 with a value for each row, at the row of `P`.
  mlir::Value evaluateRowValue(mlir::Value Block, const Position &P);
  mlir::Value evaluateTransposed(mlir::Value Block, const Position &P);
  mlir::Value evaluateIota(tile::IotaOp Iota, const Position &P);

  ScalarBuilder &B;
  const BlockStorage &Storage;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_EVALUATOR_H
