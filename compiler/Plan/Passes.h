//===- Passes.h - passes on plans -------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PLAN_PASSES_H
#define M1C_COMPILER_PLAN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace m1 {

/// Module attributes that plan-assign-buffers sets: bytes of the arenas.
inline constexpr llvm::StringLiteral kActivationBytesAttr =
    "plan.activation_bytes";
inline constexpr llvm::StringLiteral kWeightBytesAttr = "plan.weight_bytes";
inline constexpr llvm::StringLiteral kConstantBytesAttr = "plan.constant_bytes";

#define GEN_PASS_DECL
#include "compiler/Plan/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Plan/Passes.h.inc"

} // namespace m1

#endif // M1C_COMPILER_PLAN_PASSES_H
