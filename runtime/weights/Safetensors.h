//===- Safetensors.h - metadata of one safetensors file ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_SAFETENSORS_H
#define M1C_RUNTIME_WEIGHTS_SAFETENSORS_H

#include "runtime/support/DType.h"
#include "runtime/support/Error.h"

#include <string>
#include <vector>

namespace m1 {

/// A tensor's type, shape and location.
struct TensorInfo {
  std::string Name;
  ElementType Type;
  std::vector<int64_t> Shape;
  uint64_t Offset; ///< bytes from the start of the file
  uint64_t Bytes;
  uint32_t File = 0; ///< index into Checkpoint::files()
};

/// Tensors of a checkpoint. The largest published models have some 100,000. A
/// header of 100 MB has room for two million, which would take 400 MB.
constexpr size_t MaxTensors = 1'000'000;
/// Bytes in the name of a tensor, or of a file in an index. Published names
/// have fewer than 200; errors quote names in full.
constexpr size_t MaxNameBytes = 1000;

/// Bytes of a header. The safetensors library has the same limit.
constexpr uint64_t MaxSafetensorsHeaderBytes = 100'000'000;

/// Reads only the header of a safetensors file. The result is ordered by
/// offset.
///
/// The file is untrusted: a malformed header (length, JSON, element types,
/// shapes and byte ranges inconsistent with each other or with the file's size)
/// is an error that names the file and the tensor. As in the safetensors
/// library, tensors must cover the data without gaps and overlaps.
absl::StatusOr<std::vector<TensorInfo>>
readSafetensorsHeader(const std::string &Path);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_SAFETENSORS_H
