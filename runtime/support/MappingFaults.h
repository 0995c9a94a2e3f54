//===- MappingFaults.h - files that change while mapped ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Touching a page of a mapped file that is beyond the file's end, or that
// cannot be read, raises SIGBUS. The handler here looks the address up among
// the live mappings. If it is in one, the process ends with one line that names
// the file and exit status 1, and leaves no temporary files; any other SIGBUS
// does what it did before.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_MAPPINGFAULTS_H
#define M1C_RUNTIME_SUPPORT_MAPPINGFAULTS_H

#include "absl/status/status.h"

#include <cstddef>
#include <string>
#include <sys/stat.h>

namespace m1 {

struct LiveMapping;

/// Adds a mapping to the list and, once per process, installs the handler.
/// `Stat` is that of the file as it was mapped.
LiveMapping *addMapping(const void *Address, const std::string &Path,
                        const struct stat &Stat);
/// To be called before the mapping is removed.
void removeMapping(LiveMapping *Mapping);

/// An error that names a mapped file if one was written to since it was mapped:
/// what was computed from it may be wrong. A file that is replaced by a rename
/// was not written to.
absl::Status checkMappings();

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_MAPPINGFAULTS_H
