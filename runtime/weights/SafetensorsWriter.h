//===- SafetensorsWriter.h - writes a safetensors file ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_SAFETENSORSWRITER_H
#define M1C_RUNTIME_WEIGHTS_SAFETENSORSWRITER_H

#include "runtime/support/OutputFile.h"
#include "runtime/weights/TensorHasher.h"

#include <cstdint>

namespace m1 {

/// A tensor of a file that is to be written.
struct TensorSpec {
  std::string Name; ///< UTF-8
  ElementType Type;
  std::vector<int64_t> Shape;
};

/// Writes a safetensors file whose tensors come one after the other, in pieces
/// of any size: never more than a piece is in memory. The file is, byte by
/// byte, the one that the safetensors library writes with the metadata
/// {"format": "pt"}, which transformers asks for.
class SafetensorsWriter {
public:
  /// An error if two tensors have one name, or if their header would be one
  /// that readers refuse.
  static absl::StatusOr<std::unique_ptr<SafetensorsWriter>>
  create(const std::string &Path, std::vector<TensorSpec> Tensors);

  /// In the order of the file, in which their bytes must be written: by element
  /// type, those of the widest first, and by name.
  std::span<const TensorSpec> tensors() const { return Tensors; }

  /// Adds bytes of the tensors. A call may hold the end of one tensor and the
  /// begin of the next.
  absl::Status write(std::span<const std::byte> Data);

  /// Closes the file, which has its name after `commit`. An error if there are
  /// bytes that were not written.
  absl::StatusOr<std::unique_ptr<OutputFile>> finish();

  /// Of tensors(), in order; complete after `finish`.
  std::span<const TensorDigest> digests() const { return Digests; }

private:
  SafetensorsWriter() = default;
  void finishTensors();

  std::string Path;
  std::vector<TensorSpec> Tensors;
  std::vector<uint64_t> Bytes; ///< of each tensor
  std::unique_ptr<OutputFile> File;
  TensorHasher Hasher;
  std::vector<TensorDigest> Digests; ///< of the tensors that are complete
  uint64_t Written = 0;              ///< bytes of the tensor after those
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_SAFETENSORSWRITER_H
