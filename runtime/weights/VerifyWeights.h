//===- VerifyWeights.h - finds damaged weights ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_VERIFYWEIGHTS_H
#define M1C_RUNTIME_WEIGHTS_VERIFYWEIGHTS_H

#include "runtime/weights/HashFiles.h"

#include <string>

namespace m1 {

class Checkpoint;

/// Compares all tensors with the digest file at `Digests`, or, if that is
/// empty, with the one beside the checkpoint. If there is none there, compares
/// all files with the checksums that huggingface_hub left. It is an error if
/// there are no digests and not a checksum for every file.
///
/// Returns a line that says what was compared. An error names the first tensor
/// or file that differs.
absl::StatusOr<std::string> verifyWeights(const Checkpoint &Weights,
                                          const std::string &Digests,
                                          const HashOptions &Options);

/// Writes a digest file to `Digests`, or, if that is empty, beside the
/// checkpoint, after comparing the files for which there are checksums of their
/// download. If there is a digest file already, verifies instead: digests of
/// damaged weights must not replace those of good ones.
///
/// Returns a line that says what was done.
absl::StatusOr<std::string> writeDigests(const Checkpoint &Weights,
                                         const std::string &Digests,
                                         const HashOptions &Options);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_VERIFYWEIGHTS_H
