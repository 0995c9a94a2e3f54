//===- Sizes.h - how large tensors may be -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers enforce these limits, so that sizes and offsets which are computed
// from extents fit in 64 bits everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_SIZES_H
#define M1C_DIALECTS_M1_IR_SIZES_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OpDefinition.h"

namespace m1 {

/// The largest extent of an axis: tokens, experts and slots are numbered in
/// i32.
inline constexpr int64_t kMaxExtent = (int64_t(1) << 31) - 1;

/// The most elements of a tensor, or of one of its rows if axis 0 is dynamic.
/// The experts of one layer of the largest published models have 2^32. The
/// product with 2^31 rows of 8 bytes is beyond 64 bits, which the code that
/// computes it reports; products with a stride and the size of an element are
/// not.
inline constexpr int64_t kMaxElements = int64_t(1) << 40;

/// The most experts of a token that are compiled: some kernels have code for
/// each. Published models choose up to 22.
inline constexpr int64_t kMaxChoices = 64;

/// Verifies that a tensor of type `Ty` keeps these limits. Types that are no
/// tensors do.
mlir::LogicalResult
verifySize(llvm::function_ref<mlir::InFlightDiagnostic()> EmitError,
           mlir::Type Ty);

/// The trait of an op whose operands and results keep these limits.
template <typename ConcreteType>
struct BoundedTensors : mlir::OpTrait::TraitBase<ConcreteType, BoundedTensors> {
  static mlir::LogicalResult verifyTrait(mlir::Operation *Op) {
    auto EmitError = [Op] { return Op->emitOpError(); };
    for (mlir::Type Ty : Op->getOperandTypes())
      if (failed(verifySize(EmitError, Ty)))
        return mlir::failure();
    for (mlir::Type Ty : Op->getResultTypes())
      if (failed(verifySize(EmitError, Ty)))
        return mlir::failure();
    return mlir::success();
  }
};

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_SIZES_H
