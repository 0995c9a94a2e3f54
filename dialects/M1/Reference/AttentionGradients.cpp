//===- AttentionGradients.cpp - gradients of attention --------------------===//
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

static AttentionGradients zeroGradients(const Tensor &Q, const Tensor &K,
                                        const Tensor &V) {
  return {Tensor::reals(Q.Shape), Tensor::reals(K.Shape),
          Tensor::reals(V.Shape)};
}

AttentionGradients m1::reference::lightningAttentionGradient(
    const Tensor &Dy, const Tensor &Q, const Tensor &K, const Tensor &V,
    const Tensor &CuSeqlens, const std::vector<double> &Slopes) {
  int64_t Heads = Q.Shape[1], D = Q.Shape[2];
  AttentionGradients To = zeroGradients(Q, K, V);
  for (int64_t B = 0; B + 1 < CuSeqlens.Shape[0]; ++B)
    for (int64_t H = 0; H < Heads; ++H) {
      int64_t Begin = CuSeqlens.Integers[B], End = CuSeqlens.Integers[B + 1];
      double Decay = std::exp(-Slopes[H]);
      // S_t = λ S_{t-1} + k_tᵀ v_t, dq_t = S_t dy_t.
      std::vector<double> S(D * D);
      for (int64_t T = Begin; T < End; ++T) {
        const double *Out = Dy.row(T) + H * D, *Key = K.row(T) + H * D,
                     *Value = V.row(T) + H * D;
        double *Query = To.Dq.row(T) + H * D;
        for (int64_t I = 0; I < D; ++I)
          for (int64_t J = 0; J < D; ++J) {
            S[I * D + J] = Decay * S[I * D + J] + Key[I] * Value[J];
            Query[I] += S[I * D + J] * Out[J];
          }
      }
      // dS_t = λ dS_{t+1} + q_tᵀ dy_t, dk_t = dS_t v_t, dv_t = k_t dS_t.
      std::vector<double> DS(D * D);
      for (int64_t T = End; T-- > Begin;) {
        const double *Out = Dy.row(T) + H * D, *Query = Q.row(T) + H * D,
                     *Key = K.row(T) + H * D, *Value = V.row(T) + H * D;
        double *DKey = To.Dk.row(T) + H * D, *DValue = To.Dv.row(T) + H * D;
        for (int64_t I = 0; I < D; ++I)
          for (int64_t J = 0; J < D; ++J) {
            DS[I * D + J] = Decay * DS[I * D + J] + Query[I] * Out[J];
            DKey[I] += DS[I * D + J] * Value[J];
            DValue[J] += Key[I] * DS[I * D + J];
          }
      }
    }
  return To;
}

static double dotProduct(const double *A, const double *B, int64_t Count) {
  double Sum = 0.0;
  for (int64_t I = 0; I < Count; ++I)
    Sum += A[I] * B[I];
  return Sum;
}

AttentionGradients m1::reference::softmaxAttentionGradient(
    const Tensor &Dy, const Tensor &Q, const Tensor &K, const Tensor &V,
    const Tensor &Result, const Tensor &CuSeqlens, double Scale) {
  int64_t Heads = Q.Shape[1], Groups = K.Shape[1], D = Q.Shape[2];
  AttentionGradients To = zeroGradients(Q, K, V);
  for (int64_t B = 0; B + 1 < CuSeqlens.Shape[0]; ++B)
    for (int64_t H = 0; H < Heads; ++H) {
      int64_t Begin = CuSeqlens.Integers[B], End = CuSeqlens.Integers[B + 1];
      int64_t G = H / (Heads / Groups);
      for (int64_t T = Begin; T < End; ++T) {
        const double *Query = Q.row(T) + H * D, *Out = Dy.row(T) + H * D;
        // p of this query's row, over the keys at and before T.
        std::vector<double> P;
        for (int64_t U = Begin; U <= T; ++U)
          P.push_back(Scale * dotProduct(Query, K.row(U) + G * D, D));
        double Largest = *std::max_element(P.begin(), P.end()), Sum = 0.0;
        for (double &Weight : P)
          Sum += Weight = std::exp(Weight - Largest);
        double OfRow = dotProduct(Out, Result.row(T) + H * D, D); // D_i
        for (int64_t U = Begin; U <= T; ++U) {
          double Weight = P[U - Begin] / Sum;
          double DScore =
              Weight * (dotProduct(Out, V.row(U) + G * D, D) - OfRow);
          for (int64_t I = 0; I < D; ++I) {
            To.Dq.row(T)[H * D + I] += Scale * DScore * K.row(U)[G * D + I];
            To.Dk.row(U)[G * D + I] += Scale * DScore * Query[I];
            To.Dv.row(U)[G * D + I] += Weight * Out[I];
          }
        }
      }
    }
  return To;
}
