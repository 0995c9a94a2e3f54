//===- PlanLowering.td - ops that become launches -----------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_CONVERSION_PLANLOWERING
#define M1C_CONVERSION_PLANLOWERING

include "mlir/IR/OpBase.td"

def PlanLoweringOpInterface : OpInterface<"PlanLoweringOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op that `m1-to-plan` turns into launches. The m1 dialect knows nothing of plans, so its ops get the interface from
    outside: the file that holds an op's lowering attaches it (attachLowerings() in ProgramLowering.h).
  }];
  let methods = [
    InterfaceMethod<"Emits the op's launches and sets the memory of its results. Fails with a diagnostic.",
      "::llvm::LogicalResult", "lowerToPlan", (ins "::m1::ProgramLowering &":$Program)>,
  ];
}

#endif // M1C_CONVERSION_PLANLOWERING
