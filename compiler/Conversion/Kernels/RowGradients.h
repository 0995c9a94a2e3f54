//===- RowGradients.h - gradients on rows -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_ROWGRADIENTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_ROWGRADIENTS_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// state[tokens[t]] += dy[t]. Grid: blocks of columns, each of which adds the
/// rows of all tokens in their order.
KernelDeclaration embeddingGradientKernel();
/// The gradient of an RMS norm in x. Grid: blocks of few rows.
KernelDeclaration rmsNormGradientKernel();
/// 1 / sqrt(mean(x²) + eps) of each row. Grid: blocks of few rows.
KernelDeclaration inverseRootsKernel();
/// state += Σ_t dy[t] * x[t] * roots[t]. Grid: blocks of columns, each of which
/// adds the terms of all tokens in their order.
KernelDeclaration rmsNormWeightGradientKernel();
/// The gradients of a shared mix. Grid: blocks of few rows.
KernelDeclaration sharedMixGradientKernel();
/// q, k and v of each head beside each other. Grid: (blocks of few rows,
/// heads).
KernelDeclaration mergeQKVKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_ROWGRADIENTS_H
