//===- InterpretableOpInterface.td - ops that can be run ---*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_REFERENCE_INTERPRETABLEOPINTERFACE
#define M1_REFERENCE_INTERPRETABLEOPINTERFACE

include "mlir/IR/OpBase.td"

def InterpretableOpInterface : OpInterface<"InterpretableOpInterface"> {
  let cppNamespace = "::m1::reference";
  let description = [{
    An op that the reference interpreter evaluates. The dialects do not depend on the interpreter: ops get the interface
    from external models, which `registerInterpreter` attaches.
  }];
  let methods = [
    InterfaceMethod<[{
        Evaluates the op: takes the values of its operands from `Values` and sets those of its results there. The
        operands have the axes that `OperandAxesOpInterface` states. Emits a diagnostic on failure.
      }],
      "::llvm::LogicalResult", "interpret", (ins "::m1::reference::Frame &":$Values)>,
  ];
}

#endif // M1_REFERENCE_INTERPRETABLEOPINTERFACE
