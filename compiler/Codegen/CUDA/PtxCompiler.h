//===- PtxCompiler.h - tile kernels to PTX ----------------------*- C++ -*-===//
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
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/Module.h"
#include <string>

namespace m1::codegen {

/// From tile kernels to one thread's code: loops, vectors and the GPU dialect.
void buildThreadPipeline(mlir::OpPassManager &Passes);
/// Everything from tile kernels to the LLVM and NVVM dialects.
void buildPtxPipeline(mlir::OpPassManager &Passes);

/// LLVM IR of a module that buildPtxPipeline has run over, optimised for
/// `Target`. Null after a message on standard error.
std::unique_ptr<llvm::Module> translateGpu(mlir::ModuleOp Module,
                                           llvm::LLVMContext &Context,
                                           tile::TargetAttr Target);

/// The PTX text of every function of `Module`. Fails after a message on
/// standard error.
llvm::FailureOr<std::string> emitPtx(llvm::Module &Module,
                                     tile::TargetAttr Target);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H
