//===- WriteCheckpoint.h - writes a training checkpoint ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_WRITECHECKPOINT_H
#define M1C_RUNTIME_TRAINING_WRITECHECKPOINT_H

#include "runtime/training/CheckpointSource.h"
#include "runtime/training/TrainerState.h"

namespace m1 {

/// Bytes of tensors in a file of weights, unless one tensor has more.
constexpr uint64_t DefaultShardBytes = 5'000'000'000;

/// The name in optimizer.safetensors of what the optimiser keeps for a tensor:
/// "master.NAME", "first_moment.NAME", "second_moment.NAME".
std::string optimizerName(OptimizerTensor Kind, std::string_view Tensor);
/// The kinds that a checkpoint holds.
constexpr OptimizerTensor SavedKinds[] = {
    OptimizerTensor::Master, OptimizerTensor::First, OptimizerTensor::Second};

/// Writes a checkpoint into a directory that exists and is empty. At the end
/// all of it is on the disk. After an error the directory's content is of no
/// use.
///
/// - model.safetensors, or model-00001-of-0000N.safetensors: master values,
///   rounded to nearest, ties to even, to the tensors' element types, and the
///   tensors that are not trained.
/// - model.safetensors.index.json, even for one file: without an index some
///   readers take every *.safetensors file of a directory for weights.
/// - model.safetensors.digests.json, which m1run digest --check compares.
/// - The small files of the source.
/// - optimizer.safetensors, with master values and moments in f32.
/// - trainer_state.json. `State.Weights` and `State.Optimizer` are filled in.
///
/// `Source` may be null: then there are trained tensors only. Takes the memory
/// of the largest tensor, in f32, if the model does not show it in place.
absl::Status writeCheckpoint(const std::string &Directory, Policy &Model,
                             CheckpointSource *Source, TrainerState State,
                             uint64_t MaxShardBytes = DefaultShardBytes);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_WRITECHECKPOINT_H
