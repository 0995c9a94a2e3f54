//===- Rows.cpp - embedding, products, norms, elementwise -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Operations.h"
#include "dialects/Support/SumTree.h"
#include <algorithm>
#include <cmath>
#include <functional>

using namespace m1::reference;

std::string m1::reference::checkIndices(const char *Name, const Tensor &Indices,
                                        int64_t Count, int64_t Least) {
  for (size_t I = 0; I < Indices.Integers.size(); ++I)
    if (Indices.Integers[I] < Least || Indices.Integers[I] >= Count)
      return std::string("expected ") + Name + " from " +
             std::to_string(Least) + " to " + std::to_string(Count - 1) +
             ", found " + std::to_string(Indices.Integers[I]) + " at " +
             std::to_string(I);
  return "";
}

std::string m1::reference::checkCuSeqlens(const Tensor &CuSeqlens,
                                          int64_t Tokens) {
  const std::vector<int64_t> &Ends = CuSeqlens.Integers;
  if (Ends.empty() || Ends.front() != 0 || Ends.back() != Tokens)
    return "expected cu_seqlens from 0 to the " + std::to_string(Tokens) +
           " tokens, found " +
           (Ends.empty() ? std::string("nothing")
                         : std::to_string(Ends.front()) + " to " +
                               std::to_string(Ends.back()));
  if (!std::is_sorted(Ends.begin(), Ends.end()))
    return "expected cu_seqlens that do not decrease";
  return "";
}

static double sigmoid(double X) { return 1.0 / (1.0 + std::exp(-X)); }

Tensor m1::reference::embedding(const Tensor &Tokens, const Tensor &Table,
                                int64_t First) {
  Tensor Result = Tensor::reals({Tokens.Shape[0], Table.Shape[1]});
  for (int64_t T = 0; T < Tokens.Shape[0]; ++T) {
    const int64_t Row = Tokens.Integers[T] - First;
    if (Row >= 0 && Row < Table.Shape[0])
      std::copy_n(Table.row(Row), Table.Shape[1], Result.row(T));
    else
      std::fill_n(Result.row(T), Table.Shape[1], -0.0);
  }
  return Result;
}

Tensor m1::reference::linear(const Tensor &X, const Tensor &Weight,
                             int64_t Leaves, int64_t Partials) {
  const int64_t Columns = Weight.Shape[0], Terms = X.Shape[1] / Leaves;
  Tensor Result = Tensor::reals({X.Shape[0], Partials * Columns});
  for (int64_t T = 0; T < X.Shape[0]; ++T)
    for (int64_t N = 0; N < Columns; ++N) {
      auto Leaf = [&](int64_t L) {
        double Sum = 0.0;
        for (int64_t K = L * Terms; K < (L + 1) * Terms; ++K)
          Sum += X.row(T)[K] * Weight.row(N)[K];
        return Sum;
      };
      for (int64_t M = 0; M < Partials; ++M)
        Result.row(T)[M * Columns + N] =
            sumTree(Leaves / Partials, Leaf, std::plus<double>(),
                    M * (Leaves / Partials));
    }
  return Result;
}

Tensor m1::reference::squares(const Tensor &X, int64_t Groups) {
  Tensor Result = Tensor::reals({X.Shape[0], Groups});
  const int64_t Width = X.Shape[1] / Groups;
  for (int64_t T = 0; T < X.Shape[0]; ++T)
    for (int64_t N = 0; N < X.Shape[1]; ++N)
      Result.row(T)[N / Width] += X.row(T)[N] * X.row(T)[N];
  return Result;
}

Tensor m1::reference::normalize(const Tensor &X, const Tensor &Weight,
                                const Tensor &Squares, int64_t Groups,
                                double Eps) {
  Tensor Result = Tensor::reals(X.Shape);
  const int64_t All = Squares.Shape[1], Columns = All * (X.Shape[1] / Groups);
  for (int64_t T = 0; T < X.Shape[0]; ++T) {
    const double Sum = sumTree(
        All, [&](int64_t Group) { return Squares.row(T)[Group]; },
        std::plus<double>());
    double Root = std::sqrt(Sum / static_cast<double>(Columns) + Eps);
    for (int64_t N = 0; N < X.Shape[1]; ++N)
      Result.row(T)[N] = Weight.Reals[N] * X.row(T)[N] / Root;
  }
  return Result;
}

Tensor m1::reference::rmsNorm(const Tensor &X, const Tensor &Weight, double Eps,
                              int64_t Groups) {
  return normalize(X, Weight, squares(X, Groups), Groups, Eps);
}

Tensor m1::reference::silu(const Tensor &X) { return sigmoidGate(X, X); }

Tensor m1::reference::sigmoidGate(const Tensor &X, const Tensor &Gate) {
  Tensor Result = Tensor::reals(X.Shape);
  for (size_t I = 0; I < X.Reals.size(); ++I)
    Result.Reals[I] = X.Reals[I] * sigmoid(Gate.Reals[I]);
  return Result;
}

Tensor m1::reference::siluMul(const Tensor &A, const Tensor &B) {
  Tensor Result = Tensor::reals(A.Shape);
  for (size_t I = 0; I < A.Reals.size(); ++I)
    Result.Reals[I] = A.Reals[I] * sigmoid(A.Reals[I]) * B.Reals[I];
  return Result;
}

Tensor m1::reference::residual(const Tensor &Residual, const Tensor &Branch,
                               double Alpha, double Beta) {
  Tensor Result = Tensor::reals(Residual.Shape);
  for (size_t I = 0; I < Residual.Reals.size(); ++I)
    Result.Reals[I] = Residual.Reals[I] * Alpha + Branch.Reals[I] * Beta;
  return Result;
}

Tensor m1::reference::sharedMix(const Tensor &Moe, const Tensor &Shared,
                                const Tensor &Coefficient) {
  Tensor Result = Tensor::reals(Moe.Shape);
  for (int64_t T = 0; T < Moe.Shape[0]; ++T) {
    double C = sigmoid(Coefficient.Reals[T]);
    for (int64_t N = 0; N < Moe.Shape[1]; ++N)
      Result.row(T)[N] = Moe.row(T)[N] * (1.0 - C) + Shared.row(T)[N] * C;
  }
  return Result;
}

Tensor m1::reference::selectLast(const Tensor &X, const Tensor &CuSeqlens) {
  int64_t Sequences = CuSeqlens.Shape[0] - 1;
  Tensor Result = Tensor::reals({Sequences, X.Shape[1]});
  for (int64_t B = 0; B < Sequences; ++B) {
    int64_t Begin = CuSeqlens.Integers[B], End = CuSeqlens.Integers[B + 1];
    if (Begin < End)
      std::copy_n(X.row(End - 1), X.Shape[1], Result.row(B));
  }
  return Result;
}
