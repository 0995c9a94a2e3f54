//===- Checkpoint.h - a directory of safetensors files ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
#define M1C_RUNTIME_WEIGHTS_CHECKPOINT_H

#include "runtime/support/File.h"
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

  /// The directory; empty if the checkpoint is one file.
  const std::string &directory() const { return Directory; }
  /// The paths of the files, and their names relative to the directory.
  const std::vector<std::string> &files() const { return Files; }
  const std::vector<std::string> &names() const { return Names; }
  const std::string &fileOf(const TensorInfo &Tensor) const {
    return Files[Tensor.File];
  }
  const std::string &nameOf(const TensorInfo &Tensor) const {
    return Names[Tensor.File];
  }

  /// The tensor's bytes; its file is mapped on first use. An error if the file
  /// was changed or replaced since its header was read. Their alignment is
  /// that in the file, which may be less than the element type's.
  absl::StatusOr<std::span<const std::byte>> data(const TensorInfo &Tensor);

  /// Releases the tensor's pages; `data` stays valid and is read again when
  /// touched.
  void release(const TensorInfo &Tensor);

private:
  Checkpoint() = default;
  absl::Status addFile(const CheckpointFiles &Found, const std::string &Name);
  absl::Status addFiles(const CheckpointFiles &Found);

  std::string Note, Directory;
  std::vector<std::string> Files, Names;
  std::vector<FileVersion> Versions; ///< of each file, before it was read
  std::vector<std::unique_ptr<MappedFile>> Mapped;
  std::mutex MapMutex;
  std::map<std::string, TensorInfo, std::less<>> Tensors;
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
