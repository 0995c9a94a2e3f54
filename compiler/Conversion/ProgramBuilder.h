//===- ProgramBuilder.h - writing plan programs -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_PROGRAMBUILDER_H
#define M1C_COMPILER_CONVERSION_PROGRAMBUILDER_H

#include "compiler/Conversion/KernelBuilder.h"
#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Plan.h"

namespace m1 {

/// Bounds that a plan is compiled for.
struct Bounds {
  int64_t Tokens, Slots, Length;
  /// The greatest value of a symbol.
  int64_t of(llvm::StringRef Symbol) const {
    return Symbol == "B" ? Slots : Tokens;
  }
};

/// What the programs of a module share: parameters and where they lie, packed
/// weights, state, and the program `init` that fills them.
class ModuleBuilder {
public:
  ModuleBuilder(mlir::ModuleOp Module, Bounds Limits, Blocking Blocks);

  const Bounds Limits;
  KernelCache Kernels;

  /// The weight of a product with rows of element type `X`, in panels
  /// (PackedLayout) as a global, with a leading axis for experts. Null after a
  /// diagnostic at `User` if the value is no parameter.
  plan::GlobalOp packed(mlir::Value Weight, mlir::Type X, int64_t Panel,
                        mlir::Operation *User);
  /// A parameter where it lies in the checkpoint.
  mlir::Value raw(mlir::OpBuilder &B, mlir::Value Weight,
                  mlir::Operation *User);
  /// Memory that lasts, zero at first. Of one `Name` there is one.
  plan::GlobalOp state(llvm::StringRef Name, mlir::MemRefType Type);
  /// A constant vector, rounded to f32. Equal vectors are one constant.
  plan::GlobalOp constant(llvm::ArrayRef<double> Values);

  /// Ends the program `init`; removes it if it has no steps.
  void finish();

private:
  struct Piece {
    mlir::StringAttr Tensor;
    mlir::MemRefType Stored; // the whole tensor
    int64_t Offset;          // elements
    mlir::MemRefType Type;   // the part
  };
  ParameterOp parameterOf(mlir::Value Weight, mlir::Operation *User);
  /// The checkpoint's tensors that make up a parameter; those of a stack one
  /// after the other.
  llvm::SmallVector<Piece> piecesOf(ParameterOp Parameter);
  mlir::Value place(mlir::OpBuilder &B, mlir::Location Loc, const Piece &P);

  mlir::ModuleOp Module;
  mlir::SymbolTable Symbols;
  mlir::OpBuilder Top, Init;
  llvm::StringMap<plan::GlobalOp> Globals;
  llvm::DenseMap<mlir::Attribute, plan::GlobalOp> Constants; // by value
  plan::ProgramOp InitProgram;
};

/// Emits the launch of a kernel. `Written` lists the operands that the kernel
/// writes, counted from 0.
void launch(mlir::OpBuilder &B, mlir::Location Loc, tile::KernelOp Kernel,
            llvm::ArrayRef<plan::ExprAttr> Grid, mlir::ValueRange Operands,
            llvm::ArrayRef<unsigned> Written);

/// `Memory` with another shape and strides (empty: without gaps) from an
/// element offset on.
mlir::Value view(mlir::OpBuilder &B, mlir::Location Loc, mlir::Value Memory,
                 llvm::ArrayRef<int64_t> Shape,
                 llvm::ArrayRef<int64_t> Strides = {}, int64_t Offset = 0,
                 plan::ExprAttr Rows = {});

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_PROGRAMBUILDER_H
