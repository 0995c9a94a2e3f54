//===- TensorHasher.cpp - the digest of a tensor, by pieces ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/TensorHasher.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace m1;

struct TensorHasher::State {
  XXH3_state_t Xxh;
};

TensorHasher::TensorHasher() : Hash(std::make_unique<State>()) {
  XXH3_128bits_reset(&Hash->Xxh);
}
TensorHasher::~TensorHasher() = default;

void TensorHasher::add(std::span<const std::byte> Bytes) {
  if (!Bytes.empty())
    XXH3_128bits_update(&Hash->Xxh, Bytes.data(), Bytes.size());
}

TensorDigest TensorHasher::finish() {
  const XXH128_hash_t Result = XXH3_128bits_digest(&Hash->Xxh);
  XXH3_128bits_reset(&Hash->Xxh);
  return {Result.high64, Result.low64};
}
