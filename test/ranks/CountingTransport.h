//===- CountingTransport.h - counts what ranks exchange ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_RANKS_COUNTINGTRANSPORT_H
#define M1C_TEST_RANKS_COUNTINGTRANSPORT_H

#include "runtime/comm/Transport.h"
#include "runtime/plan/Traffic.h"

#include <memory>

namespace m1 {

inline bool operator==(const Traffic &A, const Traffic &B) {
  return A.Exchanges == B.Exchanges && A.Messages == B.Messages &&
         A.Bytes == B.Bytes;
}

namespace test {

/// Another transport, and a count of the blocks that it was given for other
/// ranks. The count knows nothing of the plan's collectives: an axis is told by
/// the ranks of the group.
class CountingTransport : public Transport {
public:
  /// `Plan` must outlive the transport.
  CountingTransport(std::unique_ptr<Transport> Inner, const plan::Plan &Plan)
      : Inner(std::move(Inner)), Plan(Plan) {}

  /// Since the last call of this function.
  TrafficByKind takeCount() { return std::exchange(Count, {}); }

  int size() const override { return Inner->size(); }
  int rank() const override { return Inner->rank(); }
  absl::Status allGather(std::span<const int> Group, const std::byte *Source,
                         std::byte *Destination, uint64_t Bytes) override;
  absl::Status allToAll(std::span<const int> Group, const std::byte *Source,
                        std::byte *Destination, uint64_t Bytes) override;
  absl::Status broadcast(std::string &Data) override {
    return Inner->broadcast(Data);
  }
  absl::StatusOr<std::vector<std::string>>
  gather(std::string_view Data) override {
    return Inner->gather(Data);
  }
  std::chrono::milliseconds timeout() const override {
    return Inner->timeout();
  }
  void setTimeout(std::chrono::milliseconds Timeout) override {
    Inner->setTimeout(Timeout);
  }
  absl::Status checkRanks() override { return Inner->checkRanks(); }
  void abort(const absl::Status &Why) override { Inner->abort(Why); }
  absl::Status finish() override { return Inner->finish(); }

private:
  absl::Status add(plan::CollectiveKind Kind, std::span<const int> Group,
                   uint64_t Bytes);

  std::unique_ptr<Transport> Inner;
  const plan::Plan &Plan;
  TrafficByKind Count;
};

} // namespace test
} // namespace m1

#endif // M1C_TEST_RANKS_COUNTINGTRANSPORT_H
