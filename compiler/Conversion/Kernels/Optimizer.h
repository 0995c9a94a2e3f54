//===- Optimizer.h - the optimiser ------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H
#define M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The number of cells that cover a flat tensor.
int64_t flatCells(int64_t Elements, const Blocking &Blocks);

/// to += from, from = 0. Grid: flatCells.
KernelDeclaration moveKernel();

/// A step of AdamW on flat tensors. Grid: cells of a flat tensor.
KernelDeclaration adamWKernel();
/// The sum of squares of each cell of a flat tensor. Grid: those cells.
KernelDeclaration squaredSumsKernel();
/// The sum of numbers, in a fixed order. Grid: one cell.
KernelDeclaration joinSumsKernel();
/// The norm of gradients, its clipping and whether a step is made. Grid: one
/// cell.
KernelDeclaration clipNormKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H
