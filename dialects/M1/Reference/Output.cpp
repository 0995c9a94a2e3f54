//===- Output.cpp - log-probabilities and sampling ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Operations.h"
#include <Random123/philox.h>
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace m1::reference;

TokenProbability m1::reference::tokenProbability(const double *Logits,
                                                 int64_t Vocabulary,
                                                 int64_t Target,
                                                 double Temperature) {
  // The sum over the other tokens stands for itself: 1 - p of a token that is
  // almost certain is lost in 1.
  TokenProbability Token;
  Token.Max = *std::max_element(Logits, Logits + Vocabulary);
  for (int64_t I = 0; I < Vocabulary; ++I)
    if (I != Target)
      Token.Others += std::exp((Logits[I] - Token.Max) / Temperature);
  const double Above = (Logits[Target] - Token.Max) / Temperature;
  Token.Sum = Token.Others + std::exp(Above);
  Token.LogSum = std::log1p(Token.Others + (std::exp(Above) - 1.0));
  Token.LogProb = Above - Token.LogSum;
  return Token;
}

Tensor m1::reference::tokenLogProb(const Tensor &Logits, const Tensor &Targets,
                                   const Tensor *Temperature) {
  Tensor Result = Tensor::reals({Logits.Shape[0]});
  for (int64_t T = 0; T < Logits.Shape[0]; ++T)
    Result.Reals[T] =
        tokenProbability(
            Logits.row(T), Logits.Shape[1], Targets.Integers[T],
            positiveTemperature(Temperature ? Temperature->Reals[T] : 1.0))
            .LogProb;
  return Result;
}

std::vector<int64_t> m1::reference::descending(const double *Row,
                                               int64_t Count) {
  std::vector<int64_t> Order(Count);
  std::iota(Order.begin(), Order.end(), 0);
  std::sort(Order.begin(), Order.end(), [&](int64_t A, int64_t B) {
    const bool LastA = std::isnan(Row[A]), LastB = std::isnan(Row[B]);
    if (LastA != LastB)
      return LastB;
    return !LastA && Row[A] != Row[B] ? Row[A] > Row[B] : A < B;
  });
  return Order;
}

/// A number in [0, 1) that depends only on the seed and the position.
static double uniform(int64_t Seed, int64_t Position) {
  auto Low = [](int64_t X) { return static_cast<uint32_t>(X); };
  auto High = [](int64_t X) {
    return static_cast<uint32_t>(static_cast<uint64_t>(X) >> 32);
  };
  r123::Philox4x32_R<10> Generator;
  r123::Philox4x32_R<10>::ctr_type Counter = {
      {Low(Position), High(Position), 0, 0}};
  r123::Philox4x32_R<10>::key_type Key = {{Low(Seed), High(Seed)}};
  return std::ldexp(static_cast<double>(Generator(Counter, Key)[0]), -32);
}

Tensor m1::reference::adjustLogits(const Tensor &Logits, const Tensor &Rows,
                                   const Tensor &Bias,
                                   const Tensor &Repetition) {
  Tensor Result = Logits;
  const int64_t Vocabulary = Logits.Shape[1];
  for (int64_t B = 0; B < Logits.Shape[0]; ++B) {
    const int64_t Rule = Rows.Integers[B];
    if (Rule < 0)
      continue;
    for (int64_t V = 0; V < Vocabulary; ++V) {
      double &Logit = Result.Reals[B * Vocabulary + V];
      const double Penalty = Repetition.row(Rule)[V];
      Logit = Logit > 0.0 ? Logit / Penalty : Logit * Penalty;
      Logit += Bias.row(Rule)[V];
    }
  }
  return Result;
}

Tensor m1::reference::sample(const Tensor &Logits, const Tensor &Temperature,
                             const Tensor &TopP, const Tensor &TopK,
                             const Tensor &Seeds, const Tensor &Positions,
                             const Tensor *MinP) {
  int64_t Vocabulary = Logits.Shape[1];
  Tensor Result = Tensor::integers({Logits.Shape[0]});
  for (int64_t B = 0; B < Logits.Shape[0]; ++B) {
    const double *Row = Logits.row(B);
    std::vector<int64_t> Order = descending(Row, Vocabulary);
    if (Temperature.Reals[B] <= 0.0 || Row[Order[0]] == -INFINITY) {
      Result.Integers[B] = Order[0];
      continue;
    }

    // In the order of `Order`: log(p / p_max).
    std::vector<double> P(Vocabulary);
    for (int64_t I = 0; I < Vocabulary; ++I)
      P[I] = (Row[Order[I]] - Row[Order[0]]) / Temperature.Reals[B];
    int64_t Kept = Vocabulary;
    if (const double Share = MinP ? MinP->Reals[B] : 0.0; Share > 0.0) {
      const double Least = std::log(std::min(Share, 1.0));
      Kept = std::find_if(P.begin(), P.end(),
                          [&](double Below) { return Below < Least; }) -
             P.begin();
    }
    for (double &Share : P)
      Share = std::exp(Share);

    if (TopK.Integers[B] > 0)
      Kept = std::min(Kept, TopK.Integers[B]);
    // top_p applies to the probabilities renormalised after top_k.
    double Sum = std::accumulate(P.begin(), P.begin() + Kept, 0.0);
    double Mass = 0.0;
    int64_t Count = 0;
    while (Count < Kept && (Count == 0 || Mass < TopP.Reals[B]))
      Mass += P[Count++] / Sum;

    double Threshold = uniform(Seeds.Integers[B], Positions.Integers[B]) * Mass;
    double Running = 0.0;
    int64_t Chosen = 0;
    for (; Chosen < Count - 1; ++Chosen) {
      Running += P[Chosen] / Sum;
      if (Running > Threshold)
        break;
    }
    Result.Integers[B] = Order[Chosen];
  }
  return Result;
}
