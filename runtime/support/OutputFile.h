//===- OutputFile.h - files that appear when complete -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_OUTPUTFILE_H
#define M1C_RUNTIME_SUPPORT_OUTPUTFILE_H

#include "runtime/support/Error.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace m1 {

/// A file that appears under its name only when complete: it is written under a
/// temporary name in the same directory (Temporaries.h) and renamed by
/// `commit`. Without `commit` it is removed. Once it is closed, it takes no
/// memory but its names.
///
/// If the name is a link, the file that it points to is replaced. A character
/// device or a FIFO is written directly, and so is a descriptor of this
/// process, such as /dev/stdout: what was written to one cannot be undone.
class OutputFile {
public:
  /// An error if `Path` is a directory or anything else that cannot be
  /// replaced.
  static absl::StatusOr<std::unique_ptr<OutputFile>>
  create(const std::string &Path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  absl::Status write(const void *Data, size_t Bytes);
  /// Call after the last `write`. An error if not all bytes could be written.
  absl::Status close();

private:
  friend absl::Status commit(const std::vector<std::unique_ptr<OutputFile>> &,
                             bool);
  OutputFile() = default;
  /// "cannot ACTION PATH: the reason", from a value of errno.
  absl::Status failure(const char *Action, int Reason) const;
  absl::Status openDirectly(int Descriptor);
  absl::Status writeAll(const char *Data, size_t Bytes);
  absl::Status flush();
  absl::Status saveData() const;
  absl::Status rename();

  std::string Path;
  std::string Temporary; ///< empty if written directly, or renamed
  int Descriptor = -1;
  std::vector<char> Buffer;
};

/// Closed files that are committed together, once all are complete; without
/// `commit` all are removed.
using OutputFiles = std::vector<std::unique_ptr<OutputFile>>;
/// Gives the files their names. A signal that asks the process to end waits
/// until all have them. With `WaitForDisk`, the data is on the disk before, and
/// the names are afterwards: a power failure loses no committed file, and
/// leaves none that is empty. That takes some milliseconds.
absl::Status commit(const OutputFiles &Files, bool WaitForDisk = true);
absl::Status commit(std::unique_ptr<OutputFile> File);

/// Waits until what was renamed in a directory is on the disk.
absl::Status saveDirectory(const std::string &Path);

/// Creates a directory and its parents if they do not exist.
absl::Status createDirectories(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_OUTPUTFILE_H
