//===- ExpertGradients.h - gradients of experts -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_EXPERTGRADIENTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_EXPERTGRADIENTS_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The gradient of a router's weights in its logits. Grid: blocks of few rows.
KernelDeclaration routerGradientKernel();
/// The auxiliary loss of a router and its gradient. The packed weight is one
/// panel. Grid: blocks of few rows.
KernelDeclaration routerBalanceKernel();

/// What a pair's hidden row gets from dy: `hidden`, `gate_gradient` and
/// `up_gradient` of m1.experts_gradient, and the terms of the sum `dweights`.
/// Grid: as expertsUpKernel().
KernelDeclaration expertsHiddenGradientKernel();
/// da w1 + db w3 of each expert's pairs. Grid: as expertsDownKernel().
KernelDeclaration expertsInputGradientKernel();
/// The sum of each row. Grid: blocks of few rows.
KernelDeclaration rowSumKernel();
/// The sum of a token's K rows, in the order of its choices. Grid: blocks of
/// few rows.
KernelDeclaration sumChoicesKernel();

/// Adds leftᵀ right over each expert's pairs to the state, one after the other,
/// or with "twos" as addOverTokens() says. Grid: (blocks of its columns, blocks
/// of its rows, experts).
KernelDeclaration expertsWeightGradientKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_EXPERTGRADIENTS_H
