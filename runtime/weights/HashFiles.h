//===- HashFiles.h - hashes the files of a checkpoint -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_HASHFILES_H
#define M1C_RUNTIME_WEIGHTS_HASHFILES_H

#include "runtime/weights/Digests.h"

#include <functional>
#include <string>
#include <vector>

namespace m1 {

/// How to read and hash a checkpoint.
struct HashOptions {
  /// 0: one for each processor.
  unsigned Threads = 0;
  /// Are called several times a second by the thread that waits for the
  /// others, and `Progress` at the end; may be empty. `Cancelled` returns
  /// whether to stop.
  std::function<bool()> Cancelled;
  std::function<void(uint64_t BytesDone, uint64_t BytesTotal)> Progress;
};

struct FileHashes {
  /// Of Checkpoint::tensors(), in order.
  std::vector<TensorDigest> Tensors;
  /// Of Checkpoint::files(): SHA-256 as 64 hexadecimal digits; empty for files
  /// that were not asked for.
  std::vector<std::string> Sha256;
};

/// Reads the files, each byte once, and hashes all tensors if `Tensors` is set,
/// and the files for which `Sha256` is set. Threads share a file by tensors,
/// but SHA-256 takes one thread for a whole file. Cancelled is an error of that
/// kind.
absl::StatusOr<FileHashes> hashFiles(const Checkpoint &Weights, bool Tensors,
                                     const std::vector<bool> &Sha256,
                                     const HashOptions &Options);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_HASHFILES_H
