//===- Passes.td - passes on plans -------------------------*- tablegen -*-===//
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
  let summary = "Assigns offsets to buffers and globals";
  let description = [{
    Buffers of a program share one arena, sized for the symbols' bounds. Two buffers may share bytes if their live
    ranges, from first to last use, do not overlap. All programs use the same arena. Weights are adjacent in another
    arena, constants in a third; each state has an arena to itself. Offsets are multiples of 64 bytes.

    Sets `offset` on `plan.buffer` and `plan.global`, and the module attributes `plan.activation_bytes`,
    `plan.weight_bytes` and `plan.constant_bytes`.
  }];
  let dependentDialects = ["::m1::plan::PlanDialect"];
}

def PlanVerify : Pass<"plan-verify", "::mlir::ModuleOp"> {
  let summary = "Verifies that a plan can be written and executed";
  let description = [{
    Changes nothing. Fails unless, for the symbols' bounds,

    - every symbol has a bound of at least 1;
    - every buffer and global has an offset that is a multiple of 64 and ends inside its arena; globals of one arena
      share no bytes; each state is at offset 0 of its own arena;
    - programs consist of steps and of ops that denote memory; their arguments and parameters have element types that a
      file can hold; `init` has no arguments;
    - every operand of a step is a scalar or memory that a file can describe, and does not reach beyond the memory that
      it views;
    - no step reads a buffer before a step writes to it, or uses one after a write to another buffer in the same bytes,
      or uses two buffers that share bytes;
    - steps write outputs and buffers; weights in `init` only; states in other programs only; inputs, parameters and
      constants never.

    It does not rely on `plan-assign-buffers`: it replays the steps on the offsets that it finds.
  }];
  let dependentDialects = ["::m1::plan::PlanDialect"];
}

#endif // M1C_PLAN_PASSES
