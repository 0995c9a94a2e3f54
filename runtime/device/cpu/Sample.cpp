//===- Sample.cpp - the builtin 'sample' ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/Sample.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace m1;

namespace {
struct Candidate {
  double Weight; // exp((logit - largest) / temperature): p without its sum
  int32_t Token;
};
/// For a heap with the next candidate on top.
bool comesAfter(const Candidate &A, const Candidate &B) {
  return A.Weight != B.Weight ? A.Weight < B.Weight : A.Token > B.Token;
}

double uniform(int64_t Seed, int32_t Position) {
  uint64_t Counter = static_cast<int64_t>(Position), Key = Seed;
  r123::Philox4x32 Philox;
  r123::Philox4x32::ctr_type C = {{static_cast<uint32_t>(Counter),
                                   static_cast<uint32_t>(Counter >> 32), 0, 0}};
  r123::Philox4x32::key_type K = {
      {static_cast<uint32_t>(Key), static_cast<uint32_t>(Key >> 32)}};
  return Philox(C, K)[0] * 0x1p-32;
}
} // namespace

absl::StatusOr<int32_t> cpu::sampleToken(std::span<const float> Logits,
                                         float Temperature, float TopP,
                                         int32_t TopK, int64_t Seed,
                                         int32_t Position) {
  int32_t Best = 0;
  for (size_t I = 0; I < Logits.size(); ++I) {
    if (std::isnan(Logits[I]) || Logits[I] == INFINITY)
      return makeError("sample: the logit of token ", I, " is ",
                       std::isnan(Logits[I]) ? "not a number" : "infinite",
                       "; the weights are damaged or do not suit the model");
    if (Logits[I] > Logits[Best])
      Best = I;
  }
  double Largest = Logits[Best];
  if (Temperature <= 0 || Largest == -INFINITY)
    return Best;

  std::vector<Candidate> Heap(Logits.size());
  double Sum = 0;
  for (size_t I = 0; I < Logits.size(); ++I) {
    double Weight = std::exp((Logits[I] - Largest) / Temperature);
    Heap[I] = {Weight, static_cast<int32_t>(I)};
    Sum += Weight;
  }
  // A heap rather than a sort: the few most likely tokens nearly always do.
  std::make_heap(Heap.begin(), Heap.end(), comesAfter);
  std::vector<Candidate> Kept;
  auto takeNext = [&] {
    std::pop_heap(Heap.begin(), Heap.end(), comesAfter);
    Kept.push_back(Heap.back());
    Heap.pop_back();
  };

  bool Filtered = TopK > 0 || TopP < 1;
  double KeptSum = Sum;
  if (Filtered) {
    size_t Limit = TopK > 0 ? std::min<size_t>(TopK, Heap.size()) : Heap.size();
    // top_p is a share of what top_k leaves.
    double Whole = Sum;
    if (TopK > 0) {
      Whole = 0;
      while (Kept.size() < Limit) {
        takeNext();
        Whole += Kept.back().Weight;
      }
    }
    KeptSum = 0;
    size_t Count = 0;
    do {
      if (Count == Kept.size())
        takeNext();
      KeptSum += Kept[Count++].Weight;
    } while (Count < Limit && (TopP >= 1 || KeptSum < TopP * Whole));
    Kept.resize(Count);
  }

  double Threshold = uniform(Seed, Position) * KeptSum, Running = 0;
  for (size_t I = 0;; ++I) {
    if (I == Kept.size()) {
      // Rounding can leave the last running sum below the threshold.
      if (Filtered || Heap.empty())
        return Kept.back().Token;
      takeNext();
    }
    Running += Kept[I].Weight;
    if (Running > Threshold)
      return Kept[I].Token;
  }
}

absl::Status cpu::sampleRow(const SampleBatch &Batch, int64_t Row) {
  M1_ASSIGN_OR_RETURN(Batch.Result[Row],
                      sampleToken({Batch.Logits + Row * Batch.Vocabulary,
                                   static_cast<size_t>(Batch.Vocabulary)},
                                  Batch.Temperature[Row], Batch.TopP[Row],
                                  Batch.TopK[Row], Batch.Seeds[Row],
                                  Batch.Positions[Row]));
  return absl::OkStatus();
}
