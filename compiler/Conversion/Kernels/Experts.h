//===- Experts.h - routing and expert products ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_EXPERTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_EXPERTS_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// Softmax over the experts, the K largest and their renormalised weights. The
/// packed weight is one panel. Grid: blocks of few rows.
KernelDeclaration routerKernel();
/// For each expert, from `first_expert` (0) on, the numbers t * K + k of the
/// pairs of a token t and its choice k that chose it, in ascending order, and
/// their count. Grid: experts.
KernelDeclaration routeKernel();
/// -0 as the outputs of each pair that chose none of the `expert_count` experts
/// from `first_expert` on. Grid: pairs.
KernelDeclaration fillAbsentKernel();
/// silu(x w1ᵀ) * (x w3ᵀ) of each expert's pairs. Grid: (blocks of rows, groups
/// of panels, experts).
KernelDeclaration expertsUpKernel();
/// hidden w2ᵀ of each expert's pairs; leaves and partial sums as in
/// linearKernel(). Grid: as expertsUpKernel().
KernelDeclaration expertsDownKernel();
/// The weighted sum of a token's K outputs, in the order of its choices. Grid:
/// blocks of few rows.
KernelDeclaration combineKernel();

/// m1.router, m1.experts and its halves.
void addExpertLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_EXPERTS_H
