//===- Report.h - what a model costs ----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PIPELINES_REPORT_H
#define M1C_COMPILER_PIPELINES_REPORT_H

#include "compiler/Plan/Writer.h"
#include "mlir/IR/BuiltinOps.h"

namespace m1 {

/// Figures of a module of m1 ops: parameters and bytes in all; the same that
/// one token makes the model read (K of E experts, one row of the embedding);
/// floating-point operations a token by kind of op, a product and a sum counted
/// as two. Softmax attention is counted for each key that a token sees, since
/// it grows with the context. Of several functions, the one with the most ops
/// counts: the others are parts of it.
std::vector<PlanFigure> modelFigures(mlir::ModuleOp Module);

/// Figures of a module whose buffers have their places: kernels, and bytes by
/// arena and kind of state.
std::vector<PlanFigure> planFigures(mlir::ModuleOp Module);

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_REPORT_H
