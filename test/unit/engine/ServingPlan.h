//===- ServingPlan.h - a small plan for serving -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_ENGINE_SERVINGPLAN_H
#define M1C_TEST_UNIT_ENGINE_SERVINGPLAN_H

#include "test/unit/TestSupport.h"

namespace m1::test {

/// Positions in a block of servingPlan().
inline constexpr int64_t ServingBlock = 16;

/// The model `serving_*` of Kernels.c, with a vocabulary of ModelVocabulary:
/// next, score and logits, with the inputs of a plan for serving and states in
/// slots and blocks. What its results call log-probabilities are logits.
plan::PlanT servingPlan(int64_t Slots, int64_t MaxTokens, int64_t MaxLength,
                        int64_t Blocks);

/// The same for ranks on an axis, which all compute everything and exchange the
/// tokens of each call: an error unless they have as many.
plan::PlanT overRanks(plan::PlanT Serving, const char *Axis, int64_t Count);

} // namespace m1::test

#endif // M1C_TEST_UNIT_ENGINE_SERVINGPLAN_H
