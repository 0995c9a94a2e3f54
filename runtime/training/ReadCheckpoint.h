//===- ReadCheckpoint.h - reads a training checkpoint -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_READCHECKPOINT_H
#define M1C_RUNTIME_TRAINING_READCHECKPOINT_H

#include "runtime/training/Policy.h"
#include "runtime/training/TrainerState.h"

namespace m1 {

/// Writes the master values and moments of a checkpoint that writeCheckpoint
/// made into a model, and publishes them. `State` is that of readTrainerState.
///
/// An error, which names the file and the tensor, if a file is missing, bytes
/// differ from their digest, or the checkpoint is one of another model: a name,
/// an element type or a shape differs. Then the model's values are undefined.
absl::Status loadCheckpoint(const std::string &Directory,
                            const TrainerState &State, Policy &Model);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_READCHECKPOINT_H
