//===- Digest.h - the digest of a plan file ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SCHEMA_DIGEST_H
#define M1C_RUNTIME_SCHEMA_DIGEST_H

#include "runtime/schema/plan_generated.h"

#include <cstdint>
#include <cstring>
#include <span>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace m1::plan {

/// The 8 bytes of the digest field of a verified plan; null if it is absent.
inline const uint8_t *digestField(const uint8_t *File) {
  auto *Table = flatbuffers::GetRoot<flatbuffers::Table>(File);
  return Table->GetAddressOf(Plan::VT_DIGEST);
}

/// XXH64 with seed 0 of the whole file, with the 8 bytes at `Field` taken as 0.
inline uint64_t computeDigest(std::span<const uint8_t> File,
                              const uint8_t *Field) {
  XXH64_state_t State;
  // Longer than the part that is read: g++ reports prefetches of XXH64_update
  // as accesses before the array.
  const uint8_t Zeros[40] = {};
  size_t Before = Field - File.data();
  XXH64_reset(&State, 0);
  XXH64_update(&State, File.data(), Before);
  XXH64_update(&State, Zeros + 32, 8);
  XXH64_update(&State, Field + 8, File.size() - Before - 8);
  return XXH64_digest(&State);
}

/// Writes the digest into a finished file. Returns false if the field is
/// absent: build the table with any digest other than 0.
inline bool sealPlan(std::span<uint8_t> File) {
  const uint8_t *Field = digestField(File.data());
  if (!Field)
    return false;
  flatbuffers::WriteScalar(const_cast<uint8_t *>(Field),
                           computeDigest(File, Field));
  return true;
}

} // namespace m1::plan

#endif // M1C_RUNTIME_SCHEMA_DIGEST_H
