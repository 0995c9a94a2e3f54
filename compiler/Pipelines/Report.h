//===- Report.h - figures of a model and its plan ---------------*- C++ -*-===//
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

/// Figures of a module of m1 ops: the number and bytes of its parameters, in
/// all and read per token (K of E experts, one row of the embedding), and
/// floating-point operations per token by kind of op (CostOpInterface). They
/// are those of the function with the most ops; the others compute parts of it.
std::vector<PlanFigure> modelFigures(mlir::ModuleOp Module);

/// Figures of a module whose buffers have offsets: the number of kernels, and
/// bytes by arena and kind of state.
std::vector<PlanFigure> planFigures(mlir::ModuleOp Module);

} // namespace m1

#endif // M1C_COMPILER_PIPELINES_REPORT_H
