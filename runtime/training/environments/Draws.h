//===- Draws.h - random numbers for one prompt ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_DRAWS_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_DRAWS_H

#include <cstdint>
#include <string_view>
#include <utility>

namespace m1 {

/// Random numbers that depend on nothing but seed, stream and number:
/// SplitMix64 from a state that mixes the three.
class Draws {
public:
  Draws(uint64_t Seed, std::string_view Stream, uint64_t Number) {
    State = mix(Seed + Golden);
    for (unsigned char Character : Stream)
      State = mix(State ^ Character);
    State = mix(State ^ mix(Number + Golden));
  }

  uint64_t bits() { return mix(State += Golden); }

  /// From 0 to `Bound` - 1, each as likely as the others.
  uint64_t below(uint64_t Bound) {
    // 2^64 is no multiple of the bound: the first values would be too likely.
    const uint64_t Surplus = (UINT64_MAX % Bound + 1) % Bound;
    uint64_t Value = bits();
    while (Value < Surplus)
      Value = bits();
    return Value % Bound;
  }
  /// From `Min` to `Max`.
  int64_t between(int64_t Min, int64_t Max) {
    return Min + static_cast<int64_t>(below(Max - Min + 1));
  }

  /// Puts the elements into an order that is as likely as any other.
  template <typename Sequence> void shuffle(Sequence &S) {
    for (uint64_t I = S.size(); I > 1; --I)
      std::swap(S[I - 1], S[below(I)]);
  }

private:
  static constexpr uint64_t Golden = 0x9E3779B97F4A7C15;
  static uint64_t mix(uint64_t Z) {
    Z = (Z ^ (Z >> 30)) * 0xBF58476D1CE4E5B9;
    Z = (Z ^ (Z >> 27)) * 0x94D049BB133111EB;
    return Z ^ (Z >> 31);
  }

  uint64_t State;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_DRAWS_H
