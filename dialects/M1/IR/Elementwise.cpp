//===- Elementwise.cpp - elementwise ops on blocks ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The computation of each elementwise op in upstream ops. C++ does not specify
// the order in which nested calls emit ops, so each op is emitted by a
// statement of its own.
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/Elementwise.h"

#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace m1;

/// A block of one number, of `Like`'s shape and element type.
static Value splat(ImplicitLocOpBuilder &Builder, double Number, Value Like) {
  auto Type = cast<VectorType>(Like.getType());
  return Builder.create<arith::ConstantOp>(DenseElementsAttr::get(
      Type, Builder.getFloatAttr(Type.getElementType(), Number)));
}

Value m1::sigmoid(ImplicitLocOpBuilder &Builder, Value Block) {
  Value One = splat(Builder, 1, Block);
  Value Zero = splat(Builder, 0, Block);
  Value Negated = Builder.create<arith::SubFOp>(Zero, Block);
  Value Exponential = Builder.create<math::ExpOp>(Negated);
  Value Denominator = Builder.create<arith::AddFOp>(One, Exponential);
  return Builder.create<arith::DivFOp>(One, Denominator);
}

Value m1::silu(ImplicitLocOpBuilder &Builder, Value Block) {
  return Builder.create<arith::MulFOp>(Block, sigmoid(Builder, Block));
}

Value CastOp::emitElementwise(ImplicitLocOpBuilder &, DictionaryAttr,
                              ValueRange Blocks) {
  return Blocks[0]; // the caller rounds
}

Value SiluOp::emitElementwise(ImplicitLocOpBuilder &Builder, DictionaryAttr,
                              ValueRange Blocks) {
  return silu(Builder, Blocks[0]);
}

Value SigmoidGateOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                     DictionaryAttr, ValueRange Blocks) {
  Value Gate = sigmoid(Builder, Blocks[1]);
  return Builder.create<arith::MulFOp>(Blocks[0], Gate);
}

Value SiluMulOp::emitElementwise(ImplicitLocOpBuilder &Builder, DictionaryAttr,
                                 ValueRange Blocks) {
  Value A = silu(Builder, Blocks[0]);
  return Builder.create<arith::MulFOp>(A, Blocks[1]);
}

Value ResidualOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                  DictionaryAttr Attributes,
                                  ValueRange Blocks) {
  auto Factor = [&](StringRef Name) {
    return splat(Builder, Attributes.getAs<FloatAttr>(Name).getValueAsDouble(),
                 Blocks[0]);
  };
  Value Alpha = Factor("alpha");
  Value Beta = Factor("beta");
  Value Residual = Builder.create<arith::MulFOp>(Blocks[0], Alpha);
  Value Branch = Builder.create<arith::MulFOp>(Blocks[1], Beta);
  return Builder.create<arith::AddFOp>(Residual, Branch);
}

Value SharedMixOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                   DictionaryAttr, ValueRange Blocks) {
  Value C = sigmoid(Builder, Blocks[2]);
  Value One = splat(Builder, 1, C);
  Value Rest = Builder.create<arith::SubFOp>(One, C);
  Value Moe = Builder.create<arith::MulFOp>(Blocks[0], Rest);
  Value Shared = Builder.create<arith::MulFOp>(Blocks[1], C);
  return Builder.create<arith::AddFOp>(Moe, Shared);
}

bool SharedMixOp::isPerToken(unsigned Operand) { return Operand == 2; }

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// s (1 + x (1 - s)), s = sigmoid(x): the derivative of silu.
static Value siluSlope(ImplicitLocOpBuilder &Builder, Value X) {
  Value S = sigmoid(Builder, X);
  Value One = splat(Builder, 1, X);
  Value Rest = Builder.create<arith::SubFOp>(One, S);
  Value Curve = Builder.create<arith::MulFOp>(X, Rest);
  Value Sum = Builder.create<arith::AddFOp>(One, Curve);
  return Builder.create<arith::MulFOp>(S, Sum);
}

Value ScaleOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                               DictionaryAttr Attributes, ValueRange Blocks) {
  Value Factor =
      splat(Builder, Attributes.getAs<FloatAttr>("factor").getValueAsDouble(),
            Blocks[0]);
  return Builder.create<arith::MulFOp>(Blocks[0], Factor);
}

Value SiluGradientOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                      DictionaryAttr, ValueRange Blocks) {
  Value Slope = siluSlope(Builder, Blocks[1]);
  return Builder.create<arith::MulFOp>(Blocks[0], Slope);
}

Value SigmoidGateGradientOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                             DictionaryAttr,
                                             ValueRange Blocks) {
  Value S = sigmoid(Builder, Blocks[2]);
  Value One = splat(Builder, 1, S);
  Value Rest = Builder.create<arith::SubFOp>(One, S);
  Value Slope = Builder.create<arith::MulFOp>(S, Rest);
  Value Product = Builder.create<arith::MulFOp>(Blocks[0], Blocks[1]);
  return Builder.create<arith::MulFOp>(Product, Slope);
}

Value SiluMulGradientOp::emitElementwise(ImplicitLocOpBuilder &Builder,
                                         DictionaryAttr, ValueRange Blocks) {
  Value Slope = siluSlope(Builder, Blocks[1]);
  Value Product = Builder.create<arith::MulFOp>(Blocks[0], Blocks[2]);
  return Builder.create<arith::MulFOp>(Product, Slope);
}
