//===- PtxCompiler.h - kernels to PTX ---------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H
#define M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H

#include "dialects/Tile/IR/Tile.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <string>

namespace m1::codegen {

/// LLVM's machine for a GPU target.
std::unique_ptr<llvm::TargetMachine> createGpuMachine(tile::TargetAttr Target);

/// Optimised LLVM IR of lowered kernels, in the LLVM and NVVM dialects. Null
/// after a diagnostic.
std::unique_ptr<llvm::Module> translateGpu(mlir::ModuleOp Kernels,
                                           llvm::LLVMContext &Context,
                                           llvm::TargetMachine &Machine);

/// The PTX text of `Module`, which is the LLVM IR of `Kernels`. Fails after a
/// diagnostic.
llvm::FailureOr<std::string> emitPtx(llvm::Module &Module,
                                     llvm::TargetMachine &Machine,
                                     mlir::ModuleOp Kernels);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H
