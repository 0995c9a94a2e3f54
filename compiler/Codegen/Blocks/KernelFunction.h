//===- KernelFunction.h - kernels become functions --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_KERNELFUNCTION_H
#define M1C_COMPILER_CODEGEN_BLOCKS_KERNELFUNCTION_H

#include "compiler/Support/ScalarBuilder.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace m1::codegen {

/// Writes the body of the function that replaces a kernel, at the position of
/// the builder. Fails after a diagnostic.
using EmitKernelBody = llvm::function_ref<llvm::LogicalResult(
    tile::KernelOp, mlir::func::FuncOp, ScalarBuilder &)>;

/// Replaces every kernel of the module by a function of the same name.
/// `Parameters` gives the function's parameter types. Fails if a body cannot be
/// written.
llvm::LogicalResult
replaceKernels(mlir::ModuleOp Module,
               llvm::function_ref<llvm::SmallVector<mlir::Type>(tile::KernelOp)>
                   Parameters,
               EmitKernelBody Emit);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_KERNELFUNCTION_H
