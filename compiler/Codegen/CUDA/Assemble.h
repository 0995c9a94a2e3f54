//===- Assemble.h - ptxas on generated PTX ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H
#define M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H

#include "dialects/Tile/IR/Tile.h"
#include <string>
#include <vector>

namespace m1::codegen {

/// What a thread of an assembled kernel uses.
struct KernelResources {
  std::string Kernel;
  int64_t Registers = 0;
  int64_t SpilledBytes = 0; // from registers to local memory
};

/// Path of NVIDIA's assembler, in PATH or in the CUDA toolkit's folder; empty
/// if there is none.
std::string findAssembler();

/// Assembles PTX as a check; a plan contains the text, which the driver
/// assembles when the plan is loaded. Fails with a message of one line.
llvm::Expected<std::vector<KernelResources>>
assemble(llvm::StringRef Ptx, tile::TargetAttr Target,
         llvm::StringRef Assembler);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_ASSEMBLE_H
