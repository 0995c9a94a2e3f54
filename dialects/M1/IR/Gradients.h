//===- Gradients.h - what ops' derivatives are written with -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_GRADIENTS_H
#define M1C_DIALECTS_M1_IR_GRADIENTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace m1 {

/// The gradients of a function's values while `m1-differentiate` goes through
/// its ops from the last to the first; and the builder that emits them.
///
/// A gradient is a tensor of f32 with the shape of its value.
class GradientBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  virtual ~GradientBuilder();

  /// The gradient of a value; null if nothing in the loss depends on it.
  mlir::Value of(mlir::Value V) const { return Gradients.lookup(V); }

  /// Adds to the gradient of `V`. A value with several uses gets the sum of
  /// theirs, from the last use to the first.
  void add(mlir::Value V, mlir::Value Gradient);

  /// Adds to the gradient of a parameter, which `Weight` loads. `Emit` gets the
  /// tensor state that holds the gradient and returns the updated value.
  virtual void
  addToParameter(mlir::Value Weight,
                 llvm::function_ref<mlir::Value(mlir::Value)> Emit) = 0;

  /// The offsets of the batch's sequences, cu_seqlens; null if no op has them.
  mlir::Value sequences() const { return Sequences; }

  /// The type of the gradient of `V`.
  mlir::RankedTensorType typeFor(mlir::Value V) {
    return llvm::cast<mlir::RankedTensorType>(V.getType())
        .clone(mlir::Float32Type::get(getContext()));
  }

protected:
  mlir::Value Sequences;

private:
  llvm::DenseMap<mlir::Value, mlir::Value> Gradients;
};

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_GRADIENTS_H
