//===- BuiltIn.h - an environment for a built-in task -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_BUILTIN_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_BUILTIN_H

#include "runtime/training/environments/Task.h"

namespace m1 {

/// Makes the environment, whose options are read from `Options`.
absl::StatusOr<std::unique_ptr<Environment>>
createBuiltIn(const TaskKind &Kind, OptionReader &Options);

/// Declares the options of a built-in environment.
void readBuiltIn(const TaskKind &Kind, OptionReader &Options);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_BUILTIN_H
