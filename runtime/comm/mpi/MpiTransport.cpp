//===- MpiTransport.cpp - ranks that mpirun started -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/mpi/MpiTransport.h"

#include "runtime/comm/MessageTransport.h"
#include "runtime/comm/Patience.h"
#include "runtime/comm/Watchdog.h"
#include "runtime/support/StopSignals.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <optional>

using namespace m1;
using namespace m1::mpi;
using Clock = std::chrono::steady_clock;

namespace {
constexpr int kData = 0, kFailures = 1; // channels

class MpiTransport : public MessageTransport {
public:
  MpiTransport(const Api &Mpi, const MpiOptions &Options)
      : MessageTransport(Options), Mpi(Mpi), Grace(Options.Grace),
        MessageBytes(Options.MessageBytes) {}
  ~MpiTransport() override;

  absl::Status start();
  int size() const override { return Size; }
  int rank() const override { return Rank; }
  absl::Status checkRanks() override;
  void abort(const absl::Status &Why) override;
  absl::Status finish() override;

protected:
  absl::Status transfer(const Operation &What, std::span<const Outgoing> Sent,
                        std::span<const Incoming> Received) override;

private:
  /// A message of a call, in parts.
  struct Part {
    Request Pending;
    int Peer;
    bool IsSent;
  };
  /// The failure that ends the job, which all ranks quote.
  struct Failure {
    int32_t Rank;
    std::string Why;
  };

  absl::Status begin(const Operation &What, std::span<const Outgoing> Sent,
                     std::span<const Incoming> Received);
  absl::Status testAll(bool &HasProgress);
  absl::Status lookForFailures();
  absl::Status wait(const Operation &What);
  std::string strayMessages(std::span<const int> From) const;
  void giveUp();
  int nextTag(const Operation &What, std::vector<uint32_t> &Counts, int Peer);
  static absl::Status check(const char *Error, const char *Name);

  const Api &Mpi;
  const std::chrono::milliseconds Grace;
  const uint64_t MessageBytes;
  int Rank = 0, Size = 0;
  bool IsStarted = false, IsFinished = false, IsAborted = false;

  std::vector<uint32_t> SentTo, ReceivedFrom; ///< calls so far, by rank
  std::vector<Part> Parts;                    ///< of the current call
  std::optional<Failure> First;               ///< that another rank told of
  int FailedRanks = 0;                        ///< others, so far
  std::string LastWords;                      ///< what `abort` sends
};
} // namespace

absl::Status MpiTransport::check(const char *Error, const char *Name) {
  if (!Error)
    return absl::OkStatus();
  return makeError(Name, ": ", Error);
}

absl::Status MpiTransport::start() {
  Watchdog Limit(Options.Timeout, "not all ranks started (MPI_Init)");
  M1_RETURN_IF_ERROR(check(Mpi.Start(&Rank, &Size), "MPI_Init"));
  IsStarted = true;
  SentTo.resize(Size);
  ReceivedFrom.resize(Size);
  return absl::OkStatus();
}

/// Calls between two ranks are numbered; a message for another call is not
/// taken for this one's.
int MpiTransport::nextTag(const Operation &What, std::vector<uint32_t> &Counts,
                          int Peer) {
  uint64_t Hash = Counts[Peer]++;
  Hash = Hash * 31 + static_cast<unsigned char>(What.Name.back());
  Hash = Hash * 31 + What.Bytes;
  return static_cast<int>(Hash % 32749); // a prime
}

absl::Status MpiTransport::begin(const Operation &What,
                                 std::span<const Outgoing> Sent,
                                 std::span<const Incoming> Received) {
  // The last part may be empty; so is the only part of an empty message.
  auto inParts = [&](uint64_t Bytes, auto &&Start) -> absl::Status {
    uint64_t Done = 0;
    do {
      const uint64_t Count = std::min(Bytes - Done, MessageBytes);
      M1_RETURN_IF_ERROR(Start(Done, static_cast<int>(Count)));
      Done += Count;
    } while (Done < Bytes);
    return absl::OkStatus();
  };
  Parts.clear();
  for (const Incoming &Message : Received) {
    const int Tag = nextTag(What, ReceivedFrom, Message.From);
    M1_RETURN_IF_ERROR(inParts(Message.Bytes, [&](uint64_t At, int Count) {
      Parts.push_back({{}, Message.From, false});
      return check(Mpi.Receive(kData, Message.From, Tag, Message.Data + At,
                               Count, &Parts.back().Pending),
                   "MPI_Irecv");
    }));
  }
  for (const Outgoing &Message : Sent) {
    const int Tag = nextTag(What, SentTo, Message.To);
    M1_RETURN_IF_ERROR(inParts(Message.Bytes, [&](uint64_t At, int Count) {
      Parts.push_back({{}, Message.To, true});
      return check(Mpi.Send(kData, Message.To, Tag, Message.Data + At, Count,
                            &Parts.back().Pending),
                   "MPI_Isend");
    }));
  }
  return absl::OkStatus();
}

absl::Status MpiTransport::testAll(bool &HasProgress) {
  for (size_t I = 0; I < Parts.size();) {
    bool IsDone = false;
    M1_RETURN_IF_ERROR(check(Mpi.Test(&Parts[I].Pending, &IsDone), "MPI_Test"));
    if (!IsDone) {
      ++I;
      continue;
    }
    HasProgress = true;
    Parts[I] = Parts.back();
    Parts.pop_back();
  }
  return absl::OkStatus();
}

/// Receives what ranks that failed have said.
absl::Status MpiTransport::lookForFailures() {
  bool IsThere = false;
  int Sender = 0, Tag = 0, Bytes = 0;
  M1_RETURN_IF_ERROR(
      check(Mpi.Probe(kFailures, Api::AnyRank, &IsThere, &Sender, &Tag, &Bytes),
            "MPI_Iprobe"));
  if (!IsThere)
    return absl::OkStatus();
  std::string Text(Bytes, '\0');
  Request Pending;
  M1_RETURN_IF_ERROR(
      check(Mpi.Receive(kFailures, Sender, Tag, Text.data(), Bytes, &Pending),
            "MPI_Irecv"));
  for (bool IsDone = false; !IsDone;) // the message is here already
    M1_RETURN_IF_ERROR(check(Mpi.Test(&Pending, &IsDone), "MPI_Test"));
  ++FailedRanks;
  if (First)
    return absl::OkStatus();
  First.emplace();
  std::memcpy(&First->Rank, Text.data(), sizeof First->Rank);
  First->Why = Text.substr(sizeof First->Rank);
  return absl::OkStatus();
}

absl::Status MpiTransport::checkRanks() {
  M1_RETURN_IF_ERROR(lookForFailures());
  return First ? failed(First->Rank, First->Why) : absl::OkStatus();
}

/// What ranks sent that is not for the call in which this one waits.
std::string MpiTransport::strayMessages(std::span<const int> From) const {
  std::string Text;
  for (int Peer : From) {
    bool IsThere = false;
    int Sender = 0, Tag = 0, Bytes = 0;
    if (!Mpi.Probe(kData, Peer, &IsThere, &Sender, &Tag, &Bytes) && IsThere)
      Text +=
          concat("; rank ", Peer, " sent ", Bytes, " bytes for another call");
  }
  return Text;
}

/// The buffers of messages may be gone soon. What has been sent is not
/// cancelled: MPI may have told the receiver already.
void MpiTransport::giveUp() {
  for (Part &P : Parts)
    if (!P.IsSent)
      (void)Mpi.Cancel(&P.Pending); // the first error is the one to report
  Parts.clear();
}

absl::Status MpiTransport::wait(const Operation &What) {
  const Clock::time_point Deadline = Clock::now() + Options.Timeout;
  // Ranks that are alive arrive after a stop signal, too, once they have
  // written what they have. If a rank has died, the launcher kills the others
  // soon after it has sent the signal.
  constexpr std::chrono::seconds AfterInterrupt(4);
  std::optional<Clock::time_point> Interrupted;
  Patience Idle;
  while (true) {
    bool HasProgress = false;
    M1_RETURN_IF_ERROR(testAll(HasProgress));
    if (Parts.empty())
      return absl::OkStatus();
    M1_RETURN_IF_ERROR(lookForFailures());
    if (First)
      return failed(What, First->Rank, First->Why);
    if (Clock::now() >= Deadline) {
      std::vector<int> Missing;
      for (const Part &P : Parts)
        Missing.push_back(P.Peer);
      std::sort(Missing.begin(), Missing.end());
      Missing.erase(std::unique(Missing.begin(), Missing.end()), Missing.end());
      return absl::DeadlineExceededError(concat(
          std::string(late(What, Missing).message()), strayMessages(Missing)));
    }
    if (stopSignal() != 0 && !Interrupted)
      Interrupted = Clock::now();
    if (Interrupted && Clock::now() - *Interrupted > AfterInterrupt)
      return absl::CancelledError(concat("interrupted in ", describe(What)));
    if (HasProgress)
      Idle.reset();
    else
      Idle.wait();
  }
}

absl::Status MpiTransport::transfer(const Operation &What,
                                    std::span<const Outgoing> Sent,
                                    std::span<const Incoming> Received) {
  absl::Status Status = begin(What, Sent, Received);
  if (Status.ok())
    Status = wait(What);
  if (!Status.ok())
    giveUp();
  return Status;
}

void MpiTransport::abort(const absl::Status &Why) {
  if (std::exchange(IsAborted, true) || IsFinished)
    return;
  if (!First)
    First = {Rank, std::string(Why.message())};
  constexpr size_t Longest = 1000; // such a message needs no receiver yet
  LastWords.assign(reinterpret_cast<const char *>(&First->Rank),
                   sizeof First->Rank);
  LastWords += First->Why.substr(0, Longest);
  for (int To = 0; To < Size; ++To) {
    Request Pending; // is not waited for, nor is an error: all ranks end
    if (To != Rank)
      (void)Mpi.Send(kFailures, To, 0, LastWords.data(),
                     static_cast<int>(LastWords.size()), &Pending);
  }
}

absl::Status MpiTransport::finish() {
  M1_RETURN_IF_ERROR(MessageTransport::finish());
  Watchdog Limit(Options.Timeout, "not all ranks ended (MPI_Finalize)");
  IsFinished = true;
  return check(Mpi.Finish(), "MPI_Finalize");
}

MpiTransport::~MpiTransport() {
  if (!IsStarted || IsFinished)
    return;
  abort(makeError("it has ended"));
  // The others learn of it where they wait.
  const Clock::time_point End = Clock::now() + Grace;
  Patience Idle;
  while (FailedRanks + 1 < Size && Clock::now() < End) {
    if (!lookForFailures().ok())
      break;
    Idle.wait();
  }
  std::fflush(nullptr);
  Mpi.Abort(1);
}

absl::StatusOr<const Api *> mpi::loadMpi(const std::string &Library) {
  // Parts of Open MPI that it loads itself use its symbols.
  void *Handle = ::dlopen(Library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!Handle)
    return makeError("cannot load MPI: ", ::dlerror());
  auto *Get = reinterpret_cast<Entry *>(::dlsym(Handle, kEntry));
  if (!Get)
    return makeError(Library, ": has no ", kEntry,
                     "; it is not this program's library for MPI");
  const Api *Mpi = Get();
  if (Mpi->Version != Api::CurrentVersion)
    return makeError(Library, ": has version ", Mpi->Version, ", expected ",
                     Api::CurrentVersion,
                     "; it was built with another version of this program");
  return Mpi;
}

absl::StatusOr<std::unique_ptr<Transport>>
mpi::createMpiTransport(const Api &Mpi, const MpiOptions &Options) {
  auto Result = std::make_unique<MpiTransport>(Mpi, Options);
  M1_RETURN_IF_ERROR(Result->start());
  return Result;
}
