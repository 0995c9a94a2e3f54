//===- PtxCompiler.h - tile kernels to PTX ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H
#define M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include <string>

namespace m1::codegen {

/// Everything from tile kernels to the LLVM and NVVM dialects.
void buildPtxPipeline(mlir::OpPassManager &Passes);

/// PTX text of a module that buildPtxPipeline has run over, for an architecture
/// such as "sm_80". Fails after a message on standard error.
llvm::FailureOr<std::string> translatePtx(mlir::ModuleOp Module,
                                          llvm::StringRef Architecture);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_PTXCOMPILER_H
