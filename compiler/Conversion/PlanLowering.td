//===- PlanLowering.td - ops that become launches ----------*- tablegen -*-===//
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
    An op that `m1-to-plan` turns into launches. The m1 dialect does not depend on plans: ops get the interface from
    external models, which the file with the op's lowering attaches (attachLowerings() in ProgramLowering.h).
  }];
  let methods = [
    InterfaceMethod<"Emits the op's launches and sets the memory of its results. Fails with a diagnostic.",
      "::llvm::LogicalResult", "lowerToPlan", (ins "::m1::ProgramLowering &":$Program)>,
  ];
}

#endif // M1C_CONVERSION_PLANLOWERING
