//===- TensorHasher.h - the digest of a tensor, by pieces -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_TENSORHASHER_H
#define M1C_RUNTIME_WEIGHTS_TENSORHASHER_H

#include "runtime/weights/Digests.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace m1 {

/// Hashes bytes that come in pieces; the result does not depend on how they are
/// cut.
class TensorHasher {
public:
  TensorHasher();
  ~TensorHasher();
  TensorHasher(const TensorHasher &) = delete;
  TensorHasher &operator=(const TensorHasher &) = delete;

  void add(std::span<const std::byte> Bytes);
  void add(std::string_view Text) { add(std::as_bytes(std::span(Text))); }
  /// Of the bytes since the last call.
  TensorDigest finish();

private:
  struct State;
  std::unique_ptr<State> Hash;
};

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_TENSORHASHER_H
