//===- File.h - mapped input files and atomic output files ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_FILE_H
#define M1C_RUNTIME_SUPPORT_FILE_H

#include "runtime/support/Error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace m1 {

/// A file mapped read-only for as long as the object lives.
class MappedFile {
public:
  /// Errors name the file and the system's reason.
  static absl::StatusOr<std::unique_ptr<MappedFile>>
  open(const std::string &Path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const std::byte> bytes() const { return {Data, Size}; }

  /// Releases the pages that are entirely inside the range; they are read again
  /// when touched.
  void release(uint64_t Offset, uint64_t Bytes) const;

private:
  MappedFile() = default;
  const std::byte *Data = nullptr;
  size_t Size = 0;
};

/// Size in bytes of a regular file; errors name the file.
absl::StatusOr<uint64_t> fileSize(const std::string &Path);

/// Up to `Bytes` bytes of a file from `Offset` on; fewer at its end.
absl::StatusOr<std::string> readFileRange(const std::string &Path,
                                          uint64_t Offset, uint64_t Bytes);

/// A file that appears under its name only when complete: it is written under a
/// temporary name in the same directory and renamed by `commit`. Without
/// `commit` it is removed.
class OutputFile {
public:
  /// An error if `Path` is a directory, which `commit` could not replace.
  static absl::StatusOr<std::unique_ptr<OutputFile>>
  create(const std::string &Path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  absl::Status write(const void *Data, size_t Bytes);
  /// Call after the last `write`. An error if not all bytes could be written.
  absl::Status close();
  /// Renames the closed file to `Path`.
  absl::Status commit();

private:
  OutputFile() = default;
  absl::Status failure(const char *Action);
  std::string Path, Temporary;
  int Descriptor = -1;
  bool Committed = false;
  std::vector<char> Buffer;
  absl::Status flush();
};

/// Closed files that are committed together, once all are complete; without
/// `commit` all are removed.
using OutputFiles = std::vector<std::unique_ptr<OutputFile>>;
absl::Status commit(const OutputFiles &Files);

/// Creates a directory and its parents if they do not exist.
absl::Status createDirectories(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_FILE_H
