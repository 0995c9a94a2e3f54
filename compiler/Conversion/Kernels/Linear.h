//===- Linear.h - linear layers ---------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LINEAR_H
#define M1C_COMPILER_CONVERSION_KERNELS_LINEAR_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// x weightᵀ, then the elementwise steps of the epilogue, each on the result of
/// the one before and on inputs from memory. The sums have `leaves`; with
/// `partials` M > 1, which have no epilogue, the result has N columns for each
/// partial sum. Grid: (blocks of rows, groups of
/// panels).
KernelDeclaration linearKernel();

/// m1.linear and m1.fused.
void addLinearLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LINEAR_H
