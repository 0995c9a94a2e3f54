//===- CheckpointFiles.h - which files are a checkpoint ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_CHECKPOINTFILES_H
#define M1C_RUNTIME_WEIGHTS_CHECKPOINTFILES_H

#include "runtime/support/Error.h"

#include <map>
#include <string>
#include <vector>

namespace m1 {

/// The safetensors files of a checkpoint. All tools get them from
/// findCheckpointFiles, so that a plan is compiled for the tensors that run it.
struct CheckpointFiles {
  /// The directory; empty if the checkpoint is one file.
  std::string Directory;
  /// The files, sorted; with a directory, relative to it.
  std::vector<std::string> Names;
  /// Those of `Names` that do not exist: an index lists them.
  std::vector<std::string> Missing;
  /// The path of the index; empty if there is none.
  std::string IndexPath;
  /// Tensor to file, from the index.
  std::map<std::string, std::string> WeightMap;
  /// A line for standard error: which of two sets of files was taken. Usually
  /// empty.
  std::string Note;

  std::string path(const std::string &Name) const;
};

/// Finds the files of a checkpoint: `Path` is a file, or a directory with, in
/// this order,
///
/// 1. model.safetensors, even beside an index that names other files,
/// 2. model.safetensors.index.json and the files that it names,
/// 3. other *.safetensors files, all of them; names that begin with a dot are
///    ignored.
///
/// 1 and 2 are what transformers does; it refuses 3. There are no files (empty
/// `Names`) in a directory without any. It is an error if there are only
/// weights in another format, or if a file cannot be examined.
absl::StatusOr<CheckpointFiles> findCheckpointFiles(const std::string &Path);

/// The error of `Missing` files.
absl::Status missingFilesError(const CheckpointFiles &Files);

/// The weight map of an index: tensor to file. Files are relative to the
/// index's directory and inside it; they need not exist.
absl::StatusOr<std::map<std::string, std::string>>
readSafetensorsIndex(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_CHECKPOINTFILES_H
