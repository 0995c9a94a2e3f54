//===- Digests.h - digests of a checkpoint's tensors ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_DIGESTS_H
#define M1C_RUNTIME_WEIGHTS_DIGESTS_H

#include "runtime/support/DType.h"
#include "runtime/support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

class Checkpoint;
class OutputFile;

/// XXH3 (128 bits, seed 0) of a tensor's bytes. It finds damage, not forgery.
struct TensorDigest {
  uint64_t High = 0, Low = 0;
  bool operator==(const TensorDigest &Other) const = default;
};
/// 32 hexadecimal digits, as xxhsum -H2 prints them.
std::string format(const TensorDigest &Digest);
/// The digest that `format` wrote; none if it is not one.
std::optional<TensorDigest> parseDigest(std::string_view Text);

/// What a digest file says of a tensor. Its file is for people: a tensor that
/// moved to another shard has not changed.
struct DigestEntry {
  std::string File;
  ElementType Type;
  std::vector<int64_t> Shape;
  TensorDigest Digest;
};

/// A digest file: JSON,
///
///   {"format": "m1-digests", "version": 1, "tool": "m1run 0.1.0",
///    "algorithm": "xxh3-128",
///    "tensors": {NAME: {"file": "model.safetensors", "dtype": "F32",
///                       "shape": [2, 3], "digest": "0123..."}, ...}}
///
/// with one line for each tensor.
class DigestFile {
public:
  /// Where the digests of a checkpoint are unless the user says otherwise:
  /// beside its files.
  static std::string defaultPath(const Checkpoint &Weights);

  /// Errors name the file, and the tensor whose entry is malformed.
  static absl::StatusOr<DigestFile> read(const std::string &Path);

  /// The text of a new digest file. `Digests` are those of Weights.tensors(),
  /// in order.
  static std::string write(const Checkpoint &Weights,
                           std::span<const TensorDigest> Digests);

  /// An error unless the file has the checkpoint's tensors, with their types
  /// and shapes, and no others.
  absl::Status checkTensors(const Checkpoint &Weights) const;

  /// After checkTensors: an error if digests differ, which names the first such
  /// tensor.
  absl::Status compare(const Checkpoint &Weights,
                       std::span<const TensorDigest> Digests) const;

private:
  std::string Path;
  std::map<std::string, DigestEntry, std::less<>> Tensors;
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_DIGESTS_H
