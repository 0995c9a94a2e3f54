//===- PartialSums.h - how a kernel sums products ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_PARTIALSUMS_H
#define M1C_COMPILER_CONVERSION_KERNELS_PARTIALSUMS_H

#include "compiler/Conversion/KernelBody.h"

namespace m1 {

/// The partial sums of a product: `Count` of them, each of `Terms` terms in
/// `Leaves` leaves.
struct PartialSums {
  int64_t Count, Terms, Leaves;

  /// Of K terms, in a kernel with the constant `sums`.
  PartialSums(KernelBody &B, int64_t K);

  /// The constant `sums` of a launch: the numbers of leaves and of partial
  /// sums, where they are not 1.
  static mlir::Attribute constant(mlir::IntegerAttr Leaves,
                                  mlir::IntegerAttr Partials);
  /// That of a single chain.
  static mlir::Attribute chain(mlir::MLIRContext *Context);
};

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_PARTIALSUMS_H
