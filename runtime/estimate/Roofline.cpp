//===- Roofline.cpp - the least time that work can take -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/Roofline.h"

#include <algorithm>

using namespace m1;

absl::StatusOr<LaunchTime> m1::timeOf(const Machine &M,
                                      const LaunchWork &Work) {
  LaunchTime Time;
  if (Work.Cells <= 0)
    return Time;
  Time.Launch = M.LaunchSeconds;
  const double Busy = std::min(Work.Cells, static_cast<double>(M.Units));
  if (Work.Operations > 0) {
    auto Rate = M.OperationsPerSecond.find(Work.Type);
    if (Rate == M.OperationsPerSecond.end())
      return makeError(M.Name, ": tflops: found no rate for ", name(Work.Type),
                       ", which the plan computes with");
    Time.Compute = Work.Operations / (Rate->second * Busy / M.Units);
  }
  Time.Memory = Work.Bytes /
                std::min(M.MemoryBytesPerSecond, M.UnitBytesPerSecond * Busy);
  return Time;
}

Peers m1::peersOf(std::span<const int64_t> Mesh, size_t Axis,
                  int64_t RanksPerNode) {
  int64_t Stride = 1, Ranks = 1;
  for (size_t Other = 0; Other < Mesh.size(); ++Other) {
    Ranks *= Mesh[Other];
    if (Other > Axis)
      Stride *= Mesh[Other];
  }
  const int64_t Extent = Mesh[Axis];
  Peers Most{Extent - 1, 0};
  for (int64_t Rank = 0; Rank < Ranks; ++Rank) {
    const int64_t First = Rank - Rank / Stride % Extent * Stride;
    int64_t Same = 0;
    for (int64_t I = 0; I < Extent; ++I)
      Same += (First + I * Stride) / RanksPerNode == Rank / RanksPerNode;
    if (Extent - Same > Most.Between)
      Most = {Same - 1, Extent - Same};
  }
  return Most;
}

double m1::exchangeTime(const Machine &M, const Peers &To, double Bytes) {
  auto Over = [&](const Link &Way, int64_t Messages) {
    return Messages == 0 ? 0
                         : static_cast<double>(Messages) *
                               (Way.Latency + Bytes / Way.BytesPerSecond);
  };
  return M.ExchangeSeconds + Over(M.InsideNode, To.Inside) +
         Over(M.BetweenNodes, To.Between);
}
