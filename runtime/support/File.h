//===- File.h - files that are read -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything here reads regular files only, and fails at once on a FIFO, which
// would be waited for, on a device, which may have no end, and on a directory.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_FILE_H
#define M1C_RUNTIME_SUPPORT_FILE_H

#include "runtime/support/Error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/stat.h>

namespace m1 {

struct LiveMapping;

/// What tells a file from a later one of the same name: its size and the time
/// of its last write. Not the number of its inode, which some file systems over
/// a network change.
struct FileVersion {
  explicit FileVersion(const struct stat &Stat);
  bool operator==(const FileVersion &Other) const = default;

  uint64_t Bytes;
  int64_t Seconds, Nanoseconds;
};

/// A file mapped read-only for as long as the object lives. If the file is
/// changed in place meanwhile, so are the bytes; if it becomes shorter, an
/// access beyond its end ends the process with an error that names it
/// (MappingFaults.h). A file that is replaced by a rename stays as it was.
class MappedFile {
public:
  /// Errors name the file and the system's reason.
  static absl::StatusOr<std::unique_ptr<MappedFile>>
  open(const std::string &Path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const std::byte> bytes() const { return {Data, Size}; }
  /// That of the file as it was mapped.
  const FileVersion &version() const { return Version; }

  /// Releases the pages that are entirely inside the range; they are read again
  /// when touched.
  void release(uint64_t Offset, uint64_t Bytes) const;

private:
  explicit MappedFile(const struct stat &Stat)
      : Size(Stat.st_size), Version(Stat) {}
  const std::byte *Data = nullptr;
  size_t Size;
  FileVersion Version;
  LiveMapping *Live = nullptr;
};

/// An error that says what `Stat` describes if that is no regular file.
absl::Status checkRegular(const std::string &Path, const struct stat &Stat);

/// Whether there is anything at a path, at the end of links if it is one. What
/// cannot be examined is an error.
absl::StatusOr<bool> exists(const std::string &Path);

/// Version and size in bytes of a regular file; errors name the file.
absl::StatusOr<FileVersion> fileVersion(const std::string &Path);
absl::StatusOr<uint64_t> fileSize(const std::string &Path);

/// Up to `Bytes` bytes of a file from `Offset` on; fewer at its end.
absl::StatusOr<std::string> readFileRange(const std::string &Path,
                                          uint64_t Offset, uint64_t Bytes);

/// The whole file; an error if it has more than `MaxBytes` bytes.
absl::StatusOr<std::string> readWholeFile(const std::string &Path,
                                          uint64_t MaxBytes);

/// The same, but "-" stands for standard input, and a pipe that the shell made
/// (/dev/stdin, /dev/fd/N, as of `<(command)`) is read to its end.
absl::StatusOr<std::string> readFileOrPipe(const std::string &Path,
                                           uint64_t MaxBytes);

/// Which descriptor of this process a path names: 1 for /dev/stdout, N for
/// /dev/fd/N and /proc/self/fd/N, none for any other path.
std::optional<int> descriptorOf(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_FILE_H
