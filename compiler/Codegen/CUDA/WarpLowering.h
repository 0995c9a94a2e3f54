//===- WarpLowering.h - kernels to code for a thread block ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread block computes a cell. Blocks of values whose shape allows it are
// spread over the threads' registers (RegisterLayout.h); the others lie in
// shared memory and are walked by all threads in turn. The two meet in few
// places:
//
//   forEach()     a thread's own elements, or its share of a block in memory
//   reduceRows()  a thread's own columns, then the lanes that share a row
//   lowerDot()    matrix units on spread accumulators (MatrixUnit.cpp), whose
//                 operands pass through shared memory (Staging.cpp), or
//                 multiply-adds (FusedProducts.cpp)
//   Exchange      a spread block that is looked at in another order is copied
//                 to shared memory for as long as that takes
//
// Registers are written as a private array of each thread whose indices are all
// constants; LLVM makes them registers.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_WARPLOWERING_H
#define M1C_COMPILER_CODEGEN_CUDA_WARPLOWERING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"
#include "compiler/Codegen/CUDA/RegisterLayout.h"
#include "compiler/Codegen/CUDA/Staging.h"

namespace m1::codegen {

class WarpLowering final : public BlockLowering {
public:
  /// `Thread` is the thread's number in its block, as an index; `Shared` points
  /// to the block's dynamic shared memory.
  WarpLowering(tile::KernelOp Kernel, mlir::OpBuilder &B, mlir::Value Thread,
               mlir::Value Shared);

protected:
  Access place(mlir::Value Block, mlir::VectorType Type) override;
  void forEach(mlir::Value Block, const Access &To, const Extent &E,
               bool Vectorize, Body Emit) override;
  void reduceRows(mlir::Value Source, const Extent &E,
                  mlir::vector::CombiningKind Kind, mlir::Value Init,
                  const Access &Result) override;
  void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) override;
  void once(mlir::Location Loc, llvm::function_ref<void()> Emit) override;
  void disturb() override { Synchronized = false; }
  Access keepLeft(tile::DotOp Dot, const Access &Left) override;
  Position ofRow(const Position &P) const override;

private:
  /// While it lives, blocks that evaluating others needs in another order than
  /// they are spread in can be read from shared memory.
  class Exchange {
  public:
    explicit Exchange(WarpLowering &Parent) : Parent(Parent) {}
    ~Exchange() { Parent.Copies.clear(); }
    Exchange(const Exchange &) = delete;
    Exchange &operator=(const Exchange &) = delete;
    /// For evaluating `Block` at the positions of `Where` (null: at any).
    void prepare(mlir::Value Block, const RegisterLayout *Where);

  private:
    void copy(mlir::Value Block);
    WarpLowering &Parent;
  };

  // Loops.
  void share(mlir::Location Loc, mlir::Value Count,
             llvm::function_ref<void(mlir::Value)> Emit);
  void forEachSpread(mlir::Location Loc, const RegisterLayout &S,
                     const Extent *Guard, bool Vectorize, Body Emit);
  void forEachShared(mlir::Location Loc, const Extent &E, bool Vectorize,
                     Body Emit);
  void ifThen(mlir::Location Loc, mlir::Value Condition,
              llvm::function_ref<void()> Then);
  void barrier(mlir::Location Loc);
  mlir::Value rowsOf(const Extent &E) {
    return E.Rows ? E.Rows : constantIndex(E.RowCount);
  }
  mlir::Value plus(mlir::Location Loc, mlir::Value V, int64_t By);
  mlir::Value below(mlir::Location Loc, mlir::Value V, mlir::Value Bound);
  /// Which warp and lane this thread is.
  struct Place {
    mlir::Value Warp, Lane;
  };
  Place here(mlir::Location Loc);
  /// The first row and column of a thread in a spread block.
  mlir::Value firstRow(mlir::Location Loc, const RegisterLayout &S,
                       const Place &At);
  mlir::Value firstCol(mlir::Location Loc, const RegisterLayout &S,
                       const Place &At);
  /// The first column of its warp's tiles, and that of its own in a tile.
  mlir::Value firstTileCol(mlir::Location Loc, const RegisterLayout &S,
                           const Place &At);
  mlir::Value inQuad(mlir::Location Loc, const Place &At);
  mlir::Value combineLanes(mlir::Location Loc, mlir::vector::CombiningKind Kind,
                           mlir::Value V, llvm::ArrayRef<int64_t> Distances);

  // Reductions of rows that are not spread.
  /// Combines the columns From, From + Step, ... below To of a row.
  mlir::Value alongRow(mlir::Value Source, const Extent &E,
                       mlir::vector::CombiningKind Kind, mlir::Value Row,
                       mlir::Value From, int64_t To, int64_t Step);
  /// A warp a row, its lanes side by side.
  void reduceShortRows(mlir::Value Source, const Extent &E,
                       mlir::vector::CombiningKind Kind, mlir::Value Init,
                       const Access &Result, bool Shuffles);
  /// All threads a row: lanes, then warps in order.
  void reduceLongRows(mlir::Value Source, const Extent &E,
                      mlir::vector::CombiningKind Kind, mlir::Value Init,
                      const Access &Result);

  // MatrixUnit.cpp: products on matrix units.
  /// An operand in shared memory: whole from `Base` on, or passing through a
  /// ring of tiles. Neither: it is evaluated where it is needed.
  struct Side {
    TileLayout Layout = {}; // of the whole, or of a tile
    mlir::Value Base = {};
    Staged *Ring = nullptr;
    bool isShared() const { return Base || Ring; }
  };
  /// What the parts of a product share.
  struct MatrixProduct {
    tile::DotOp Dot;
    const Access &C;
    const RegisterLayout
        *Held; // how the left side is spread; null if it is not
    Side Left = {}, Right = {};
    Place At = {};
    mlir::Value Row0 = {};     // the thread's first row
    mlir::Value TileCol0 = {}; // the first column of its warp's tiles
  };
  /// k of one multiplication: from `First` + 16 `Number` on. What is staged
  /// lies in `Stage`, from `First` on. `StepsBefore` is First / 16 where the
  /// left side is held.
  struct Step {
    mlir::Value First, Stage = {};
    int64_t Number = 0, StepsBefore = 0;
  };
  /// A left side's four registers: the nearest bf16 and, of f32, the rest.
  struct LeftSide {
    llvm::SmallVector<mlir::Value> Near, Far;
  };
  /// Warps for which `Used` (null: all) is false only help to copy.
  void dotUnits(tile::DotOp Dot, tile::ProductAttr Product, const Access &C,
                mlir::Value Used);
  void pipeline(MatrixProduct &D, tile::ProductAttr Product, int64_t StageBytes,
                mlir::Value Used);
  void multiplyStep(MatrixProduct &D, const Step &At);
  LeftSide leftOf(MatrixProduct &D, int64_t Down, const Step &At);
  void multiply(mlir::Location Loc, const Access &C, int64_t Slot,
                llvm::ArrayRef<mlir::Value> Left,
                llvm::ArrayRef<mlir::Value> Right);
  mlir::Value pack(mlir::Location Loc, mlir::Value Low, mlir::Value High);
  /// The element at `P` and the next one in its row.
  llvm::SmallVector<mlir::Value> pairAt(mlir::Value Block, Position P);
  /// True if evaluating `Block` reads a spread block's registers.
  bool reachesHeld(mlir::Value Block);

  // FusedProducts.cpp: all others.
  /// In registers, a multiply-add at a time.
  void dotFused(tile::DotOp Dot, const Access &C);
  /// In shared memory, every thread summing each 128th of k.
  void dotSplit(tile::DotOp Dot, const Access &C, const Extent &E);
  /// In shared memory, a thread an element.
  void dotShared(tile::DotOp Dot, const Access &C, const Extent &E);
  mlir::Value elementAt(mlir::Value Block, mlir::Value Row, mlir::Value Col,
                        mlir::Type Element);

  // Staging.cpp: operands in shared memory, and on their way through it.
  /// True for blocks in shared memory that `ldmatrix` can read.
  bool liesInShared(mlir::Value Block) const;
  /// `Block` of bf16 in shared memory, where `ldmatrix` can read it.
  Access inShared(mlir::Value Block);
  /// Memory for a block of bf16 with rows apart as `ldmatrix` likes them; as
  /// allocate() for others.
  Access allocateRows(mlir::VectorType Type);
  /// Where chunk `Chunk` of row `Row` lies in a tile, in bytes.
  mlir::Value inTile(mlir::Location Loc, const TileLayout &L, mlir::Value Row,
                     mlir::Value Chunk);
  mlir::Value sharedAt(mlir::Location Loc, mlir::Value Base, mlir::Value Bytes);
  /// The chunks of a tile that `Thread` copies.
  void forEachChunk(mlir::Location Loc, const TileLayout &L, mlir::Value Thread,
                    llvm::function_ref<void(int64_t Number, mlir::Value Row,
                                            mlir::Value Chunk)>
                        Emit);
  void findSourceRows(mlir::Location Loc, Side &S, mlir::Value Thread);
  /// Starts to copy the tile from k = `First` on to `To`.
  void copyTile(mlir::Location Loc, const Side &S, mlir::Value Thread,
                mlir::Value First, mlir::Value To);
  /// `ldmatrix` of two matrices, one below the other, or of four, two by two:
  /// from row `Row` and chunk `Chunk` of the tile at `Base`.
  llvm::SmallVector<mlir::Value>
  loadMatrices(mlir::Location Loc, const TileLayout &L, mlir::Value Base,
               mlir::Value Row, mlir::Value Chunk, const Place &At,
               unsigned Count, bool Transposed);

  int64_t kThreads, kWarps;
  mlir::Value Thread, Warp, Lane;
  mlir::Block *Entry;
  RegisterLayouts Known;
  bool Synchronized = false; // nothing was emitted since the last barrier
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_WARPLOWERING_H
