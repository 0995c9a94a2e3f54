//===- Elementwise.h - elementwise ops on blocks ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_ELEMENTWISE_H
#define M1C_DIALECTS_M1_IR_ELEMENTWISE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace m1 {

/// 1 / (1 + exp(0 - Block)), on a vector of floats.
mlir::Value sigmoid(mlir::ImplicitLocOpBuilder &Builder, mlir::Value Block);

/// Block * sigmoid(Block), on a vector of floats.
mlir::Value silu(mlir::ImplicitLocOpBuilder &Builder, mlir::Value Block);

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_ELEMENTWISE_H
