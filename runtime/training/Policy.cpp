//===- Policy.cpp - a model that is trained -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Policy.h"

using namespace m1;

Policy::~Policy() = default;

absl::StatusOr<std::span<const float>> Policy::inPlace(size_t,
                                                       OptimizerTensor) {
  return std::span<const float>();
}

unsigned Policy::threads() const { return 1; }
