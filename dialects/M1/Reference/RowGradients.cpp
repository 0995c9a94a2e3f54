//===- RowGradients.cpp - gradients of ops on rows ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/TrainingOperations.h"
#include <algorithm>
#include <cmath>

using namespace m1::reference;

static double sigmoid(double X) { return 1.0 / (1.0 + std::exp(-X)); }

/// The derivative of x sigmoid(x).
static double siluSlope(double X) {
  const double S = sigmoid(X);
  return S * (1.0 + X * (1.0 - S));
}

/// 1 / sqrt(mean(x²) + eps) of the row `T`.
static double inverseRoot(const Tensor &X, int64_t T, double Eps) {
  double Squares = 0.0;
  for (int64_t N = 0; N < X.Shape[1]; ++N)
    Squares += X.row(T)[N] * X.row(T)[N];
  return 1.0 / std::sqrt(Squares / static_cast<double>(X.Shape[1]) + Eps);
}

void m1::reference::embeddingGradient(const Tensor &Dy, const Tensor &Tokens,
                                      Tensor &To) {
  for (int64_t T = 0; T < Dy.Shape[0]; ++T)
    for (int64_t D = 0; D < Dy.Shape[1]; ++D)
      To.row(Tokens.Integers[T])[D] += Dy.row(T)[D];
}

Tensor m1::reference::rmsNormGradient(const Tensor &Dy, const Tensor &X,
                                      const Tensor &Weight, double Eps) {
  Tensor Result = Tensor::reals(X.Shape);
  const int64_t Width = X.Shape[1];
  for (int64_t T = 0; T < X.Shape[0]; ++T) {
    const double S = inverseRoot(X, T, Eps);
    double Sum = 0.0;
    for (int64_t N = 0; N < Width; ++N)
      Sum += Dy.row(T)[N] * Weight.Reals[N] * X.row(T)[N];
    const double Mean = Sum / static_cast<double>(Width);
    for (int64_t N = 0; N < Width; ++N)
      Result.row(T)[N] =
          S * (Dy.row(T)[N] * Weight.Reals[N] - X.row(T)[N] * S * S * Mean);
  }
  return Result;
}

void m1::reference::rmsNormWeightGradient(const Tensor &Dy, const Tensor &X,
                                          double Eps, Tensor &To) {
  for (int64_t T = 0; T < X.Shape[0]; ++T) {
    const double S = inverseRoot(X, T, Eps);
    for (int64_t N = 0; N < X.Shape[1]; ++N)
      To.Reals[N] += Dy.row(T)[N] * X.row(T)[N] * S;
  }
}

Tensor m1::reference::scale(const Tensor &X, double Factor) {
  Tensor Result = X;
  for (double &Element : Result.Reals)
    Element *= Factor;
  return Result;
}

Tensor m1::reference::siluGradient(const Tensor &Dy, const Tensor &X) {
  Tensor Result = Tensor::reals(X.Shape);
  for (size_t I = 0; I < X.Reals.size(); ++I)
    Result.Reals[I] = Dy.Reals[I] * siluSlope(X.Reals[I]);
  return Result;
}

Tensor m1::reference::sigmoidGateGradient(const Tensor &Dy, const Tensor &X,
                                          const Tensor &Gate) {
  Tensor Result = Tensor::reals(X.Shape);
  for (size_t I = 0; I < X.Reals.size(); ++I) {
    const double S = sigmoid(Gate.Reals[I]);
    Result.Reals[I] = Dy.Reals[I] * X.Reals[I] * S * (1.0 - S);
  }
  return Result;
}

Tensor m1::reference::siluMulGradient(const Tensor &Dy, const Tensor &A,
                                      const Tensor &B) {
  Tensor Result = Tensor::reals(A.Shape);
  for (size_t I = 0; I < A.Reals.size(); ++I)
    Result.Reals[I] = Dy.Reals[I] * B.Reals[I] * siluSlope(A.Reals[I]);
  return Result;
}

std::array<Tensor, 3>
m1::reference::sharedMixGradient(const Tensor &Dy, const Tensor &Moe,
                                 const Tensor &Shared,
                                 const Tensor &Coefficient) {
  Tensor MoeGradient = Tensor::reals(Moe.Shape), SharedGradient = MoeGradient;
  Tensor CoefficientGradient = Tensor::reals(Coefficient.Shape);
  for (int64_t T = 0; T < Moe.Shape[0]; ++T) {
    const double C = sigmoid(Coefficient.Reals[T]);
    double Sum = 0.0;
    for (int64_t N = 0; N < Moe.Shape[1]; ++N) {
      MoeGradient.row(T)[N] = Dy.row(T)[N] * (1.0 - C);
      SharedGradient.row(T)[N] = Dy.row(T)[N] * C;
      Sum += Dy.row(T)[N] * (Shared.row(T)[N] - Moe.row(T)[N]);
    }
    CoefficientGradient.Reals[T] = C * (1.0 - C) * Sum;
  }
  return {std::move(MoeGradient), std::move(SharedGradient),
          std::move(CoefficientGradient)};
}

Tensor m1::reference::mergeQKV(const Tensor &Q, const Tensor &K,
                               const Tensor &V) {
  const int64_t Heads = Q.Shape[1], HeadDim = Q.Shape[2];
  Tensor Result = Tensor::reals({Q.Shape[0], 3 * Heads * HeadDim});
  const std::array<const Tensor *, 3> Parts = {&Q, &K, &V};
  for (int64_t T = 0; T < Q.Shape[0]; ++T)
    for (int64_t H = 0; H < Heads; ++H)
      for (int64_t P = 0; P < 3; ++P)
        std::copy_n(Parts[P]->row(T) + H * HeadDim, HeadDim,
                    Result.row(T) + (H * 3 + P) * HeadDim);
  return Result;
}
