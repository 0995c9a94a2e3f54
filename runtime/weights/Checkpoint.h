//===- Checkpoint.h - a directory of safetensors files ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
#define M1C_RUNTIME_WEIGHTS_CHECKPOINT_H

#include "runtime/weights/CheckpointFiles.h"
#include "runtime/weights/Safetensors.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace m1 {

class MappedFile;

/// The tensors of a checkpoint in HuggingFace layout.
class Checkpoint {
public:
  /// Opens the files that findCheckpointFiles finds. Reads headers only. With
  /// an index, every tensor it lists must be in the file it says, and the files
  /// hold no others.
  static absl::StatusOr<std::unique_ptr<Checkpoint>>
  open(const std::string &Path);
  static absl::StatusOr<std::unique_ptr<Checkpoint>>
  open(const CheckpointFiles &Files);
  ~Checkpoint();

  /// See CheckpointFiles::Note.
  const std::string &note() const { return Note; }

  /// All tensors, by name.
  const std::map<std::string, TensorInfo, std::less<>> &tensors() const {
    return Tensors;
  }
  /// Null where there is no tensor of that name.
  const TensorInfo *find(std::string_view Name) const;

  const std::string &fileOf(const TensorInfo &Tensor) const {
    return Files[Tensor.File];
  }

  /// The tensor's bytes; its file is mapped on first use. Their alignment is
  /// that in the file, which may be less than the element type's.
  absl::StatusOr<std::span<const std::byte>> data(const TensorInfo &Tensor);

  /// Releases the tensor's pages; `data` stays valid and is read again when
  /// touched.
  void release(const TensorInfo &Tensor);

private:
  Checkpoint() = default;
  absl::Status addFile(const CheckpointFiles &Found, const std::string &Name);
  absl::Status addFiles(const CheckpointFiles &Found);

  std::string Note;
  std::vector<std::string> Files;
  std::vector<std::unique_ptr<MappedFile>> Mapped;
  std::mutex MapMutex;
  std::map<std::string, TensorInfo, std::less<>> Tensors;
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
