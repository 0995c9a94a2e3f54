//===- MessageTransport.cpp - a transport made of messages ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/MessageTransport.h"

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace m1;

Transport::~Transport() = default;

std::string m1::describeRanks(std::span<const int> Ranks) {
  std::string Text = Ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t I = 0; I < Ranks.size(); ++I)
    Text += concat(I ? ", " : "", Ranks[I]);
  return Text;
}

std::string m1::describeTime(std::chrono::milliseconds Time) {
  const int64_t Count = Time.count();
  std::string Text = std::to_string(Count / 1000);
  if (Count % 1000 != 0) {
    std::string Digits = std::to_string(1000 + Count % 1000).substr(1);
    while (Digits.ends_with('0'))
      Digits.pop_back();
    Text += "." + Digits;
  }
  return Text + " s";
}

std::string MessageTransport::describe(const Operation &What) {
  if (What.Bytes == 0)
    return std::string(What.Name);
  return concat(What.Name, " of ", What.Bytes, " bytes");
}

absl::Status MessageTransport::late(const Operation &What,
                                    std::span<const int> Missing) const {
  return absl::DeadlineExceededError(
      concat(describe(What), ": ", describeRanks(Missing),
             " did not answer within ", describeTime(Options.Timeout)));
}

absl::Status MessageTransport::failed(const Operation &What, int Rank,
                                      std::string_view Why) {
  return absl::AbortedError(
      printable(concat(describe(What), ": rank ", Rank, " failed: ", Why)));
}

absl::Status MessageTransport::failed(int Rank, std::string_view Why) {
  return absl::AbortedError(printable(concat("rank ", Rank, " failed: ", Why)));
}

/// Transfers the messages that `Sent` and `Received` hold.
absl::Status MessageTransport::run(const Operation &What) {
  if (Error.ok())
    Error = transfer(What, Sent, Received);
  return Error;
}

/// The block for the rank at I of the group is I * SourceStep bytes from
/// `Source`.
absl::Status MessageTransport::exchange(const Operation &What,
                                        std::span<const int> Group,
                                        const std::byte *Source,
                                        uint64_t SourceStep,
                                        std::byte *Destination) {
  Sent.clear();
  Received.clear();
  const size_t Own =
      std::find(Group.begin(), Group.end(), rank()) - Group.begin();
  // Each rank begins with the one after it: no rank gets all messages at once.
  for (size_t Distance = 1; Distance < Group.size(); ++Distance) {
    const size_t To = (Own + Distance) % Group.size();
    const size_t From = (Own + Group.size() - Distance) % Group.size();
    Sent.push_back({Group[To], Source + To * SourceStep, What.Bytes});
    Received.push_back(
        {Group[From], Destination + From * What.Bytes, What.Bytes});
  }
  if (What.Bytes > 0)
    std::memmove(Destination + Own * What.Bytes, Source + Own * SourceStep,
                 What.Bytes);
  return run(What);
}

absl::Status MessageTransport::allGather(std::span<const int> Group,
                                         const std::byte *Source,
                                         std::byte *Destination,
                                         uint64_t Bytes) {
  return exchange({"all-gather", Bytes}, Group, Source, 0, Destination);
}

absl::Status MessageTransport::allToAll(std::span<const int> Group,
                                        const std::byte *Source,
                                        std::byte *Destination,
                                        uint64_t Bytes) {
  return exchange({"all-to-all", Bytes}, Group, Source, Bytes, Destination);
}

absl::Status MessageTransport::broadcast(std::string &Data) {
  uint64_t Size = Data.size();
  auto toAll = [&](void *At, uint64_t Bytes) {
    auto *Block = static_cast<std::byte *>(At);
    Sent.clear();
    Received.clear();
    if (rank() != 0)
      Received.push_back({0, Block, Bytes});
    for (int To = 1; rank() == 0 && To < size(); ++To)
      Sent.push_back({To, Block, Bytes});
    return run({"broadcast", Bytes});
  };
  M1_RETURN_IF_ERROR(toAll(&Size, sizeof Size));
  Data.resize(Size);
  return toAll(Data.data(), Size);
}

absl::StatusOr<std::vector<std::string>>
MessageTransport::gather(std::string_view Data) {
  // Sizes first: a message's receiver knows how long it is.
  std::vector<uint64_t> Sizes(size(), Data.size());
  auto bytesOf = [](auto &Value) {
    return reinterpret_cast<std::byte *>(&Value);
  };
  Sent.clear();
  Received.clear();
  if (rank() != 0)
    Sent.push_back({0, bytesOf(Sizes[0]), sizeof Sizes[0]});
  for (int From = 1; rank() == 0 && From < size(); ++From)
    Received.push_back({From, bytesOf(Sizes[From]), sizeof Sizes[From]});
  M1_RETURN_IF_ERROR(run({"gather", sizeof Sizes[0]}));

  std::vector<std::string> Result;
  Sent.clear();
  Received.clear();
  if (rank() != 0) {
    Sent.push_back(
        {0, reinterpret_cast<const std::byte *>(Data.data()), Data.size()});
  } else {
    for (uint64_t Size : Sizes)
      Result.emplace_back(Size, '\0');
    Result[0] = Data;
    for (int From = 1; From < size(); ++From)
      Received.push_back({From,
                          reinterpret_cast<std::byte *>(Result[From].data()),
                          Sizes[From]});
  }
  M1_RETURN_IF_ERROR(run({"gather", 0})); // of different sizes
  return Result;
}

absl::Status MessageTransport::finish() {
  std::vector<int> All(size());
  std::iota(All.begin(), All.end(), 0);
  return exchange({"the end of the run", 0}, All, nullptr, 0, nullptr);
}
