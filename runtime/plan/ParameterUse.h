//===- ParameterUse.h - when parameters are read ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_PLAN_PARAMETERUSE_H
#define M1C_RUNTIME_PLAN_PARAMETERUSE_H

#include "runtime/plan/Plan.h"

#include <vector>

namespace m1 {

/// When a parameter must be readable by kernels. What only `init` reads is in
/// memory from its first use to its last, so that a checkpoint and its packed
/// form are never in memory at the same time. What another function reads is
/// kept.
struct ParameterUse {
  static constexpr int64_t Never = -1;
  int64_t FirstInInit = Never, LastInInit = Never; // steps
  bool Kept = false;
};

/// By parameter.
std::vector<ParameterUse> parameterUses(const plan::Plan &Plan);

/// The maximum number of bytes of parameters in memory at the same time.
uint64_t peakParameterBytes(const plan::Plan &Plan);

} // namespace m1

#endif // M1C_RUNTIME_PLAN_PARAMETERUSE_H
