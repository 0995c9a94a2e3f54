//===- LinearGradients.h - gradients of linear layers -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LINEARGRADIENTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_LINEARGRADIENTS_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// Adds dyᵀ x to the state, one token after the other, or with "list" as
/// addOverTokens() says. Grid: (blocks of its columns, blocks of its rows).
KernelDeclaration linearWeightGradientKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LINEARGRADIENTS_H
