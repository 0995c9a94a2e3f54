//===- RecipeDifference.h - what changed in a recipe ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_RECIPEDIFFERENCE_H
#define M1C_RUNTIME_TRAINING_RECIPEDIFFERENCE_H

#include "runtime/support/Error.h"

#include <nlohmann/json.hpp>

#include <span>
#include <string>

namespace m1 {

/// An error, which names the first key that differs and both values, unless a
/// recipe is the one that a run has. Lists are compared as a whole. Keys in
/// `MayChange` ("optimizer.learning_rate", or "optimizer" for all of it) may
/// differ. `Run` is what the message names.
absl::Status compareRecipes(const std::string &Run, const nlohmann::json &Then,
                            const nlohmann::json &Now,
                            std::span<const std::string> MayChange);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_RECIPEDIFFERENCE_H
