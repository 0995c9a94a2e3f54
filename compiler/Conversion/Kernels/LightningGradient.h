//===- LightningGradient.h - gradients of lightning attention ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LIGHTNINGGRADIENT_H
#define M1C_COMPILER_CONVERSION_KERNELS_LIGHTNINGGRADIENT_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The states before and the gradients of the states after each chunk, S^T and
/// dS [rows, H, D, D], each in the row of chunkRow(). The first chunk's S and
/// the last chunk's dS are 0 and not written. Grid: (sequences, heads, 2
/// parts): S^T and then dS, in parts of their rows.
KernelDeclaration lightningStatesKernel();

/// dq, dk and dv of each chunk from those states. Grid: (sequences, heads,
/// chunks).
KernelDeclaration lightningGradientKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LIGHTNINGGRADIENT_H
