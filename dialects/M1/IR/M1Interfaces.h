//===- M1Interfaces.h - interfaces of m1 ops --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_M1INTERFACES_H
#define M1C_DIALECTS_M1_IR_M1INTERFACES_H

#include "dialects/M1/IR/Gradients.h"
#include "dialects/M1/IR/Shardable.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

#include "dialects/M1/IR/M1Interfaces.h.inc"

namespace m1 {

/// Verifies that compiled code supports every use of f64 by `Op` and the ops
/// nested in it. Emits a diagnostic on the first that is not supported.
mlir::LogicalResult verifyF64(mlir::Operation *Op);

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_M1INTERFACES_H
