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

  /// Gives the pages that lie wholly inside the range back to the system; they
  /// are read again when touched again.
  void release(uint64_t Offset, uint64_t Bytes) const;

private:
  MappedFile() = default;
  const std::byte *Data = nullptr;
  size_t Size = 0;
};

/// Size in bytes of a regular file; errors name the file.
absl::StatusOr<uint64_t> fileSize(const std::string &Path);

/// The first `Bytes` bytes from `Offset` of a file; fewer at its end.
absl::StatusOr<std::string> readFileRange(const std::string &Path,
                                          uint64_t Offset, uint64_t Bytes);

/// A file that appears under its name only when it is complete: bytes go to a
/// temporary name beside it, `commit` renames. Without `commit` nothing is
/// left.
class OutputFile {
public:
  /// An error also where `Path` is a directory, which `commit` could not
  /// replace.
  static absl::StatusOr<std::unique_ptr<OutputFile>>
  create(const std::string &Path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  absl::Status write(const void *Data, size_t Bytes);
  /// Must follow the last `write`: all bytes are on the disk, or it is an
  /// error.
  absl::Status close();
  /// Gives the closed file its name.
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

/// Closed files that belong together. They get their names in `commit`, once
/// the last one is there: without it none of them is left.
using OutputFiles = std::vector<std::unique_ptr<OutputFile>>;
absl::Status commit(const OutputFiles &Files);

/// Creates a directory and its parents where they do not exist.
absl::Status createDirectories(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_FILE_H
