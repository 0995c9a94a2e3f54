//===- CheckpointSource.h - what checkpoints take over ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_CHECKPOINTSOURCE_H
#define M1C_RUNTIME_TRAINING_CHECKPOINTSOURCE_H

#include "runtime/training/Policy.h"
#include "runtime/weights/Checkpoint.h"

namespace m1 {

/// The checkpoint that training starts from, of which every checkpoint of the
/// run takes over what training does not change: config.json, the tokeniser's
/// files and other small files, and tensors that are not trained.
class CheckpointSource {
public:
  struct File {
    std::string Name, Content;
  };

  /// Files larger than this are not taken over: published tokenisers have less
  /// than half of it.
  static constexpr uint64_t MaxFileBytes = uint64_t(64) << 20;

  /// Reads headers and the small files, which are kept in memory: the directory
  /// may change while the run lasts. An error if a tensor in `Trained` is not
  /// one of the checkpoint's, with its type and shape.
  ///
  /// Small files are the regular files of the directory itself whose names do
  /// not begin with a dot, without weights, their indexes and digests, and what
  /// training itself writes.
  static absl::StatusOr<std::unique_ptr<CheckpointSource>>
  open(const std::string &Path, std::span<const TrainedTensor> Trained);

  std::span<const File> files() const { return Files; }
  /// Tensors that are not trained, by name.
  std::span<const TensorInfo *const> others() const { return Others; }
  Checkpoint &weights() { return *Weights; }

private:
  absl::Status readFiles(const std::string &Directory);

  std::unique_ptr<Checkpoint> Weights;
  std::vector<const TensorInfo *> Others;
  std::vector<File> Files;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_CHECKPOINTSOURCE_H
