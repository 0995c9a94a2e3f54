//===- HostCompiler.h - kernels to an ELF shared object ---------*- C++ -*-===//
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
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <vector>

namespace m1::codegen {

/// LLVM's machine for a CPU target.
std::unique_ptr<llvm::TargetMachine> createHostMachine(tile::TargetAttr Target);

/// Optimised LLVM IR of lowered kernels, in the LLVM dialect, for the module's
/// target. Null after a diagnostic.
std::unique_ptr<llvm::Module> translateHost(mlir::ModuleOp Kernels,
                                            llvm::LLVMContext &Context,
                                            llvm::TargetMachine &Machine);

/// The bytes of an ELF shared object that exports every function of `Module`,
/// which is the LLVM IR of `Kernels`. It may import memcpy, memmove and memset,
/// which every process that loads it has, and nothing else. Fails after a
/// diagnostic.
llvm::FailureOr<std::vector<char>> linkHost(llvm::Module &Module,
                                            llvm::TargetMachine &Machine,
                                            mlir::ModuleOp Kernels);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H
