//===- InProcess.cpp - ranks that are threads -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/InProcess.h"

#include "runtime/comm/MessageTransport.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

using namespace m1;

namespace {
class InProcessRank : public MessageTransport {
public:
  /// What the ranks share.
  struct Job;

  InProcessRank(std::shared_ptr<Job> Ranks, int Rank,
                const TransportOptions &Options)
      : MessageTransport(Options), Ranks(std::move(Ranks)), Rank(Rank) {}
  ~InProcessRank() override;

  int size() const override;
  int rank() const override { return Rank; }
  absl::Status checkRanks() override;
  void abort(const absl::Status &Why) override;

protected:
  absl::Status transfer(const Operation &What, std::span<const Outgoing> Sent,
                        std::span<const Incoming> Received) override;

private:
  absl::Status take(const Operation &What, const Incoming &Wanted);

  std::shared_ptr<Job> Ranks;
  int Rank;
  std::vector<int> Missing; ///< in `transfer`
};

struct InProcessRank::Job {
  struct Message {
    Operation What;
    std::vector<std::byte> Data;
  };
  explicit Job(int Count)
      : Size(Count), Queues(size_t(Count) * Count), HasEnded(Count) {}
  std::deque<Message> &queue(int From, int To) {
    return Queues[size_t(From) * Size + To];
  }

  const int Size;
  std::mutex Mutex; ///< of what follows
  std::condition_variable Changed;
  std::vector<std::deque<Message>> Queues;
  std::vector<bool> HasEnded;
  int AbortedBy = -1;
  std::string Why;
};

InProcessRank::~InProcessRank() {
  std::lock_guard<std::mutex> Lock(Ranks->Mutex);
  Ranks->HasEnded[Rank] = true;
  Ranks->Changed.notify_all();
}

int InProcessRank::size() const { return Ranks->Size; }

absl::Status InProcessRank::checkRanks() {
  std::lock_guard<std::mutex> Lock(Ranks->Mutex);
  return Ranks->AbortedBy < 0 ? absl::OkStatus()
                              : failed(Ranks->AbortedBy, Ranks->Why);
}

void InProcessRank::abort(const absl::Status &Why) {
  std::lock_guard<std::mutex> Lock(Ranks->Mutex);
  if (Ranks->AbortedBy < 0) {
    Ranks->AbortedBy = Rank;
    Ranks->Why = std::string(Why.message());
  }
  Ranks->Changed.notify_all();
}

absl::Status InProcessRank::transfer(const Operation &What,
                                     std::span<const Outgoing> Sent,
                                     std::span<const Incoming> Received) {
  std::unique_lock<std::mutex> Lock(Ranks->Mutex);
  for (const Outgoing &Message : Sent)
    Ranks->queue(Rank, Message.To)
        .push_back({What, {Message.Data, Message.Data + Message.Bytes}});
  Ranks->Changed.notify_all();

  int Ended = -1;
  auto decided = [&] {
    Missing.clear();
    Ended = -1;
    for (const Incoming &Wanted : Received) {
      if (!Ranks->queue(Wanted.From, Rank).empty())
        continue;
      Missing.push_back(Wanted.From);
      if (Ranks->HasEnded[Wanted.From])
        Ended = Wanted.From;
    }
    return Missing.empty() || Ended >= 0 || Ranks->AbortedBy >= 0;
  };
  const bool InTime = Ranks->Changed.wait_for(Lock, Options.Timeout, decided);
  if (Ranks->AbortedBy >= 0)
    return failed(What, Ranks->AbortedBy, Ranks->Why);
  if (!InTime)
    return late(What, Missing);
  if (Ended >= 0)
    return failed(What, Ended, "it has ended");
  for (const Incoming &Wanted : Received)
    M1_RETURN_IF_ERROR(take(What, Wanted));
  return absl::OkStatus();
}

absl::Status InProcessRank::take(const Operation &What,
                                 const Incoming &Wanted) {
  std::deque<Job::Message> &Queue = Ranks->queue(Wanted.From, Rank);
  Job::Message Message = std::move(Queue.front());
  Queue.pop_front();
  if (Message.What != What || Message.Data.size() != Wanted.Bytes)
    return makeError(describe(What), ": rank ", Wanted.From, " is in ",
                     describe(Message.What));
  if (Wanted.Bytes > 0)
    std::memcpy(Wanted.Data, Message.Data.data(), Wanted.Bytes);
  return absl::OkStatus();
}
} // namespace

std::vector<std::unique_ptr<Transport>>
m1::createInProcessRanks(int Count, const TransportOptions &Options) {
  auto Ranks = std::make_shared<InProcessRank::Job>(Count);
  std::vector<std::unique_ptr<Transport>> Result;
  for (int Rank = 0; Rank < Count; ++Rank)
    Result.push_back(std::make_unique<InProcessRank>(Ranks, Rank, Options));
  return Result;
}
