//===- Npy.h - reading and writing .npy files -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_NPY_H
#define M1C_RUNTIME_WEIGHTS_NPY_H

#include "runtime/support/DType.h"
#include "runtime/support/Error.h"
#include "runtime/support/OutputFile.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace m1 {

/// A row-major array in memory. Data is aligned to at least 16 bytes.
struct NpyArray {
  ElementType Type = ElementType::F32;
  std::vector<int64_t> Shape;
  std::vector<std::byte> Data;

  int64_t count() const { return Data.size() / byteSize(Type); }
  /// The elements as `T`, which must be the C++ type of `Type`.
  template <typename T> std::span<const T> as() const {
    return {reinterpret_cast<const T *>(Data.data()), Data.size() / sizeof(T)};
  }
  template <typename T> std::span<T> as() {
    return {reinterpret_cast<T *>(Data.data()), Data.size() / sizeof(T)};
  }
};

/// Reads a .npy file: format 1, 2 or 3, little-endian f2, f4, f8, i1, i2, i4,
/// i8, u1, u2, u4, u8 or bool, C order (or an array whose elements have the
/// same order in Fortran order), at most 8 dimensions. A hostile header is an
/// error.
absl::StatusOr<NpyArray> readNpy(const std::string &Path);

/// The array with its elements converted to `Type`. Floats round to nearest
/// even; integers that do not fit, and floats where integers are wanted, are
/// errors, which begin with `Where`.
absl::StatusOr<NpyArray> convert(NpyArray Array, ElementType Type,
                                 const std::string &Where);

/// Token ids from a 1-D .npy file of integers of any type. More than
/// `MaxTokens` are an error, found before they are read.
absl::StatusOr<std::vector<int64_t>> readTokens(const std::string &Path,
                                                int64_t MaxTokens = INT64_MAX);

/// Writes an array to a file that is not committed yet. BF16 and F16 are
/// written as f4.
absl::StatusOr<std::unique_ptr<OutputFile>>
prepareNpy(const std::string &Path, ElementType Type,
           std::span<const int64_t> Shape, const void *Data);
/// The same, committed.
absl::Status writeNpy(const std::string &Path, ElementType Type,
                      std::span<const int64_t> Shape, const void *Data);

/// Writes an array of known shape in pieces, so that it need not be in memory
/// as a whole.
class NpyWriter {
public:
  /// `Type` is any that readNpy reads; BF16 is not.
  static absl::StatusOr<std::unique_ptr<NpyWriter>>
  create(const std::string &Path, ElementType Type,
         std::span<const int64_t> Shape);
  ~NpyWriter();
  absl::Status append(const void *Data, size_t Bytes);
  /// Call after the last piece; returns the complete file, not committed yet.
  absl::StatusOr<std::unique_ptr<OutputFile>> finish();

private:
  NpyWriter() = default;
  std::unique_ptr<OutputFile> File;
  uint64_t Expected = 0, Written = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_NPY_H
