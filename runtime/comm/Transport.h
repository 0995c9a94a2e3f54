//===- Transport.h - bytes between the ranks of a job -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_TRANSPORT_H
#define M1C_RUNTIME_COMM_TRANSPORT_H

#include "runtime/support/Error.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// Carries bytes of host memory between the ranks of a job. All ranks of a
/// group make the same calls in the same order; a call that does not end within
/// the transport's timeout is an error on every rank that waits in it,
/// "deadline exceeded". That another rank has failed is an error "aborted".
class Transport {
public:
  virtual ~Transport();

  virtual int size() const = 0;
  virtual int rank() const = 0;

  /// `Group`: ranks in the order of their blocks; this rank is one of them.
  /// The destination gets one block of `Bytes` bytes from each.
  virtual absl::Status allGather(std::span<const int> Group,
                                 const std::byte *Source,
                                 std::byte *Destination, uint64_t Bytes) = 0;
  /// The source has one block for each rank of the group, the destination gets
  /// one from each.
  virtual absl::Status allToAll(std::span<const int> Group,
                                const std::byte *Source, std::byte *Destination,
                                uint64_t Bytes) = 0;
  /// Afterwards all ranks have rank 0's `Data`.
  virtual absl::Status broadcast(std::string &Data) = 0;
  /// What each rank gave, at rank 0 in the order of ranks; empty elsewhere.
  virtual absl::StatusOr<std::vector<std::string>>
  gather(std::string_view Data) = 0;

  /// How long a call waits for other ranks.
  virtual std::chrono::milliseconds timeout() const = 0;
  virtual void setTimeout(std::chrono::milliseconds Timeout) = 0;

  /// An error if another rank has said that it failed. For waits elsewhere.
  virtual absl::Status checkRanks() = 0;
  /// Tells the other ranks that this one has failed: the calls in which they
  /// wait, and later ones, are errors that quote `Why`. No calls follow.
  virtual void abort(const absl::Status &Why) = 0;
  /// Waits until all ranks are here; the last call.
  virtual absl::Status finish() = 0;
};

struct TransportOptions {
  /// How long a call waits for other ranks.
  std::chrono::milliseconds Timeout = std::chrono::seconds(60);
};

} // namespace m1

#endif // M1C_RUNTIME_COMM_TRANSPORT_H
