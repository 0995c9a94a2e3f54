//===- Temporaries.h - files that are not complete yet ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A temporary file is named NAME.m1tmp-PID-HOST-RANDOM-NUMBER: its own process
// finds it when a signal ends the process, and the next process that writes to
// the same directory finds it when its own was killed (SIGKILL, power failure
// of a container, a crash). HOST is a number for this machine and its PID
// namespace: whether a process of another one lives cannot be told, so its
// files are left alone.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_TEMPORARIES_H
#define M1C_RUNTIME_SUPPORT_TEMPORARIES_H

#include "absl/status/statusor.h"

#include <string>

namespace m1 {

struct TemporaryFile {
  int Descriptor; ///< for writing
  std::string Path;
};

/// Makes a temporary file in the directory of `Destination`, with the
/// permissions of a new file. The first one in a directory also removes those
/// that dead processes left there. Errors say that `Destination` cannot be
/// created.
absl::StatusOr<TemporaryFile> createTemporary(const std::string &Destination);

/// Removes the temporary files of this process. May be called in a signal
/// handler.
void removeOwnTemporaries();

/// The directory of a file: "." if the path has none.
std::string directoryOf(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_TEMPORARIES_H
