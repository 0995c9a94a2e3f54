//===- Tile.h - the kernel dialect ------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_TILE_IR_TILE_H
#define M1C_DIALECTS_TILE_IR_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Tile/IR/TileDialect.h.inc"
#include "dialects/Tile/IR/TileEnums.h.inc"

#include "dialects/Tile/IR/TileAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Tile/IR/TileAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Tile/IR/TileOps.h.inc"

namespace m1::tile {

/// The module attribute with the #tile.target.
inline constexpr llvm::StringLiteral kTargetAttr = "tile.target";

/// The target of the nearest module around `Op` (or `Op` itself) that has one;
/// null if there is none.
TargetAttr targetOf(mlir::Operation *Op);

/// targetOf(Op), which must exist and be of kind `Kind` if that is given. Fails
/// with a diagnostic at `Op` that names the attribute and how to set it.
llvm::FailureOr<TargetAttr>
requireTarget(mlir::Operation *Op,
              std::optional<TargetKind> Kind = std::nullopt);

} // namespace m1::tile

#endif // M1C_DIALECTS_TILE_IR_TILE_H
