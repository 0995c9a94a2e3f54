//===- KernelBody.h - writing the bodies of tile kernels --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on blocks, with the scalar arithmetic and control flow of
// ScalarBuilder: a kernel reads like its equations.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELBODY_H
#define M1C_COMPILER_CONVERSION_KERNELBODY_H

#include "compiler/Conversion/Blocking.h"
#include "compiler/Support/ScalarBuilder.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace m1 {

/// Writes the body of one kernel. Everything that a body may depend on is here:
/// the arguments and their types, the constants, the target's block sizes.
class KernelBody : public ScalarBuilder {
public:
  /// Starts the body of `Kernel`, which is empty. `Extents` are those of the
  /// axes that the kernel's declaration names.
  KernelBody(tile::KernelOp Kernel, const Blocking &Blocks,
             const llvm::StringMap<int64_t> &Extents,
             mlir::DictionaryAttr Constants);

  /// The cell's position in the grid.
  mlir::Value X, Y, Z;
  const Blocking &Blocks;

  // What the launch provides. Asking for a name that the kernel does not
  // declare is a programming error and aborts with kernel and name.

  /// The argument of that name.
  mlir::Value operator[](llvm::StringRef Argument) const;
  /// Whether the launch provides an optional argument.
  bool has(llvm::StringRef Argument) const;
  mlir::MemRefType memory(llvm::StringRef Argument) const;
  /// The static extent of an axis that the declaration names.
  int64_t extent(llvm::StringRef Axis) const;
  mlir::Attribute constant(llvm::StringRef Name) const;
  int64_t integer(llvm::StringRef Name) const;
  double number(llvm::StringRef Name) const;

  /// The first row of the cell's block of `M` rows, and the number of its rows
  /// that are in bounds: below the argument `rows`.
  struct RowBlock {
    mlir::Value First, Rows;
  };
  RowBlock rowBlock(int64_t M);

  /// An i32 element of memory, as an index.
  mlir::Value at(mlir::Value Memory, mlir::ValueRange Indices);

  // Blocks in memory. Axis i of the block runs along axis Dims[i] of the
  // memory, from `Indices` on. Elements at or past `Rows` and `Cols` are out of
  // bounds: they read as zero and are not written; null: all are in bounds. A
  // stored block is rounded to the memory's element type.
  mlir::VectorType block(llvm::ArrayRef<int64_t> Shape,
                         mlir::Type Element = {});
  mlir::Value load(mlir::Value Memory, mlir::ValueRange Indices,
                   llvm::ArrayRef<int64_t> Dims, llvm::ArrayRef<int64_t> Shape,
                   mlir::Value Rows = {}, mlir::Value Cols = {});
  void store(mlir::Value Block, mlir::Value Memory, mlir::ValueRange Indices,
             llvm::ArrayRef<int64_t> Dims, mlir::Value Rows = {},
             mlir::Value Cols = {});
  /// Row i of the block is row RowIndex[i] of the memory, from `Col` on.
  mlir::Value gather(mlir::Value Memory, mlir::Value RowIndex, mlir::Value Col,
                     llvm::ArrayRef<int64_t> Shape, mlir::Value Rows,
                     mlir::Value Cols = {});
  void scatter(mlir::Value Block, mlir::Value Memory, mlir::Value RowIndex,
               mlir::Value Col, mlir::Value Rows, mlir::Value Cols);

  // Blocks of values.

  /// Acc + A C, as tile.dot.
  mlir::Value dot(mlir::Value A, mlir::Value C, mlir::Value Acc,
                  int64_t Leaves = 1);
  /// A block whose elements all are `Number`, of `Like`'s shape and element
  /// type.
  mlir::Value splat(double Number, mlir::Value Like);
  /// A block whose elements all are `Number`; of f32 unless `Element` is given.
  mlir::Value filled(llvm::ArrayRef<int64_t> Shape, double Number,
                     mlir::Type Element = {});
  mlir::Value zeros(llvm::ArrayRef<int64_t> Shape, mlir::Type Element = {}) {
    return filled(Shape, 0, Element);
  }
  /// A block whose elements all are the value `Scalar`.
  mlir::Value fill(mlir::Value Scalar, llvm::ArrayRef<int64_t> Shape);
  /// Each element's index along an axis, i32.
  mlir::Value iota(llvm::ArrayRef<int64_t> Shape, int64_t Axis);
  /// A block of rank 1, repeated `Extent` times along a new axis.
  mlir::Value along(mlir::Value Block, int64_t Axis, int64_t Extent);
  mlir::Value transposed(mlir::Value Block);
  /// A block of floats in f32, or rounded to `Element`; others are unchanged.
  mlir::Value widened(mlir::Value Block);
  mlir::Value rounded(mlir::Value Block, mlir::Type Element);
  mlir::Value rowSum(mlir::Value Block);
  mlir::Value rowMax(mlir::Value Block);
  mlir::Value rowMinIndex(mlir::Value Block); // of i32
  mlir::Value silu(mlir::Value Block);

  mlir::Value addF(mlir::Value A, mlir::Value C);
  mlir::Value subF(mlir::Value A, mlir::Value C);
  mlir::Value mulF(mlir::Value A, mlir::Value C);
  mlir::Value divF(mlir::Value A, mlir::Value C);
  mlir::Value expF(mlir::Value A);

private:
  mlir::Value reduce(mlir::Value Block, mlir::vector::CombiningKind Kind,
                     mlir::Value Init);

  mutable tile::KernelOp Kernel; // generated accessors are not const
  const llvm::StringMap<int64_t> &Extents;
  mlir::DictionaryAttr Constants;
};

/// A memref [Shape] of `Element`; axis 0 may be dynamic.
mlir::MemRefType memoryType(llvm::ArrayRef<int64_t> Shape, mlir::Type Element);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELBODY_H
