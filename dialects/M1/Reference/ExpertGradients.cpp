//===- ExpertGradients.cpp - gradients of routing, experts and products ---===//
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

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// To[k] += Factor * Row[k] for `Count` elements.
static void addScaled(double Factor, const double *Row, int64_t Count,
                      double *To) {
  for (int64_t K = 0; K < Count; ++K)
    To[K] += Factor * Row[K];
}

Tensor m1::reference::linearTransposed(const Tensor &Dy, const Tensor &Weight) {
  Tensor Result = Tensor::reals({Dy.Shape[0], Weight.Shape[1]});
  for (int64_t T = 0; T < Dy.Shape[0]; ++T)
    for (int64_t N = 0; N < Weight.Shape[0]; ++N)
      addScaled(Dy.row(T)[N], Weight.row(N), Weight.Shape[1], Result.row(T));
  return Result;
}

void m1::reference::linearWeightGradient(const Tensor &Dy, const Tensor &X,
                                         Tensor &To) {
  for (int64_t T = 0; T < Dy.Shape[0]; ++T)
    for (int64_t N = 0; N < Dy.Shape[1]; ++N)
      addScaled(Dy.row(T)[N], X.row(T), X.Shape[1], To.row(N));
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

Tensor m1::reference::routerGradient(const Tensor &Dweights,
                                     const Tensor &Experts,
                                     const Tensor &Weights, int64_t Count) {
  const int64_t Tokens = Weights.Shape[0], Chosen = Weights.Shape[1];
  Tensor Result = Tensor::reals({Tokens, Count});
  for (int64_t T = 0; T < Tokens; ++T) {
    const double *G = Dweights.row(T), *W = Weights.row(T);
    double Mean = 0.0;
    for (int64_t K = 0; K < Chosen; ++K)
      Mean += W[K] * G[K];
    for (int64_t K = 0; K < Chosen; ++K)
      Result.row(T)[Experts.Integers[T * Chosen + K]] += W[K] * (G[K] - Mean);
  }
  return Result;
}

std::pair<Tensor, Tensor>
m1::reference::routerBalance(const Tensor &X, const Tensor &Weight,
                             const Tensor &Coefficients) {
  const int64_t Tokens = X.Shape[0], Count = Weight.Shape[0];
  Tensor Loss = Tensor::reals({Tokens});
  Tensor Gradient = linear(X, Weight); // logits, then p, then the gradient
  for (int64_t T = 0; T < Tokens; ++T) {
    double *P = Gradient.row(T);
    const double Max = *std::max_element(P, P + Count);
    double Sum = 0.0;
    for (int64_t E = 0; E < Count; ++E)
      Sum += P[E] = std::exp(P[E] - Max);
    for (int64_t E = 0; E < Count; ++E) {
      P[E] /= Sum;
      Loss.Reals[T] += Coefficients.Reals[E] * P[E];
    }
    for (int64_t E = 0; E < Count; ++E)
      P[E] *= Coefficients.Reals[E] - Loss.Reals[T];
  }
  return {std::move(Loss), std::move(Gradient)};
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

ExpertsGradient
m1::reference::expertsGradient(const Tensor &Dy, const Tensor &Experts,
                               const Tensor &Weights, const Tensor &Gate,
                               const Tensor &Up, const ExpertWeights &Of) {
  const int64_t Tokens = Dy.Shape[0], D = Dy.Shape[1];
  const int64_t Chosen = Experts.Shape[1], F = Of.W1.Shape[1];
  ExpertsGradient To{
      Tensor::reals({Tokens, D}), Tensor::reals({Tokens, Chosen}),
      Tensor::reals({Tokens, Chosen, F}), Tensor::reals({Tokens, Chosen, F}),
      Tensor::reals({Tokens, Chosen, F})};
  for (int64_t T = 0; T < Tokens; ++T)
    for (int64_t K = 0; K < Chosen; ++K) {
      const int64_t Pair = T * Chosen + K, Expert = Experts.Integers[Pair];
      const double W = Weights.row(T)[K];
      const double *W1 = Of.W1.row(Expert), *W3 = Of.W3.row(Expert);
      const double *Down = Of.W2.row(Expert);
      std::vector<double> U(F); // dy w2
      for (int64_t N = 0; N < D; ++N)
        addScaled(Dy.row(T)[N], Down + N * F, F, U.data());
      for (int64_t I = 0; I < F; ++I) {
        const double A = Gate.Reals[Pair * F + I], B = Up.Reals[Pair * F + I];
        const double S = 1.0 / (1.0 + std::exp(-A)), Silu = A * S;
        const double Da = W * U[I] * B * S * (1.0 + A * (1.0 - S));
        const double Db = W * U[I] * Silu;
        To.Dweights.row(T)[K] += Silu * B * U[I];
        To.Hidden.Reals[Pair * F + I] = W * Silu * B;
        To.Dgate.Reals[Pair * F + I] = Da;
        To.Dup.Reals[Pair * F + I] = Db;
        addScaled(Da, W1 + I * D, D, To.Dx.row(T));
        addScaled(Db, W3 + I * D, D, To.Dx.row(T));
      }
    }
  return To;
}

void m1::reference::expertsWeightGradient(const Tensor &Left,
                                          const Tensor &Right,
                                          const Tensor &Experts, Tensor &To) {
  const int64_t Tokens = Experts.Shape[0], Chosen = Experts.Shape[1];
  const int64_t N = Left.Shape.back(), K = Right.Shape.back();
  for (int64_t T = 0; T < Tokens; ++T)
    for (int64_t J = 0; J < Chosen; ++J) {
      const int64_t Pair = T * Chosen + J;
      const double *L = &Left.Reals[(Left.Shape.size() == 3 ? Pair : T) * N];
      const double *R = &Right.Reals[(Right.Shape.size() == 3 ? Pair : T) * K];
      double *Sums = To.row(Experts.Integers[Pair]);
      for (int64_t I = 0; I < N; ++I)
        addScaled(L[I], R, K, Sums + I * K);
    }
}
