//===- Sharding.cpp - collectives and halves of ops -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Operations.h"
#include <algorithm>
#include <cmath>

using namespace m1::reference;

Tensor m1::reference::slice(const Tensor &X, size_t Axis, int64_t Begin,
                            int64_t Step) {
  Tensor Result = X;
  Result.Shape[Axis] = Step;
  int64_t Outer = 1, Inner = 1;
  for (size_t I = 0; I < X.Shape.size(); ++I)
    (I < Axis ? Outer : Inner) *= I == Axis ? 1 : X.Shape[I];
  const int64_t Extent = X.Shape[Axis];
  Result.Reals.assign(Result.size(), 0.0);
  const int64_t Count = std::clamp<int64_t>(Extent - Begin, 0, Step);
  for (int64_t I = 0; I < Outer; ++I)
    std::copy_n(X.Reals.data() + (I * Extent + Begin) * Inner, Count * Inner,
                Result.Reals.data() + I * Step * Inner);
  return Result;
}

Tensor m1::reference::allGather(const std::vector<const Tensor *> &Ranks,
                                int64_t Columns) {
  const int64_t Rows = Ranks[0]->Shape[0], Own = Ranks[0]->Shape[1];
  Tensor Result = Tensor::reals({Rows, Columns});
  for (int64_t T = 0; T < Rows; ++T)
    for (int64_t I = 0; I < Columns; ++I)
      Result.row(T)[I] = Ranks[I / Own]->row(T)[I % Own];
  return Result;
}

/// The tree, level by level.
static double treeSum(std::vector<double> Level) {
  while (Level.size() > 1) {
    std::vector<double> Next;
    for (size_t I = 0; I + 1 < Level.size(); I += 2)
      Next.push_back(Level[I] + Level[I + 1]);
    if (Level.size() % 2 == 1)
      Next.push_back(Level.back());
    Level = std::move(Next);
  }
  return Level[0];
}

Tensor m1::reference::treeSum(const std::vector<const Tensor *> &Ranks,
                              int64_t Groups, int64_t Partials) {
  const int64_t Rows = Ranks[0]->Shape[0];
  const int64_t Columns = Ranks[0]->Shape[1] / (Groups * Partials);
  Tensor Result = Tensor::reals({Rows, Groups * Columns});
  for (int64_t T = 0; T < Rows; ++T)
    for (int64_t G = 0; G < Groups; ++G)
      for (int64_t I = 0; I < Columns; ++I) {
        std::vector<double> Terms;
        for (const Tensor *X : Ranks)
          for (int64_t M = 0; M < Partials; ++M)
            Terms.push_back(X->row(T)[(G * Partials + M) * Columns + I]);
        Result.row(T)[G * Columns + I] = ::treeSum(std::move(Terms));
      }
  return Result;
}

std::array<Tensor, 3> m1::reference::logProbParts(const Tensor &Logits,
                                                  const Tensor &Targets,
                                                  int64_t First,
                                                  int64_t Vocabulary,
                                                  int64_t GroupSize) {
  const int64_t Rows = Logits.Shape[0], Own = Logits.Shape[1];
  const int64_t Groups = (Own + GroupSize - 1) / GroupSize;
  Tensor Maxima = Tensor::reals({Rows, Groups}), Others = Maxima,
         Chosen = Maxima;
  for (int64_t T = 0; T < Rows; ++T)
    for (int64_t G = 0; G < Groups; ++G) {
      const int64_t Begin = G * GroupSize;
      const int64_t End =
          std::min({Begin + GroupSize, Own, Vocabulary - First});
      double Max = -INFINITY;
      for (int64_t I = Begin; I < End; ++I)
        Max = std::max(Max, Logits.row(T)[I]);
      Maxima.row(T)[G] = Max;
      for (int64_t I = Begin; I < End; ++I)
        if (First + I == Targets.Integers[T])
          Chosen.row(T)[G] = Logits.row(T)[I];
        else
          Others.row(T)[G] += std::exp(Logits.row(T)[I] - Max);
    }
  return {Maxima, Others, Chosen};
}

Tensor m1::reference::joinLogProb(const Tensor &Maxima, const Tensor &Others,
                                  const Tensor &Chosen) {
  Tensor Result = Tensor::reals({Maxima.Shape[0]});
  for (int64_t T = 0; T < Maxima.Shape[0]; ++T) {
    const int64_t Groups = Maxima.Shape[1];
    const double *M = Maxima.row(T);
    const double Max = *std::max_element(M, M + Groups);
    double Rest = 0.0, Target = 0.0;
    for (int64_t G = 0; G < Groups; ++G) {
      Target += Chosen.row(T)[G];
      Rest += Others.row(T)[G] * std::exp(M[G] - Max);
    }
    // As in tokenProbability().
    const double Above = Target - Max;
    Result.Reals[T] = Above - std::log1p(Rest + (std::exp(Above) - 1.0));
  }
  return Result;
}
