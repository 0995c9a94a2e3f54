//===- HubChecksums.h - checksums that downloads leave ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_HUBCHECKSUMS_H
#define M1C_RUNTIME_WEIGHTS_HUBCHECKSUMS_H

#include "runtime/support/Error.h"

#include <string>

namespace m1 {

/// What huggingface_hub recorded of a file when it downloaded it.
struct HubChecksum {
  /// The file's SHA-256, 64 lower-case hexadecimal digits; empty if unknown.
  std::string Sha256;
  /// The file was written after its download, so its checksum says nothing.
  bool Outdated = false;
};

/// Looks where huggingface_hub keeps the checksums of large files:
///
/// - a file in its cache is a link to blobs/SHA256,
/// - hf download --local-dir DIRECTORY leaves the checksum in
///   DIRECTORY/.cache/huggingface/download/NAME.metadata.
///
/// Indexes and safetensors files themselves hold no checksums. `Name` is
/// relative to `Directory`.
absl::StatusOr<HubChecksum> findHubChecksum(const std::string &Directory,
                                            const std::string &Name);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_HUBCHECKSUMS_H
