//===- Collectives.h - kernels around exchanges of ranks -------*- C++ -*- ===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_COLLECTIVES_H
#define M1C_COMPILER_CONVERSION_KERNELS_COLLECTIVES_H

#include "compiler/Conversion/ModuleBuilder.h"

namespace m1 {

/// Puts the ranks' columns, which were gathered block by block, beside each
/// other. Grid: (blocks of few rows, blocks of columns, ranks).
KernelDeclaration placeColumnsKernel();
/// The tree over the partial sums of all ranks, which were gathered block by
/// block: `block` rows from each. They are row `place` * `block` and those
/// after it, of `rows` in all; those that do not exist become zeros. Grid:
/// (blocks of few rows, blocks of a group's columns, groups).
KernelDeclaration sumPartialsKernel();
/// Zeros in rows after the first `rows`. Grid: (rows, blocks of columns).
KernelDeclaration clearRowsKernel();
/// The columns of a block of each; `N` is how many there are.
int64_t columnBlock(int64_t N);

/// Rows beyond the `Rows` of a result that its memory needs, because it is
/// exchanged in blocks of ceil(Rows / ranks) rows each.
int64_t spareRows(mlir::Value Result, plan::ExprAttr Rows,
                  const Bounds &Limits);

/// m1.all_gather and m1.tree_sum.
void addCollectiveLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_COLLECTIVES_H
