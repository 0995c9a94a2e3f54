//===- MappingFaults.h - files that shrink while mapped ---------*- C++ -*-===//
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

#include <cstddef>

namespace m1 {

struct LiveMapping;

/// Adds a mapping to the list and, once per process, installs the handler.
/// `Path` must live until `removeMapping`.
LiveMapping *addMapping(const void *Address, size_t Bytes, const char *Path);
/// To be called before the mapping is removed.
void removeMapping(LiveMapping *Mapping);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_MAPPINGFAULTS_H
