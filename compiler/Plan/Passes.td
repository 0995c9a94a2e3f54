//===- Passes.td - passes on plans --------------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_PLAN_PASSES
#define M1C_PLAN_PASSES

include "mlir/Pass/PassBase.td"

def PlanAssignBuffers : Pass<"plan-assign-buffers", "::mlir::ModuleOp"> {
  let summary = "Gives every buffer and global its place";
  let description = [{
    Buffers of a program share one arena, sized for the symbols' greatest values; two share bytes where their lives, from
    first to last use, do not overlap. All programs use the same arena. Weights lie one after the other in theirs, and
    so do constants; each state has an arena to itself. Offsets are multiples of 64 bytes.

    Sets `offset` on `plan.buffer` and `plan.global`, and the module attributes `plan.activation_bytes`,
    `plan.weight_bytes` and `plan.constant_bytes`.
  }];
  let dependentDialects = ["::m1::plan::PlanDialect"];
}

#endif // M1C_PLAN_PASSES
