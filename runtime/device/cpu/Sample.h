//===- Sample.h - the builtin 'sample' --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_DEVICE_CPU_SAMPLE_H
#define M1_RUNTIME_DEVICE_CPU_SAMPLE_H

#include "runtime/support/Error.h"

#include <cstdint>
#include <span>

namespace m1::cpu {

/// Draws one token from a row of logits.
///
/// Temperature 0: the index of the largest logit, ties to the lower index.
/// Otherwise p = softmax(logits / temperature) in f64, kept for the `TopK`
/// largest (0: all), then for the smallest set of largest p whose sum reaches
/// `TopP` times the sum of what `TopK` left (at least one), ties to the lower
/// index. The token is the first, in descending order of p, at which the
/// running sum exceeds u times the sum of those kept. u is the first word of
/// Philox4x32-10 with counter (position low, position high, 0, 0) and key (seed
/// low, seed high), times 2^-32.
///
/// A NaN or +infinity among the logits is an error.
absl::StatusOr<int32_t> sampleToken(std::span<const float> Logits,
                                    float Temperature, float TopP, int32_t TopK,
                                    int64_t Seed, int32_t Position);

/// The arguments of the builtin in host memory: logits [B, Vocabulary], the
/// rest [B].
struct SampleBatch {
  const float *Logits, *Temperature, *TopP;
  const int32_t *TopK;
  const int64_t *Seeds;
  const int32_t *Positions;
  int32_t *Result;
  int64_t Vocabulary;
};
/// Draws the token of one row into `Result`.
absl::Status sampleRow(const SampleBatch &Batch, int64_t Row);

} // namespace m1::cpu

#endif // M1_RUNTIME_DEVICE_CPU_SAMPLE_H
