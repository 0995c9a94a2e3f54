//===- Optimizer.cpp - the optimiser --------------------------------------===//
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

double m1::reference::squaredSum(const Tensor &Of) {
  double Sum = 0.0;
  for (double Element : Of.Reals)
    Sum += Element * Element;
  return Sum;
}

ClippedNorm m1::reference::clipNorm(const std::vector<double> &Sums,
                                    double MaxNorm, bool Enabled) {
  double Sum = 0.0;
  for (double Each : Sums)
    Sum += Each;
  ClippedNorm Result;
  Result.Norm = std::sqrt(Sum);
  // The norm is a number of f32.
  Result.Applied = Enabled && std::isfinite(static_cast<float>(Result.Norm));
  if (Result.Applied)
    Result.Scale =
        MaxNorm > 0.0 && Result.Norm > MaxNorm ? MaxNorm / Result.Norm : 1.0;
  return Result;
}

void m1::reference::adamW(AdamWStates Of, double Scale, bool Applied,
                          double LearningRate, double WeightDecay,
                          const AdamWHyperparameters &With) {
  for (size_t I = 0; Applied && I < Of.Master.Reals.size(); ++I) {
    double &Master = Of.Master.Reals[I];
    double &First = Of.First.Reals[I], &Second = Of.Second.Reals[I];
    const double G = Of.Gradient.Reals[I] * Scale;
    First = With.Beta1 * First + (1.0 - With.Beta1) * G;
    Second = With.Beta2 * Second + (1.0 - With.Beta2) * G * G;
    Master -=
        LearningRate *
        (First / With.Correction1 /
             (std::sqrt(Second) / std::sqrt(With.Correction2) + With.Epsilon) +
         WeightDecay * Master);
  }
  std::fill(Of.Gradient.Reals.begin(), Of.Gradient.Reals.end(), 0.0);
}
