//===- Plan.h - the schedule dialect ----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_PLAN_IR_PLAN_H
#define M1C_DIALECTS_PLAN_IR_PLAN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace m1::plan {

/// The module attribute with the bound of each symbol.
inline constexpr llvm::StringLiteral kSymbolsAttr = "plan.symbols";

/// Module attributes of plans whose keys and values are in blocks: how many of
/// them there are, and the positions in each.
inline constexpr llvm::StringLiteral kCacheBlocksAttr = "plan.cache_blocks";
inline constexpr llvm::StringLiteral kBlockPositionsAttr =
    "plan.block_positions";

/// The module attribute with the positions in a chunk of lightning layers, at
/// whose ends their states change; absent without such layers.
inline constexpr llvm::StringLiteral kChunkAttr = "plan.chunk";

/// What the axis 0 of a state is about (plan.global).
inline constexpr llvm::StringLiteral kBySlot = "slot";
inline constexpr llvm::StringLiteral kByBlock = "block";

/// The module attribute with the mesh of ranks; absent with one.
inline constexpr llvm::StringLiteral kMeshAttr = "plan.mesh";

// Attributes of a program's arguments, as PlanOps.td describes them.
inline constexpr llvm::StringLiteral kRowsAttr = "plan.rows";
inline constexpr llvm::StringLiteral kNameAttr = "plan.name";
inline constexpr llvm::StringLiteral kOutputAttr = "plan.output";
inline constexpr llvm::StringLiteral kDrawnAttr = "plan.drawn";
inline constexpr llvm::StringLiteral kChecksAttr = "plan.checks";

} // namespace m1::plan

#include "dialects/Plan/IR/PlanDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/IR/PlanAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Plan/IR/PlanOps.h.inc"

namespace m1::plan {

/// The extent of axis 0 of a memref in a program; 1 for rank 0. Null if it is
/// dynamic and the value is no argument, buffer or view.
ExprAttr rowsOf(mlir::Value Memory);

/// The memory behind a view or a chain of views; for any other value, itself.
mlir::Value baseOf(mlir::Value Memory);

/// The mesh of the module around `Op`; null if it has none.
MeshAttr meshOf(mlir::Operation *Op);

/// Whether a symbol is a coordinate in the mesh of the module around `Op`.
bool isCoordinate(mlir::Operation *Op, mlir::StringAttr Symbol);

} // namespace m1::plan

#endif // M1C_DIALECTS_PLAN_IR_PLAN_H
