//===- HostCompiler.h - tile kernels to an ELF shared object ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H
#define M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H

#include "dialects/Tile/IR/Tile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"
#include <string>
#include <vector>

namespace m1::codegen {

/// Everything from tile kernels to the LLVM dialect.
void buildHostPipeline(mlir::OpPassManager &Passes);

/// LLVM IR of a module that buildHostPipeline has run over, optimised for
/// `Target`. Null after a diagnostic.
std::unique_ptr<llvm::Module> translateHost(mlir::ModuleOp Module,
                                            llvm::LLVMContext &Context,
                                            tile::TargetAttr Target);

/// The bytes of an ELF shared object that exports every function of `Module`.
llvm::FailureOr<std::vector<char>> linkHost(llvm::Module &Module,
                                            tile::TargetAttr Target);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H
