//===- MemoryNeeds.cpp - the device memory that a plan takes --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/MemoryNeeds.h"

#include "runtime/plan/ParameterUse.h"

#include <algorithm>

using namespace m1;

/// Bytes of an input or output with all symbols at their bounds.
static uint64_t largestBytes(const plan::Tensor &Tensor,
                             std::span<const int64_t> AtZero,
                             std::span<const int64_t> AtMax) {
  uint64_t Bytes = byteSize(elementType(Tensor.dtype()));
  for (uint32_t I = 0; I < length(Tensor.shape()); ++I) {
    const plan::Expr &Extent = *Tensor.shape()->Get(I);
    Bytes *= std::max(evaluate(Extent, AtZero), evaluate(Extent, AtMax));
  }
  return Bytes;
}

MemoryNeeds::MemoryNeeds(const plan::Plan &Plan, uint64_t Alignment) {
  for (uint32_t I = 0; I < length(Plan.arenas()); ++I) {
    const plan::Arena &Arena = *Plan.arenas()->Get(I);
    switch (Arena.kind()) {
    case plan::ArenaKind::Activations:
      Activations += Arena.bytes();
      break;
    case plan::ArenaKind::Weights:
      Weights += Arena.bytes();
      break;
    case plan::ArenaKind::State:
      States += Arena.bytes();
      break;
    case plan::ArenaKind::Constants:
      Constants += Arena.bytes();
      break;
    }
  }
  Parameters = peakParameterBytes(Plan);

  std::vector<int64_t> AtZero(length(Plan.symbols())), AtMax;
  for (uint32_t I = 0; I < length(Plan.symbols()); ++I)
    AtMax.push_back(Plan.symbols()->Get(I)->max());
  auto sum = [&](const auto *Tensors) {
    uint64_t Bytes = 0;
    for (uint32_t I = 0; I < length(Tensors); ++I)
      Bytes +=
          paddedBytes(largestBytes(*Tensors->Get(I), AtZero, AtMax), Alignment);
    return Bytes;
  };
  for (uint32_t I = 0; I < length(Plan.functions()); ++I) {
    const plan::Function &Function = *Plan.functions()->Get(I);
    uint64_t OfOutputs = sum(Function.outputs());
    Outputs = std::max(Outputs, OfOutputs);
    CallTensors = std::max(CallTensors, sum(Function.inputs()) + OfOutputs);
  }
}
