//===- Passes.h - code generation passes ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_PASSES_H
#define M1C_COMPILER_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace m1 {

/// Attribute of a lowered kernel: bytes of scratch memory per grid cell.
inline constexpr llvm::StringLiteral kScratchBytesAttr = "tile.scratch_bytes";

/// Attribute of a lowered kernel for a GPU: threads per thread block.
inline constexpr llvm::StringLiteral kThreadsAttr = "tile.threads";

#define GEN_PASS_DECL
#include "compiler/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Codegen/Passes.h.inc"

} // namespace m1

#endif // M1C_COMPILER_CODEGEN_PASSES_H
