//===- MessageTransport.h - a transport made of messages --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_MESSAGETRANSPORT_H
#define M1C_RUNTIME_COMM_MESSAGETRANSPORT_H

#include "runtime/comm/Transport.h"

namespace m1 {

/// A transport made of messages between two ranks. After an error all calls are
/// errors: messages of the failed one may still be under way.
class MessageTransport : public Transport {
public:
  absl::Status allGather(std::span<const int> Group, const std::byte *Source,
                         std::byte *Destination, uint64_t Bytes) final;
  absl::Status allToAll(std::span<const int> Group, const std::byte *Source,
                        std::byte *Destination, uint64_t Bytes) final;
  absl::Status broadcast(std::string &Data) final;
  absl::StatusOr<std::vector<std::string>> gather(std::string_view Data) final;
  absl::Status finish() override;
  std::chrono::milliseconds timeout() const final { return Options.Timeout; }
  void setTimeout(std::chrono::milliseconds Timeout) final {
    Options.Timeout = Timeout;
  }

protected:
  /// The call that messages belong to.
  struct Operation {
    std::string_view Name; ///< "all-gather"
    uint64_t Bytes;        ///< of a block
    bool operator==(const Operation &) const = default;
  };
  struct Outgoing {
    int To;
    const std::byte *Data;
    uint64_t Bytes;
  };
  struct Incoming {
    int From;
    std::byte *Data;
    uint64_t Bytes;
  };

  explicit MessageTransport(const TransportOptions &Options)
      : Options(Options) {}

  /// Sends and receives; all of it is complete on return. Of two messages from
  /// one rank to another, the first arrives first. An error after the time
  /// limit: `late`.
  virtual absl::Status transfer(const Operation &What,
                                std::span<const Outgoing> Sent,
                                std::span<const Incoming> Received) = 0;

  /// "all-gather of 64 bytes: ranks 0, 2 did not answer within 60 s".
  absl::Status late(const Operation &What, std::span<const int> Missing) const;
  /// "all-gather of 64 bytes: rank 2 failed: out of memory".
  static absl::Status failed(const Operation &What, int Rank,
                             std::string_view Why);
  /// "rank 2 failed: out of memory".
  static absl::Status failed(int Rank, std::string_view Why);
  static std::string describe(const Operation &What);

  TransportOptions Options;

private:
  absl::Status run(const Operation &What);
  absl::Status exchange(const Operation &What, std::span<const int> Group,
                        const std::byte *Source, uint64_t SourceStep,
                        std::byte *Destination);

  absl::Status Error; ///< of an earlier call
  // Messages of the current call; members so that a call allocates nothing.
  std::vector<Outgoing> Sent;
  std::vector<Incoming> Received;
};

/// "rank 3"; "ranks 0, 2, 5".
std::string describeRanks(std::span<const int> Ranks);

/// "0.25 s", "60 s".
std::string describeTime(std::chrono::milliseconds Time);

} // namespace m1

#endif // M1C_RUNTIME_COMM_MESSAGETRANSPORT_H
