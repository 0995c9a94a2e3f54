//===- Checkpoint.h - a directory of safetensors files ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
#define M1C_RUNTIME_WEIGHTS_CHECKPOINT_H

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
  /// Opens a directory that holds `model.safetensors.index.json` and the files
  /// it names, or `model.safetensors`, or else any *.safetensors files; or one
  /// such file. Reads headers only. With an index, every tensor it lists must
  /// be in the file it says, and the files hold no others.
  static absl::StatusOr<std::unique_ptr<Checkpoint>>
  open(const std::string &Path);
  ~Checkpoint();

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
  absl::Status addFile(const std::string &Path,
                       const std::map<std::string, std::string> *Index);

  std::vector<std::string> Files;
  std::vector<std::unique_ptr<MappedFile>> Mapped;
  std::mutex MapMutex;
  std::map<std::string, TensorInfo, std::less<>> Tensors;
};

/// The weight map of a `model.safetensors.index.json`: tensor name to file name
/// (no path). Files need not exist.
absl::StatusOr<std::map<std::string, std::string>>
readSafetensorsIndex(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_CHECKPOINT_H
