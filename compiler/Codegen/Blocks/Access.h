//===- Access.h - addresses of a block's elements ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads and stores of elements and short vectors, given where a block is. This
// layer knows nothing of kernels or of how block expressions are evaluated.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_ACCESS_H
#define M1C_COMPILER_CODEGEN_BLOCKS_ACCESS_H

#include "compiler/Codegen/Blocks/RegisterLayout.h"
#include "compiler/Support/ScalarBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinTypes.h"

namespace m1::codegen {

/// Where a block is. In memory, element [i, j] of a block of rank 2 has the
/// address base + i * strides[0] + j * strides[1], in elements, and element [j]
/// of a block of rank 1 base + j * strides[0]. With `Pairs`, element [2p + e,
/// j] has the address base + p * strides[0] + j * strides[1] + e.
///
/// With `Layout`, the block is in registers: `Base` points to an array of the
/// thread's own elements, indexed by slot. All its indices are constants, so
/// LLVM turns it into registers.
struct Access {
  mlir::Value Base; // !llvm.ptr
  mlir::Type Element;
  llvm::SmallVector<int64_t, 2> Strides;
  /// Bounds on the row and the column: elements at or past them read as zero.
  /// Null: no bound.
  mlir::Value Rows, Cols;
  /// The block of row indices of a gather or scatter, which replaces i. Null:
  /// none.
  mlir::Value RowIndex;
  bool Pairs = false;
  /// Whole cache lines are stored past the caches (tile.store).
  bool Streamed = false;
  /// A known divisor, in elements, of every row's offset from an address that
  /// has the alignment of a buffer.
  int64_t RowAlignment = 1;
  const RegisterLayout *Layout = nullptr;
};

/// The part of a block that a loop covers: the static extents, or less where
/// `Rows` or `Cols` is given.
struct Extent {
  int64_t RowCount = 1, ColCount = 1;
  mlir::Value Rows, Cols;

  /// The full extent of a block of that shape.
  static Extent of(mlir::VectorType Type);
};

/// `Width` elements of row `Row` (null for blocks of rank 1), starting at
/// column `Col`.
struct Position {
  mlir::Value Row, Col; // index
  int64_t Width = 1;
  int64_t Alignment = 1; // a known divisor of Col
  /// The extent of the enclosing loop, which enforces these bounds. Null: no
  /// loop.
  const Extent *Loop = nullptr;
  /// In blocks of this register layout, the position is the thread's slot
  /// `Slot`.
  const RegisterLayout *Layout = nullptr;
  int64_t Slot = 0;
};

/// The number of elements of that type in the alignment of a buffer.
int64_t bufferAlignment(mlir::Type Element);

/// A known divisor, in elements, of the start offset of every row of a block
/// that starts at column `Col` of a memref's last axis (null: at 0).
int64_t rowAlignment(mlir::MemRefType Type, mlir::Value Col);
/// The same for rows in pairs, which run along the axis before the last.
int64_t pairAlignment(mlir::MemRefType Type, mlir::ValueRange Indices);

/// The type in which elements are stored: bf16 as 16-bit integers, since LLVM
/// would widen and round it through library calls.
mlir::Type storedType(mlir::Type Element);

/// `Element`, or a vector of `Width` of them if that is more than one.
mlir::Type widened(mlir::Type Element, int64_t Width);

/// The block of a memref that starts at `Indices` and whose axes run along the
/// memref's axes `Dims`. The indices of trailing axes may be left out; they are
/// zero then. Alignment and bounds are left to the caller.
Access accessMemRef(ScalarBuilder &B, mlir::Value Base, mlir::MemRefType Type,
                    mlir::ValueRange Indices, llvm::ArrayRef<int64_t> Dims);

/// The address of element [Row, Col] of a block in memory.
mlir::Value address(ScalarBuilder &B, const Access &A, mlir::Value Row,
                    mlir::Value Col);

/// Loads the elements at `P` from a block in memory, zeros where they are out
/// of bounds. `Row` is their row in memory: that of `P`, unless `A` is a
/// gather.
mlir::Value loadMemory(ScalarBuilder &B, const Access &A, const Position &P,
                       mlir::Value Row);
/// Stores elements of the block's own type. Bounds are not checked: the
/// enclosing loop enforces them.
void storeMemory(ScalarBuilder &B, mlir::Value V, const Access &A,
                 const Position &P, mlir::Value Row);

/// Loads or stores adjacent slots, starting at `Slot`, of a block in registers.
mlir::Value loadSlots(ScalarBuilder &B, const Access &A, int64_t Slot,
                      int64_t Width = 1);
void storeSlots(ScalarBuilder &B, mlir::Value V, const Access &A, int64_t Slot);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_ACCESS_H
