//===- Differentiate.cpp - derivatives of the ops -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DifferentiableOpInterface. M1TrainingOps.td has the equations.
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/Gradients.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace m1;

GradientBuilder::~GradientBuilder() = default;

void GradientBuilder::add(Value V, Value Gradient) {
  Value &Sum = Gradients[V];
  if (!Sum) {
    Sum = Gradient;
    return;
  }
  FloatAttr One = getF64FloatAttr(1);
  Sum = create<ResidualOp>(Sum.getType(), Sum, Gradient, One, One);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void EmbeddingOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult());
  G.addToParameter(getTable(), [&](Value State) {
    return G.create<EmbeddingGradientOp>(State.getType(), Dy, getTokens(),
                                         State);
  });
}

/// Gradients are f32 whatever the element types: rounding counts as the
/// identity.
void CastOp::differentiate(GradientBuilder &G) {
  G.add(getOperand(), G.of(getResult()));
}

/// Whether the gradients of a product of `X` with `Weight` are computed from
/// rounded numbers: where the product itself is, so that a matrix unit that
/// multiplies in the forward pass multiplies in the backward pass as well.
static bool isRounded(Value X, Value Weight) {
  return getElementTypeOrSelf(X).isBF16() &&
         getElementTypeOrSelf(Weight).isBF16();
}

/// The gradient `Dy` of such a product's result as other products read it.
static Value rounded(GradientBuilder &G, Value Dy) {
  auto Type = cast<RankedTensorType>(Dy.getType());
  return G.create<CastOp>(Type.clone(BFloat16Type::get(G.getContext())), Dy);
}

/// The gradients of a product's operands.
static void differentiateProduct(GradientBuilder &G, Value X, Value Weight,
                                 Value Dy) {
  // Sums of rounded rows take the tokens of a sequence in pairs.
  Value Sequences;
  if (isRounded(X, Weight)) {
    Dy = rounded(G, Dy);
    Sequences = G.sequences();
  }
  G.addToParameter(Weight, [&](Value State) {
    return G.create<LinearWeightGradientOp>(State.getType(), Dy, X, State,
                                            Sequences);
  });
  G.add(X, G.create<LinearTransposedOp>(G.typeFor(X), Dy, Weight));
}

void LinearOp::differentiate(GradientBuilder &G) {
  differentiateProduct(G, getX(), getWeight(), G.of(getResult()));
}

void RMSNormOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult());
  G.addToParameter(getWeight(), [&](Value State) {
    return G.create<RMSNormWeightGradientOp>(State.getType(), Dy, getX(), State,
                                             getEpsAttr());
  });
  G.add(getX(), G.create<RMSNormGradientOp>(G.typeFor(getX()), Dy, getX(),
                                            getWeight(), getEpsAttr()));
}

void SiluOp::differentiate(GradientBuilder &G) {
  Value X = getOperand();
  G.add(X, G.create<SiluGradientOp>(G.typeFor(X), G.of(getResult()), X));
}

void SigmoidGateOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult()), X = getX(), Gate = getGate();
  G.add(Gate, G.create<SigmoidGateGradientOp>(G.typeFor(Gate), Dy, X, Gate));
  G.add(X, G.create<SigmoidGateOp>(G.typeFor(X), Dy, Gate));
}

void SiluMulOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult()), A = getA(), B = getB();
  G.add(B, G.create<SiluMulOp>(G.typeFor(B), A, Dy));
  G.add(A, G.create<SiluMulGradientOp>(G.typeFor(A), Dy, A, B));
}

void ResidualOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult());
  auto Scaled = [&](FloatAttr Factor) -> Value {
    if (Factor.getValue().isExactlyValue(1))
      return Dy;
    return G.create<ScaleOp>(Dy.getType(), Dy, Factor);
  };
  G.add(getBranch(), Scaled(getBetaAttr()));
  G.add(getResidual(), Scaled(getAlphaAttr()));
}

void SharedMixOp::differentiate(GradientBuilder &G) {
  auto Gradients = G.create<SharedMixGradientOp>(
      G.typeFor(getMoe()), G.typeFor(getShared()), G.typeFor(getCoefficient()),
      G.of(getResult()), getMoe(), getShared(), getCoefficient());
  G.add(getCoefficient(), Gradients.getCoefficientGradient());
  G.add(getShared(), Gradients.getSharedGradient());
  G.add(getMoe(), Gradients.getMoeGradient());
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

void SplitQKVOp::differentiate(GradientBuilder &G) {
  assert(G.of(getQ()) && G.of(getK()) && G.of(getV()) &&
         "attention uses q, k and v");
  G.add(getOperand(),
        G.create<MergeQKVOp>(G.typeFor(getOperand()), G.of(getQ()),
                             G.of(getK()), G.of(getV())));
}

void SplitHeadsOp::differentiate(GradientBuilder &G) {
  G.add(getOperand(),
        G.create<MergeHeadsOp>(G.typeFor(getOperand()), G.of(getResult())));
}

void MergeHeadsOp::differentiate(GradientBuilder &G) {
  G.add(getOperand(),
        G.create<SplitHeadsOp>(G.typeFor(getOperand()), G.of(getResult())));
}

void RotaryOp::differentiate(GradientBuilder &G) {
  UnitAttr Inverse = getInverse() ? UnitAttr() : G.getUnitAttr();
  G.add(getX(),
        G.create<RotaryOp>(G.typeFor(getX()), G.of(getResult()), getPositions(),
                           getThetaAttr(), getRotaryDimAttr(), Inverse));
}

void LightningAttentionOp::differentiate(GradientBuilder &G) {
  Type Ty = G.typeFor(getQ());
  auto Gradients = G.create<LightningAttentionGradientOp>(
      Ty, Ty, Ty, G.of(getResult()), getQ(), getK(), getV(), getCuSeqlens(),
      getSlopesAttr(), G.getI64IntegerAttr(getState().getType().getChunk()));
  G.add(getQ(), Gradients.getDq());
  G.add(getK(), Gradients.getDk());
  G.add(getV(), Gradients.getDv());
}

void SoftmaxAttentionOp::differentiate(GradientBuilder &G) {
  auto Gradients = G.create<SoftmaxAttentionGradientOp>(
      G.typeFor(getQ()), G.typeFor(getK()), G.typeFor(getV()),
      G.of(getResult()), getQ(), getK(), getV(), getResult(), getCuSeqlens(),
      getScaleAttr());
  G.add(getQ(), Gradients.getDq());
  G.add(getK(), Gradients.getDk());
  G.add(getV(), Gradients.getDv());
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

void RouterOp::differentiate(GradientBuilder &G) {
  const int64_t Experts =
      cast<RankedTensorType>(getWeight().getType()).getDimSize(0);
  auto Rows = cast<RankedTensorType>(getWeights().getType());
  auto Logits = RankedTensorType::get({Rows.getDimSize(0), Experts},
                                      Rows.getElementType());
  Value Dlogits = G.create<RouterGradientOp>(Logits, G.of(getWeights()),
                                             getExperts(), getWeights());
  differentiateProduct(G, getX(), getWeight(), Dlogits);
}

void RouterBalanceOp::differentiate(GradientBuilder &G) {
  differentiateProduct(G, getX(), getWeight(), getGradient());
}

void ExpertsOp::differentiate(GradientBuilder &G) {
  Value Dy = G.of(getResult()), Sequences;
  if (isRounded(getX(), getW1())) {
    Dy = rounded(G, Dy);
    Sequences = G.sequences();
  }
  ArrayRef<int64_t> Choices =
      cast<RankedTensorType>(getExperts().getType()).getShape();
  const int64_t Width = cast<RankedTensorType>(getW1().getType()).getDimSize(1);
  Type Hidden = RankedTensorType::get({Choices[0], Choices[1], Width},
                                      getElementTypeOrSelf(Dy));
  auto Gradients = G.create<ExpertsGradientOp>(
      G.typeFor(getX()), G.typeFor(getWeights()), Hidden, Hidden, Hidden, Dy,
      getX(), getExperts(), getWeights(), getW1(), getW3(), getW2(),
      /*products=*/ValueRange());
  auto AddTo = [&](Value Weight, Value Left, Value Right) {
    G.addToParameter(Weight, [&](Value State) {
      return G.create<ExpertsWeightGradientOp>(State.getType(), Left, Right,
                                               getExperts(), State, Sequences);
    });
  };
  AddTo(getW2(), Dy, Gradients.getHidden());
  AddTo(getW3(), Gradients.getUpGradient(), getX());
  AddTo(getW1(), Gradients.getGateGradient(), getX());
  G.add(getX(), Gradients.getDx());
  G.add(getWeights(), Gradients.getDweights());
}

//===----------------------------------------------------------------------===//
// The loss
//===----------------------------------------------------------------------===//

bool RouterBalanceOp::isLoss() { return true; }
bool PolicyHeadOp::isLoss() { return true; }

/// The gradient of the head's weight is the op's own.
void PolicyHeadOp::differentiate(GradientBuilder &G) {
  G.add(getX(), getXGradient());
}
