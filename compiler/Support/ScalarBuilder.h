//===- ScalarBuilder.h - building arithmetic and control flow ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_SUPPORT_SCALARBUILDER_H
#define M1C_COMPILER_SUPPORT_SCALARBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cstdint>

namespace m1 {

/// A builder with short names for index arithmetic, loops and branches. New ops
/// get the builder's current location.
class ScalarBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using mlir::ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Index arithmetic. Dividends are at least 0, so quotients round down.
  mlir::Value index(int64_t Value);
  mlir::Value plus(mlir::Value A, mlir::Value C);
  mlir::Value plus(mlir::Value A, int64_t C);
  mlir::Value minus(mlir::Value A, mlir::Value C);
  mlir::Value times(mlir::Value A, mlir::Value C);
  mlir::Value times(mlir::Value A, int64_t C);
  mlir::Value over(mlir::Value A, mlir::Value C);
  mlir::Value over(mlir::Value A, int64_t C);
  mlir::Value modulo(mlir::Value A, mlir::Value C);
  mlir::Value modulo(mlir::Value A, int64_t C);
  mlir::Value smaller(mlir::Value A, mlir::Value C); // signed
  mlir::Value larger(mlir::Value A, mlir::Value C);  // signed
  mlir::Value less(mlir::Value A, mlir::Value C);    // signed
  mlir::Value equal(mlir::Value A, mlir::Value C);
  mlir::Value equal(mlir::Value A, int64_t C);
  mlir::Value compare(mlir::arith::CmpIPredicate P, mlir::Value A,
                      mlir::Value C);
  /// The conjunction of two conditions; a null condition is true.
  mlir::Value both(mlir::Value A, mlir::Value C);
  mlir::Value select(mlir::Value Condition, mlir::Value A, mlir::Value C);
  mlir::Value toI32(mlir::Value Index);
  mlir::Value toI64(mlir::Value Index);
  mlir::Value toIndex(mlir::Value Integer);

  /// A float or a vector of floats, converted to element type `Element`;
  /// returns `V` where it has that type already.
  mlir::Value convertFloat(mlir::Value V, mlir::Type Element);

  // Control flow. A null condition is true.
  void ifThen(mlir::Value Condition, llvm::function_ref<void()> Then);
  void loop(mlir::Value From, mlir::Value To,
            llvm::function_ref<void(mlir::Value)> Body, int64_t Step = 1);
  /// A loop that carries values: `Body` returns those of the next iteration.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value From, mlir::Value To, mlir::ValueRange Carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           Body,
       int64_t Step = 1);
};

} // namespace m1

#endif // M1C_COMPILER_SUPPORT_SCALARBUILDER_H
