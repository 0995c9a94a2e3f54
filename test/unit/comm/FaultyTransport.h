//===- FaultyTransport.h - a transport that fails ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_FAULTYTRANSPORT_H
#define M1C_TEST_UNIT_COMM_FAULTYTRANSPORT_H

#include "runtime/comm/Transport.h"

#include <chrono>
#include <memory>

namespace m1::test {

/// What happens at call number `Call`, from 0 on, of a rank's transport, before
/// it reaches the other ranks.
struct Fault {
  enum Kind : uint8_t {
    None,
    Delay, ///< the call starts `For` later
    Fail,  ///< the call is an error: "injected failure"
    Hang,  ///< the call is an error, but only after `For`
    Kill,  ///< after `For`, the process ends by SIGKILL
    Stop,  ///< the process stops by SIGSTOP
  };
  Kind What = None;
  uint64_t Call = 0;
  std::chrono::milliseconds For{0};
};

/// Another transport with a fault.
class FaultyTransport : public Transport {
public:
  FaultyTransport(std::unique_ptr<Transport> Inner, const Fault &Injected)
      : Inner(std::move(Inner)), Injected(Injected) {}

  int size() const override { return Inner->size(); }
  int rank() const override { return Inner->rank(); }
  absl::Status allGather(std::span<const int> Group, const std::byte *Source,
                         std::byte *Destination, uint64_t Bytes) override;
  absl::Status allToAll(std::span<const int> Group, const std::byte *Source,
                        std::byte *Destination, uint64_t Bytes) override;
  absl::Status broadcast(std::string &Data) override;
  absl::StatusOr<std::vector<std::string>>
  gather(std::string_view Data) override;
  std::chrono::milliseconds timeout() const override {
    return Inner->timeout();
  }
  void setTimeout(std::chrono::milliseconds Timeout) override {
    Inner->setTimeout(Timeout);
  }
  absl::Status checkRanks() override { return Inner->checkRanks(); }
  void abort(const absl::Status &Why) override { Inner->abort(Why); }
  absl::Status finish() override;

  uint64_t calls() const { return Calls; }

private:
  absl::Status next();

  std::unique_ptr<Transport> Inner;
  Fault Injected;
  uint64_t Calls = 0;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_FAULTYTRANSPORT_H
