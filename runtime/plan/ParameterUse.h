//===- ParameterUse.h - when parameters are needed --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_PLAN_PARAMETERUSE_H
#define M1_RUNTIME_PLAN_PARAMETERUSE_H

#include "runtime/plan/Plan.h"

#include <vector>

namespace m1 {

/// When a parameter must be readable by kernels. `init` runs first: what only
/// it needs is there from its first use to its last, so that a checkpoint and
/// its packed form are never in memory together. What any other function needs
/// stays.
struct ParameterUse {
  static constexpr int64_t Never = -1;
  int64_t FirstInInit = Never, LastInInit = Never; // numbers of steps
  bool Kept = false;
};

/// By parameter.
std::vector<ParameterUse> parameterUses(const plan::Plan &Plan);

/// The most bytes of parameters that are needed at once.
uint64_t peakParameterBytes(const plan::Plan &Plan);

} // namespace m1

#endif // M1_RUNTIME_PLAN_PARAMETERUSE_H
