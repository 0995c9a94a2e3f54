//===- BlockLowering.h - kernels over blocks to loops -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every target shares in turning a `tile.kernel` into loops. Most block
// values never exist as a whole: a load or an elementwise op is an expression
// that is evaluated a few elements at a time inside the loop of whoever needs
// it. Only these get memory: products, reductions, blocks carried by loops or
// chosen by ifs, and expressions with an exponential or the like that several
// users would otherwise compute anew. The rest of this page is the order of
// work:
//
//   lower()        walks the kernel's ops in order and copies scalar code
//   forEach()      the loop over a block's elements (each target's own)
//   evaluate()     an expression at one position
//   materialize()  forEach + evaluate + store into a buffer
//   lowerDot()     products of buffers (each target's own)
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H
#define M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H

#include "compiler/Codegen/Blocks/Demand.h"
#include "compiler/Codegen/Blocks/Keeping.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace m1::codegen {

/// How a target spreads a block over the registers of many threads; known only
/// to targets that do.
struct RegisterLayout;

/// A place in memory that is addressed as a block: element [i, j] of rank 2
/// lies at base + i * strides[0] + j * strides[1], in elements; element [j] of
/// rank 1 at base + j * strides[0]. With `Pairs`, element [2p + e, j] lies at
/// base + p * strides[0] + j * strides[1] + e.
/// `Held` blocks lie in registers: `Base` points to a thread's own elements,
/// which are numbered as the target says.
struct Access {
  mlir::Value Base; // !llvm.ptr
  mlir::Type Element;
  llvm::SmallVector<int64_t, 2> Strides;
  mlir::Value Rows,
      Cols; // beyond these everything reads as zero; null: no such bound
  mlir::Value
      RowIndex; // tile.gather's block of indices, in place of i; null: none
  bool Pairs = false;
  /// Rows start at multiples of so many elements, as does the base.
  int64_t Aligned = 1;
  const RegisterLayout *Held = nullptr;
};

/// So many elements surely divide the distance from the memory's beginning to
/// that of each row of a block that starts at `Col` of the last axis (null: at
/// 0).
int64_t rowAlignment(mlir::MemRefType Type, mlir::Value Col);

/// How much of a block a loop covers: static extents, or less where `Rows` or
/// `Cols` is given.
struct Extent {
  int64_t RowCount = 1, ColCount = 1;
  mlir::Value Rows, Cols;
};

/// Where evaluate() is asked to look: `Width` elements of row `Row` (null for
/// blocks of rank 1) from column `Col`.
struct Position {
  mlir::Value Row, Col; // index
  int64_t Width = 1;
  int64_t Aligned = 1; // Col is a multiple of this
  const Extent *Loop =
      nullptr; // the loop around, to drop bounds that it already keeps
  /// In blocks that are spread so, this is the thread's own element `Slot`.
  const RegisterLayout *Held = nullptr;
  int64_t Slot = 0;
  /// Values already computed at this position, by block.
  llvm::DenseMap<mlir::Value, mlir::Value> *Memo = nullptr;
};

class BlockLowering {
public:
  /// `Scratch` points to the memory of one cell.
  BlockLowering(tile::KernelOp Kernel, mlir::OpBuilder &B, mlir::Value Scratch)
      : Kernel(Kernel), B(B), Scratch(Scratch), Demanded(Kernel) {}
  virtual ~BlockLowering() = default;

  /// Gives the new code's value for an argument of the kernel: an !llvm.ptr for
  /// a memref, an index otherwise.
  void mapArgument(mlir::Value Argument, mlir::Value New) {
    Scalars.map(Argument, New);
  }

  /// Emits the kernel's body at the builder's position. Fails with a diagnostic
  /// on an op it does not know.
  llvm::LogicalResult lower();

protected:
  using Body = llvm::function_ref<void(const Position &)>;

  /// Calls `Emit` inside loops that cover `E` once, `Width` elements of one row
  /// at a time, so that it can evaluate `Block` there and store it to `To`;
  /// `Width` is 1 where `Vectorize` is false.
  virtual void forEach(mlir::Value Block, const Access &To, const Extent &E,
                       bool Vectorize, Body Emit) = 0;
  /// result[i] = combine over row i of `Source` (axis 1 of rank 2, or the only
  /// axis of rank 1), into `Result`.
  virtual void reduceRows(mlir::Value Source, const Extent &E,
                          mlir::vector::CombiningKind Kind, mlir::Value Init,
                          const Access &Result) = 0;
  /// C += A B, with `C` holding the accumulator.
  virtual void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) = 0;
  /// Copies the left side of a product that is loaded from `Left` to where the
  /// loops that the product is in find it; no base if it is read where it lies.
  virtual Access keepLeft(tile::DotOp Dot, const Access &Left) { return {}; }
  /// Where a block of that type is to lie that needs memory or registers.
  virtual Access place(mlir::Value Block, mlir::VectorType Type) {
    return allocate(Type);
  }
  /// What was emitted reads memory, or what follows may run more or less often.
  virtual void disturb() {}
  /// The position of P's row in a block with a value for each row.
  virtual Position ofRow(const Position &P) const {
    Position Where;
    Where.Col = P.Row;
    return Where;
  }
  /// Runs `Emit` once a cell where it has side effects.
  virtual void once(mlir::Location Loc, llvm::function_ref<void()> Emit) {
    Emit();
  }

  // --- shared, in Evaluate.cpp ---
  mlir::Value evaluate(mlir::Value Block, const Position &P);
  mlir::Value constantIndex(int64_t Value);
  /// The row that `P` means: its own, or where a gather's index sends it.
  mlir::Value rowOf(mlir::Location Loc, const Access &A, const Position &P);
  mlir::Value loadFrom(mlir::Location Loc, const Access &A, const Position &P);
  void storeTo(mlir::Location Loc, mlir::Value V, const Access &A,
               const Position &P);
  /// As what elements of that type are kept: bf16 as bits.
  static mlir::Type bitsOf(mlir::Type Element);
  /// Elements `Slot` and on of a held block.
  mlir::Value loadHeld(mlir::Location Loc, const Access &A, int64_t Slot,
                       int64_t Width = 1);
  void storeHeld(mlir::Location Loc, mlir::Value V, const Access &A,
                 int64_t Slot);
  /// The address of element [Row, Col].
  mlir::Value address(mlir::Location Loc, const Access &A, mlir::Value Row,
                      mlir::Value Col);
  /// True if evaluate() can produce several elements of a row at once without
  /// going element by element.
  bool isVectorizable(mlir::Value Block);
  /// V, an element or a vector of them, of another float type.
  mlir::Value convertFloat(mlir::Location Loc, mlir::Value V,
                           mlir::Type Element);
  mlir::Value combine(mlir::Location Loc, mlir::vector::CombiningKind Kind,
                      mlir::Value A, mlir::Value C);

  // --- shared, in BlockLowering.cpp ---
  /// A new buffer, made here: alive until its last use.
  Access allocate(mlir::VectorType Type);
  Extent extentOf(mlir::Value Block);
  /// Writes the part `E` of `Block` to `To`, converting to its element type.
  void write(mlir::Value Block, const Access &To, const Extent &E);
  /// Writes `Block`'s demanded part.
  void materializeInto(mlir::Value Block, const Access &To);
  /// `Block`'s memory, made now if it has none; with `Element`, converted to
  /// that type.
  Access materialize(mlir::Value Block, mlir::Type Element = {});
  Access accessOf(mlir::Value MemRef, mlir::OperandRange Indices,
                  llvm::ArrayRef<int64_t> Dims, mlir::Value Rows,
                  mlir::Value Cols, mlir::Location Loc);
  mlir::Value scalar(mlir::Value V) {
    return V ? Scalars.lookup(V) : mlir::Value();
  }

  tile::KernelOp Kernel;
  mlir::OpBuilder &B;
  mlir::Value Scratch;
  Demand Demanded;
  Keeping Keep;
  mlir::IRMapping
      Scalars; // scalars and memrefs of the kernel to the new code's
  llvm::DenseMap<mlir::Value, Access>
      Buffers; // blocks that have memory of their own
  llvm::DenseMap<mlir::Value, Access>
      LazyLoads; // loads and gathers that are evaluated where they are used
  llvm::DenseMap<mlir::Value, Access>
      Copies; // of held blocks, for positions that do not name their elements

private:
  llvm::LogicalResult lowerBlock(mlir::Block &Source);
  llvm::LogicalResult lowerOp(mlir::Operation *Op);
  llvm::LogicalResult lowerFor(mlir::scf::ForOp Loop);
  llvm::LogicalResult lowerIf(mlir::scf::IfOp If);
  llvm::LogicalResult lowerDotOp(tile::DotOp Dot);
  llvm::LogicalResult
  lowerReduction(mlir::vector::MultiDimReductionOp Reduction);
  /// A constant whose elements differ, as a table beside the code.
  Access tableOf(mlir::arith::ConstantOp Constant);
  void lowerStore(mlir::Value Value, const Access &To);
  void lowerLoad(mlir::Value Result, const Access &From);
  /// True if evaluating `Block` reads other positions of what it is made from,
  /// so that it cannot take that one's place element by element.
  bool isTurned(mlir::Value Block);
  void yieldScalars(mlir::scf::YieldOp Yield);
  /// True if evaluating `Block` reads what `Target` keeps.
  bool reads(mlir::Value Block, mlir::Value Target);
  /// Writes `Values` to `Targets`, which hold the blocks `Before` until then;
  /// none if they hold nothing that is read.
  void yieldInto(mlir::ValueRange Values, mlir::ValueRange Before,
                 llvm::ArrayRef<Access> Targets);
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_BLOCKLOWERING_H
