//===- M1.h - the model dialect ---------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one header of the m1 dialect: its types, attributes and operations.
// docs/reference/ops-m1.md, generated from M1Ops.td, defines each operation.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_M1_H
#define M1C_DIALECTS_M1_IR_M1_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/M1/IR/Attributes.h"
#include "dialects/M1/IR/M1Interfaces.h"
#include "dialects/M1/IR/Sharding.h"
#include "dialects/M1/IR/Sizes.h"

#include "dialects/M1/IR/M1Dialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/M1/IR/M1Types.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/M1/IR/M1Attrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/M1/IR/M1Ops.h.inc"

#endif // M1C_DIALECTS_M1_IR_M1_H
