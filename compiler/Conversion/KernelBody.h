//===- KernelBody.h - writing the bodies of tile kernels --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin layer over OpBuilder in which a kernel reads like its equations.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELBODY_H
#define M1C_COMPILER_CONVERSION_KERNELBODY_H

#include "compiler/Conversion/Blocking.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace m1 {

/// Writes the body of one kernel. Everything that a body may depend on is here:
/// the arguments and their types, the constants, the target's block sizes.
class KernelBody : public mlir::ImplicitLocOpBuilder {
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
  // declare is a programming error and aborts with the names that there are.

  /// The argument of that name.
  mlir::Value operator[](llvm::StringRef Argument) const;
  /// Whether an optional argument is there.
  bool has(llvm::StringRef Argument) const;
  mlir::MemRefType memory(llvm::StringRef Argument) const;
  /// The static extent of an axis that the declaration names.
  int64_t extent(llvm::StringRef Axis) const;
  mlir::Attribute constant(llvm::StringRef Name) const;
  int64_t integer(llvm::StringRef Name) const;
  double number(llvm::StringRef Name) const;

  /// The first row of the cell's block of `M` rows, and how many rows of the
  /// block the argument `rows` leaves in bounds.
  struct RowBlock {
    mlir::Value First, Rows;
  };
  RowBlock rowBlock(int64_t M);

  // Scalars.
  mlir::Value index(int64_t Value);
  mlir::Value plus(mlir::Value A, mlir::Value C);
  mlir::Value minus(mlir::Value A, mlir::Value C);
  mlir::Value times(mlir::Value A, int64_t C);
  mlir::Value over(mlir::Value A, int64_t C); // rounded down, A >= 0
  mlir::Value smaller(mlir::Value A, mlir::Value C);
  mlir::Value larger(mlir::Value A, mlir::Value C);
  mlir::Value less(mlir::Value A, mlir::Value C);
  mlir::Value equal(mlir::Value A, mlir::Value C);
  /// An i32 element of memory, as an index.
  mlir::Value at(mlir::Value Memory, mlir::ValueRange Indices);
  mlir::Value toI32(mlir::Value Index);

  // Blocks.
  mlir::VectorType block(llvm::ArrayRef<int64_t> Shape,
                         mlir::Type Element = {});
  mlir::Value load(mlir::Value Memory, mlir::ValueRange Indices,
                   llvm::ArrayRef<int64_t> Dims, llvm::ArrayRef<int64_t> Shape,
                   mlir::Value Rows = {}, mlir::Value Cols = {});
  void store(mlir::Value Block, mlir::Value Memory, mlir::ValueRange Indices,
             llvm::ArrayRef<int64_t> Dims, mlir::Value Rows = {},
             mlir::Value Cols = {});
  mlir::Value gather(mlir::Value Memory, mlir::Value RowIndex, mlir::Value Col,
                     llvm::ArrayRef<int64_t> Shape, mlir::Value Rows);
  void scatter(mlir::Value Block, mlir::Value Memory, mlir::Value RowIndex,
               mlir::Value Col, mlir::Value Rows, mlir::Value Cols);
  mlir::Value dot(mlir::Value A, mlir::Value C, mlir::Value Acc);
  /// A block of one number, of `Like`'s shape and element type.
  mlir::Value splat(double Number, mlir::Value Like);
  mlir::Value zeros(llvm::ArrayRef<int64_t> Shape, mlir::Type Element = {},
                    double Number = 0);
  /// A block of one scalar value.
  mlir::Value fill(mlir::Value Scalar, llvm::ArrayRef<int64_t> Shape);
  mlir::Value iota(llvm::ArrayRef<int64_t> Shape, int64_t Axis);
  mlir::Value along(mlir::Value Block, int64_t Axis, int64_t Extent);
  mlir::Value transposed(mlir::Value Block);
  /// The same numbers in f32, or rounded to `Element`.
  mlir::Value widened(mlir::Value Block);
  mlir::Value rounded(mlir::Value Block, mlir::Type Element);
  mlir::Value rowSum(mlir::Value Block);
  mlir::Value rowMax(mlir::Value Block);
  mlir::Value rowMinIndex(mlir::Value Block); // of i32
  mlir::Value sigmoid(mlir::Value Block);
  mlir::Value silu(mlir::Value Block);

  mlir::Value addF(mlir::Value A, mlir::Value C);
  mlir::Value subF(mlir::Value A, mlir::Value C);
  mlir::Value mulF(mlir::Value A, mlir::Value C);
  mlir::Value divF(mlir::Value A, mlir::Value C);
  mlir::Value expF(mlir::Value A);
  mlir::Value select(mlir::Value Condition, mlir::Value A, mlir::Value C);
  mlir::Value cmpI(mlir::arith::CmpIPredicate P, mlir::Value A, mlir::Value C);

  // Control.
  void ifThen(mlir::Value Condition, llvm::function_ref<void()> Then);
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value From, mlir::Value To, mlir::ValueRange Carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           Body);
  void loop(mlir::Value From, mlir::Value To,
            llvm::function_ref<void(mlir::Value)> Body, int64_t Step = 1);

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
