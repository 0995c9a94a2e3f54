//===- Random.cpp - random tensors by name --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Random.h"

#include <Random123/boxmuller.hpp>
#include <Random123/philox.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

using namespace m1;

namespace {

/// FNV-1a.
uint64_t hash(std::string_view Text) {
  uint64_t Hash = 0xCBF29CE484222325;
  for (unsigned char C : Text)
    Hash = (Hash ^ C) * 0x100000001B3;
  return Hash;
}

uint32_t low(uint64_t Word) { return static_cast<uint32_t>(Word); }
uint32_t high(uint64_t Word) { return static_cast<uint32_t>(Word >> 32); }

void store(ElementType Type, std::byte *Out, int64_t I, float Value) {
  auto Put = [&](auto Converted) {
    std::memcpy(Out + I * sizeof Converted, &Converted, sizeof Converted);
  };
  switch (Type) {
  case ElementType::F64:
    return Put(static_cast<double>(Value));
  case ElementType::BF16:
    return Put(bf16FromFloat(Value));
  case ElementType::F16:
    return Put(f16FromFloat(Value));
  default:
    return Put(Value);
  }
}

float meanOf(std::span<const int64_t> Shape) {
  return Shape.size() == 1 ? 1.0f : 0.0f;
}

/// Elements Begin <= i < End, the first of them at `Out`. Each four elements
/// from a multiple of 4 on have a counter of their own.
void fillRange(uint64_t Seed, uint64_t Stream, float Mean, ElementType Type,
               int64_t Begin, int64_t End, std::byte *Out) {
  r123::Philox4x32 Philox;
  const r123::Philox4x32::key_type Key = {{low(Seed), high(Seed)}};
  for (int64_t I = Begin / 4 * 4; I < End; I += 4) {
    const uint64_t Block = I / 4;
    const r123::Philox4x32::ctr_type Counter = {
        {low(Block), high(Block), low(Stream), high(Stream)}};
    const r123::Philox4x32::ctr_type R = Philox(Counter, Key);
    const r123::float2 A = r123::boxmuller(R[0], R[1]);
    const r123::float2 B = r123::boxmuller(R[2], R[3]);
    const float Normal[4] = {A.x, A.y, B.x, B.y};
    for (int64_t J = std::max<int64_t>(Begin - I, 0); J < 4 && I + J < End; ++J)
      store(Type, Out, I + J - Begin, Mean + 0.02f * Normal[J]);
  }
}

} // namespace

void m1::fillRandom(uint64_t Seed, std::string_view Name, ElementType Type,
                    std::span<const int64_t> Shape, std::byte *Out) {
  constexpr int64_t Grain = int64_t(1) << 20; // elements worth a thread
  int64_t Count = 1;
  for (int64_t Extent : Shape)
    Count *= Extent;
  const int64_t Threads =
      std::clamp<int64_t>(std::thread::hardware_concurrency(), 1,
                          std::max<int64_t>(1, Count / Grain));
  const int64_t Share = (Count / Threads + 4) / 4 * 4;
  const float Mean = meanOf(Shape);
  const uint64_t Stream = hash(Name);
  auto fill = [=](int64_t Begin) {
    fillRange(Seed, Stream, Mean, Type, Begin, std::min(Begin + Share, Count),
              Out + Begin * byteSize(Type));
  };
  std::vector<std::thread> Workers;
  Workers.reserve(Threads);
  for (int64_t Begin = Share; Begin < Count; Begin += Share) {
    try {
      Workers.emplace_back(fill, Begin);
    } catch (const std::exception &) {
      fill(Begin); // no thread is to be had
    }
  }
  fill(0);
  for (std::thread &Worker : Workers)
    Worker.join();
}

void m1::fillRandomRange(uint64_t Seed, std::string_view Name, ElementType Type,
                         std::span<const int64_t> Shape, int64_t Begin,
                         int64_t End, std::byte *Out) {
  fillRange(Seed, hash(Name), meanOf(Shape), Type, Begin, End, Out);
}
