//===- PolicyRatio.h - the largest ratio of the policy loss -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_POLICYRATIO_H
#define M1C_DIALECTS_M1_IR_POLICYRATIO_H

namespace m1 {

/// What m1.policy_head takes a ratio of probabilities for that is larger or
/// infinite. A `mask_above` of this number masks nothing, and products with the
/// ratio are finite.
inline constexpr float kLargestRatio = 3e38F;

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_POLICYRATIO_H
