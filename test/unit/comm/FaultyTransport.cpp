//===- FaultyTransport.cpp - a transport that fails -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/comm/FaultyTransport.h"

#include <csignal>
#include <thread>

using namespace m1;
using namespace m1::test;

absl::Status FaultyTransport::next() {
  if (Calls++ != Injected.Call)
    return absl::OkStatus();
  switch (Injected.What) {
  case Fault::None:
    return absl::OkStatus();
  case Fault::Delay:
    std::this_thread::sleep_for(Injected.For);
    return absl::OkStatus();
  case Fault::Hang:
    std::this_thread::sleep_for(Injected.For);
    [[fallthrough]];
  case Fault::Fail:
    return makeError("injected failure");
  case Fault::Kill:
    std::this_thread::sleep_for(Injected.For);
    std::raise(SIGKILL);
    return absl::OkStatus();
  case Fault::Stop:
    std::raise(SIGSTOP);
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status FaultyTransport::allGather(std::span<const int> Group,
                                        const std::byte *Source,
                                        std::byte *Destination,
                                        uint64_t Bytes) {
  M1_RETURN_IF_ERROR(next());
  return Inner->allGather(Group, Source, Destination, Bytes);
}

absl::Status FaultyTransport::allToAll(std::span<const int> Group,
                                       const std::byte *Source,
                                       std::byte *Destination, uint64_t Bytes) {
  M1_RETURN_IF_ERROR(next());
  return Inner->allToAll(Group, Source, Destination, Bytes);
}

absl::Status FaultyTransport::broadcast(std::string &Data) {
  M1_RETURN_IF_ERROR(next());
  return Inner->broadcast(Data);
}

absl::StatusOr<std::vector<std::string>>
FaultyTransport::gather(std::string_view Data) {
  M1_RETURN_IF_ERROR(next());
  return Inner->gather(Data);
}

absl::Status FaultyTransport::finish() {
  M1_RETURN_IF_ERROR(next());
  return Inner->finish();
}
