//===- Passes.h - passes from m1 to m1 --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_TRANSFORMS_PASSES_H
#define M1C_COMPILER_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace m1 {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Transforms/Passes.h.inc"

} // namespace m1

#endif // M1C_COMPILER_TRANSFORMS_PASSES_H
