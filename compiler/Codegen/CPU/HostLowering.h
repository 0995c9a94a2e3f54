//===- HostLowering.h - kernels to loops for a CPU --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H
#define M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"

namespace m1::codegen {

/// What the loops need to know of the CPU.
struct HostShape {
  int64_t Lanes = 8;                  // f32 elements in a vector register
  int64_t Registers = 16;             // vector registers
  tile::MatrixUnitAttrInterface Unit; // null: none
};

/// One core computes a cell; blocks that need memory lie in its scratch.
class HostLowering final : public BlockLowering {
public:
  HostLowering(tile::KernelOp Kernel, mlir::OpBuilder &B, HostShape Shape,
               mlir::Value Scratch)
      : BlockLowering(Kernel, B, Scratch), Shape(Shape) {}

protected:
  void forEach(mlir::Value Block, const Access &To, const Extent &E,
               bool Vectorize, Body Emit) override;
  void reduceRows(mlir::Value Source, const Extent &E,
                  mlir::vector::CombiningKind Kind, mlir::Value Init,
                  const Access &Result) override;
  void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) override;
  Access keepLeft(tile::DotOp Dot, const Access &Left) override;

private:
  /// The element type in which lowerDot takes the left or right operand.
  mlir::Type operandType(tile::DotOp Dot, bool Left) const;
  /// `Block` as an operand of `Dot`: where it lies, or copied to where it can
  /// be read.
  Access operand(tile::DotOp Dot, mlir::Value Block, const Extent &E,
                 bool Left);
  void forEachRow(mlir::Location Loc, const Extent &E,
                  llvm::function_ref<void(mlir::Value)> Emit);
  void loop(mlir::Location Loc, mlir::Value From, mlir::Value To, int64_t Step,
            llvm::function_ref<void(mlir::Value)> Emit);
  /// One register block: `Rows` rows from `Row` by `Vectors` vectors from
  /// column `Col`.
  void dotBlock(mlir::Location Loc, const Access &A, const Access &Bm,
                const Access &C, mlir::Value Row, mlir::Value Col, int64_t Rows,
                int64_t Vectors, int64_t Lanes, mlir::Value Inner);
  /// `Rows` rows by all columns.
  void dotRows(mlir::Location Loc, const Access &A, const Access &Bm,
               const Access &C, mlir::Value Row, int64_t Rows, int64_t Columns,
               mlir::Value Inner);

  // MatrixUnit.cpp: products on AMX tiles.
  bool usesTiles(tile::DotOp Dot) const;
  void dotTiles(mlir::Location Loc, const Access &A, const Access &Bm,
                const Access &C, const Extent &E, int64_t K);
  /// `Tall` tiles of rows from `Row` by all columns.
  void dotTileRows(mlir::Location Loc, const Access &A, const Access &Bm,
                   const Access &C, mlir::Value Row, int64_t Tall,
                   int64_t Columns, int64_t K);

  HostShape Shape;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTLOWERING_H
