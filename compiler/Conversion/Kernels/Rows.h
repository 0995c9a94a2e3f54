//===- Rows.h - kernels on whole rows ---------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_ROWS_H
#define M1C_COMPILER_CONVERSION_KERNELS_ROWS_H

#include "compiler/Conversion/Kernel.h"
#include "dialects/M1/IR/M1.h"

namespace m1 {

/// Rows of a table. A negative token, the result of a failed draw, reads row 0.
/// Grid: blocks of few rows.
KernelDeclaration embeddingKernel();
/// The same of the rows of a table from `first` on; -0 for tokens with another
/// row. Grid: blocks of few rows.
KernelDeclaration embeddingShardKernel();
/// 1 / sqrt(mean(x²) + eps) of each row of a block in f32, of a kernel with the
/// constant `eps`: the scale of the norm and of its gradients.
mlir::Value inverseRoots(KernelBody &B, mlir::Value X);
/// weight * x / sqrt(mean(x²) + eps). Grid: blocks of few rows.
KernelDeclaration rmsNormKernel();
/// The sum of squares of each row. Grid: blocks of few rows.
KernelDeclaration squaresKernel();
/// weight * x / sqrt(mean + eps), where the mean is the tree over `squares`
/// divided by the constant `columns`. Grid: blocks of few rows.
KernelDeclaration normalizeKernel();
/// The last row of each sequence; zeros for an empty one. Grid: sequences.
KernelDeclaration selectLastKernel();
/// Rotary position embedding, or its inverse. Grid: (blocks of few rows,
/// heads).
KernelDeclaration rotaryKernel(bool Inverse);
/// One elementwise op. Grid: blocks of few rows.
KernelDeclaration elementwiseKernel();

/// m1.embedding, m1.rms_norm and its halves, m1.select_last, m1.rotary, the ops
/// that view rows as heads, and every elementwise op.
void addRowLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_ROWS_H
