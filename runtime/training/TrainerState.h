//===- TrainerState.h - where a run stands ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_TRAINERSTATE_H
#define M1C_RUNTIME_TRAINING_TRAINERSTATE_H

#include "runtime/weights/Digests.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace m1 {

inline constexpr char TrainerStateName[] = "trainer_state.json";
inline constexpr char OptimizerFileName[] = "optimizer.safetensors";

using DigestMap = std::map<std::string, TensorDigest, std::less<>>;

/// What a checkpoint holds beside tensors: trainer_state.json,
///
///   {"format": "m1-trainer-state", "version": 1, "tool": "m1run 0.1.0",
///    "step": 12, "recipe": {...}, "state": {...},
///    "weights": {NAME: "0123...", ...}, "optimizer": {NAME: "0123...", ...},
///    "digest": "0123..."}
///
/// with digests of the tensors' bytes, and one of all the rest of the file.
struct TrainerState {
  int64_t Step = 0; ///< updates since the run began
  nlohmann::json Recipe, State;
  DigestMap Weights, Optimizer;
};

/// The text of the file. An error if a number is not finite, which JSON cannot
/// have; all others are read back to the bit.
absl::StatusOr<std::string> writeTrainerState(const TrainerState &State);

/// Reads the file of a checkpoint's directory. An error, which names the file,
/// if it is missing, malformed or damaged.
absl::StatusOr<TrainerState> readTrainerState(const std::string &Directory);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_TRAINERSTATE_H
