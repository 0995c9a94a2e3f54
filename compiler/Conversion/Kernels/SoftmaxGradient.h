//===- SoftmaxGradient.h - gradients of softmax attention -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_SOFTMAXGRADIENT_H
#define M1C_COMPILER_CONVERSION_KERNELS_SOFTMAXGRADIENT_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The transposed keys and values of each block of keys, [rows, G, D, C], in
/// the row of chunkRow(). Grid: (sequences, key/value heads, key blocks).
KernelDeclaration transposedKeysKernel();

/// For each query the logarithm of the sum of e^score, and dy·result. Grid:
/// (sequences, heads, query blocks).
KernelDeclaration softmaxStatisticsKernel();

/// dq, dk and dv. Grid: (sequences, key/value heads).
KernelDeclaration softmaxGradientKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_SOFTMAXGRADIENT_H
