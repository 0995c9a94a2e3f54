//===- Assemble.h - ptxas on generated PTX ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H
#define M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H

#include "compiler/Codegen/CUDA/PtxCompiler.h"
#include <vector>

namespace m1::codegen {

/// What a thread of a kernel takes once the kernel is assembled.
struct KernelResources {
  std::string Kernel;
  int64_t Registers = 0;
  int64_t SpilledBytes = 0; // stored to local memory for want of registers
};

/// Path of NVIDIA's assembler: in PATH or where the CUDA toolkit puts it; empty
/// where there is none.
std::string findAssembler();

/// Assembles PTX to check it: the plan keeps the text, which the driver
/// assembles again for the GPU that is there. Fails after a message on standard
/// error.
llvm::FailureOr<std::vector<KernelResources>>
assemble(llvm::StringRef Ptx, tile::TargetAttr Target,
         llvm::StringRef Assembler);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H
