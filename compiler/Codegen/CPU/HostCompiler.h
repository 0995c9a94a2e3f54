//===- HostCompiler.h - tile kernels to an ELF shared object ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H
#define M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"
#include <string>
#include <vector>

namespace m1::codegen {

/// A kind of CPU that code is made for.
struct HostTarget {
  std::string Name;                  // as --target-cpu takes it
  std::string Processor;             // LLVM's name
  std::vector<std::string> Features; // all that the code may use, for the plan
  int64_t Lanes = 8, Registers = 16;
  bool Tiles = false; // AMX
};

/// The target called `Name`: "x86-64-v3" (AVX2, FMA) or "x86-64-v4" (AVX-512),
/// each also with "+amx" (products of bf16 on AMX tiles), or "native", the best
/// of them that this machine can run. Fails for any other name, and for
/// "native" on older machines.
llvm::Expected<HostTarget> findHostTarget(llvm::StringRef Name);

/// Everything from tile kernels to the LLVM dialect.
void buildHostPipeline(mlir::OpPassManager &Passes, const HostTarget &Target);

/// LLVM IR of a module that buildHostPipeline has run over, optimised for
/// `Target`. Null after a diagnostic.
std::unique_ptr<llvm::Module> translateHost(mlir::ModuleOp Module,
                                            llvm::LLVMContext &Context,
                                            const HostTarget &Target);

/// The bytes of an ELF shared object that exports every function of `Module`.
llvm::FailureOr<std::vector<char>> linkHost(llvm::Module &Module,
                                            const HostTarget &Target);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTCOMPILER_H
