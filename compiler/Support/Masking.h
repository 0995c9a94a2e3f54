//===- Masking.h - values that stand for masked elements --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_SUPPORT_MASKING_H
#define M1C_COMPILER_SUPPORT_MASKING_H

namespace m1 {

/// Replaces a masked logit or score: exp(kMasked - max) is 0 for every max that
/// occurs, and differences of two such values stay finite in f32, where those
/// of infinities would be NaN.
inline constexpr double kMasked = -1e30;

/// The initial value of a maximum: below kMasked, finite in f32.
inline constexpr double kLowest = -3e38;

} // namespace m1

#endif // M1C_COMPILER_SUPPORT_MASKING_H
