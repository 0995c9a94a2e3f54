//===- TopTokens.h - the most probable tokens of logits ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_TOPTOKENS_H
#define M1C_RUNTIME_ENGINE_TOPTOKENS_H

#include "runtime/engine/Request.h"

#include <span>

namespace m1 {

/// The distribution that tokens are drawn from, given the model's logits; the
/// spans are [V].
struct Adjustment {
  std::span<const float> Bias, Repetition; ///< empty: none
  float Temperature = 1;                   ///< > 0
};

/// The `Count` most probable tokens of a row of logits, [V], fewer if V is
/// less, with their log-probabilities. Computed in double precision; tokens
/// that cannot be drawn are left out.
TopTokens topTokens(std::span<const float> Logits, int32_t Count,
                    const Adjustment &How = {});

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_TOPTOKENS_H
