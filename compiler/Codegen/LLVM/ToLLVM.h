//===- ToLLVM.h - what all targets do with LLVM -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H
#define M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace m1::codegen {

/// What a target needs of LLVM to be chosen. `Processor` and `Features` as LLVM
/// names them.
struct MachineChoice {
  llvm::StringRef Triple, Processor, Features;
  std::optional<llvm::Reloc::Model> Relocation;
};

/// LLVM's machine, set up so that products and sums are fused only where a
/// kernel says so: the bits of a result must not depend on what surrounds it.
/// Null after a message on standard error.
std::unique_ptr<llvm::TargetMachine> createMachine(const MachineChoice &Choice);

/// From functions of loops, scalars and vectors to the LLVM dialect, without a
/// call to any library.
void buildLLVMPipeline(mlir::OpPassManager &Passes);

/// LLVM IR of a module in the LLVM dialect (and NVVM). Null after a diagnostic.
std::unique_ptr<llvm::Module> translate(mlir::ModuleOp Module,
                                        llvm::LLVMContext &Context,
                                        const llvm::TargetMachine &Machine);

/// LLVM's standard optimisations for `Machine`; no automatic vectorisation, for
/// kernels say what they want.
void optimise(llvm::Module &Module, llvm::TargetMachine &Machine);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H
