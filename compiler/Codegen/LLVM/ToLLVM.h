//===- ToLLVM.h - from the LLVM dialect to machine code ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H
#define M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace m1::codegen {

/// How LLVM names a target.
struct MachineChoice {
  llvm::StringRef Triple, Processor, Features;
  std::optional<llvm::Reloc::Model> Relocation;
};

/// LLVM's machine, which must be among its initialised targets. It does not
/// contract products and sums to multiply-adds: the bits of a result must not
/// depend on the surrounding code.
std::unique_ptr<llvm::TargetMachine> createMachine(const MachineChoice &Choice);

/// LLVM IR of a module in the LLVM dialect (and NVVM). Null after a diagnostic.
std::unique_ptr<llvm::Module> translate(mlir::ModuleOp Module,
                                        llvm::LLVMContext &Context,
                                        const llvm::TargetMachine &Machine);

/// LLVM's optimisations at O2, without automatic vectorisation: kernels are
/// written with vectors.
void optimise(llvm::Module &Module, llvm::TargetMachine &Machine);

/// Assembly text or an object file of `Module`, which may change. Fails after a
/// diagnostic at the kernel, among the functions of `Kernels`, that LLVM cannot
/// compile.
llvm::FailureOr<llvm::SmallString<0>> emit(llvm::Module &Module,
                                           llvm::TargetMachine &Machine,
                                           llvm::CodeGenFileType Type,
                                           mlir::ModuleOp Kernels);

/// Begins an error at the kernel of this name: "kernel 'NAME' ".
mlir::InFlightDiagnostic emitKernelError(mlir::ModuleOp Kernels,
                                         llvm::StringRef Name);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_LLVM_TOLLVM_H
