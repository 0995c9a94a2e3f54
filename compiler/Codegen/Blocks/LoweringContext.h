//===- LoweringContext.h - state of one kernel's lowering -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_LOWERINGCONTEXT_H
#define M1C_COMPILER_CODEGEN_BLOCKS_LOWERINGCONTEXT_H

#include "compiler/Codegen/Blocks/Demand.h"
#include "compiler/Codegen/Blocks/Evaluator.h"
#include "compiler/Codegen/Blocks/Materialization.h"
#include "compiler/Codegen/Blocks/ScratchMemory.h"

namespace m1::codegen {

/// What all parts of one kernel's lowering share.
struct LoweringContext {
  /// `ScratchBase` points to the memory of a grid cell.
  LoweringContext(tile::KernelOp Kernel, ScalarBuilder &B,
                  mlir::Value ScratchBase)
      : Kernel(Kernel), B(B), Demanded(Kernel), Eval(B, Storage),
        Scratch(B, ScratchBase) {}

  tile::KernelOp Kernel;
  ScalarBuilder &B;
  const Demand Demanded;
  Materialization Materialized;
  BlockStorage Storage;
  Evaluator Eval;
  ScratchMemory Scratch;

  /// The part of a block that is used. Limits that have not been computed yet
  /// are ignored: they cannot bound a loop that is emitted now.
  Extent demandedExtent(mlir::Value Block) const {
    auto Limit = [&](unsigned Axis) {
      mlir::Value Old = Demanded.limit(Block, Axis);
      return Old && Storage.Scalars.contains(Old) ? Storage.scalar(Old)
                                                  : mlir::Value();
    };
    auto Type = mlir::cast<mlir::VectorType>(Block.getType());
    Extent E = Extent::of(Type);
    E.Cols = Limit(Type.getRank() - 1);
    if (Type.getRank() == 2)
      E.Rows = Limit(0);
    return E;
  }
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_LOWERINGCONTEXT_H
