//===- GpuTargets.h - GPUs that plans are compiled for ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SCHEMA_GPUTARGETS_H
#define M1C_RUNTIME_SCHEMA_GPUTARGETS_H

#include <cstdint>

namespace m1::plan {

/// A GPU target of the compiler.
struct GpuTarget {
  const char *Name;
  unsigned ComputeCapability; ///< major * 10 + minor
  /// Whether its code runs on this compute capability only, not on later ones.
  bool Exact;
  /// Largest shared memory per thread block: CUDA C++ Programming Guide,
  /// "Technical Specifications per Compute Capability".
  uint32_t SharedKiB;
};

/// Compute capabilities from 8.0, which brought asynchronous copies and bf16,
/// in ascending order.
inline constexpr GpuTarget kGpuTargets[] = {
    {"sm_80", 80, false, 163}, {"sm_86", 86, false, 99},
    {"sm_87", 87, false, 163}, {"sm_89", 89, false, 99},
    {"sm_90", 90, false, 227}, {"sm_90a", 90, true, 227}};

/// The newest target whose code runs on a compute capability and later ones;
/// null if there is none.
constexpr const GpuTarget *newestGpuTarget(unsigned ComputeCapability) {
  const GpuTarget *Newest = nullptr;
  for (const GpuTarget &Target : kGpuTargets)
    if (!Target.Exact && Target.ComputeCapability <= ComputeCapability)
      Newest = &Target;
  return Newest;
}

} // namespace m1::plan

#endif // M1C_RUNTIME_SCHEMA_GPUTARGETS_H
