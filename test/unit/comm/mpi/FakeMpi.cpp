//===- FakeMpi.cpp - a fake library of MPI --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/comm/mpi/FakeMpi.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <vector>

using namespace m1;
using namespace m1::mpi;
using namespace m1::test;

namespace {
struct Message {
  uint64_t Number;
  int Channel, From, To, Tag;
  const void *Data; ///< of the sender, where it has not been copied
  std::vector<char> Copy;
  int Bytes;
};
struct Receipt {
  int Channel, From, To, Tag;
  void *Data;
  int Bytes;
};
} // namespace

struct FakeMpi::World {
  int Size = 0, Eager = 1 << 20;
  std::mutex Mutex;
  uint64_t Next = 1;
  std::list<Message> Messages;
  std::map<uint64_t, Receipt> Receipts;
  std::map<std::string, int> Calls, Failures;
  int Aborted = -1, Finished = 0, Largest = 0;
  std::map<int, int> Sizes; ///< of messages so far: how many of each size
};

static thread_local FakeMpi::World *Current;
static thread_local int Own;

/// Counts a call and returns its injected error.
static const char *failure(const char *Function) {
  auto Found = Current->Failures.find(Function);
  const int Call = Current->Calls[Function]++;
  return Found != Current->Failures.end() && Found->second == Call
             ? "injected failure"
             : nullptr;
}

static const char *send(int Channel, int To, int Tag, const void *Data,
                        int Bytes, Request *Pending) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  if (const char *Error = failure("Send"))
    return Error;
  Message M{Current->Next++, Channel, Own, To, Tag, Data, {}, Bytes};
  if (Bytes <= Current->Eager) {
    const char *From = static_cast<const char *>(Data);
    M.Copy.assign(From, From + Bytes);
    M.Data = nullptr;
  }
  Current->Largest = std::max(Current->Largest, Bytes);
  ++Current->Sizes[Bytes];
  *Pending = {M.Number};
  Current->Messages.push_back(std::move(M));
  return nullptr;
}

static const char *receive(int Channel, int From, int Tag, void *Data,
                           int Bytes, Request *Pending) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  if (const char *Error = failure("Receive"))
    return Error;
  *Pending = {Current->Next++};
  Current->Receipts[Pending->Handle] = {Channel, From, Own, Tag, Data, Bytes};
  return nullptr;
}

static const char *isDone(Request *Pending, bool *IsDone) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  if (const char *Error = failure("Test"))
    return Error;
  auto Found = Current->Receipts.find(Pending->Handle);
  std::list<Message> &Messages = Current->Messages;
  if (Found == Current->Receipts.end()) { // a message that was sent
    *IsDone =
        std::none_of(Messages.begin(), Messages.end(), [&](const Message &M) {
          return M.Number == Pending->Handle && M.Data != nullptr;
        });
    return nullptr;
  }
  const Receipt &R = Found->second;
  auto isLike = [&](const auto &Other) {
    return Other.Channel == R.Channel && Other.From == R.From &&
           Other.To == R.To && Other.Tag == R.Tag;
  };
  // Receipts that were posted before this one get the messages before its own.
  size_t Earlier = std::count_if(Current->Receipts.begin(), Found,
                                 [&](auto &R) { return isLike(R.second); });
  auto At = std::find_if(Messages.begin(), Messages.end(),
                         [&](auto &M) { return isLike(M) && Earlier-- == 0; });
  *IsDone = At != Messages.end();
  if (!*IsDone)
    return nullptr;
  if (At->Bytes > R.Bytes)
    return "message truncated";
  if (At->Bytes > 0)
    std::memcpy(R.Data, At->Data ? At->Data : At->Copy.data(), At->Bytes);
  Messages.erase(At);
  Current->Receipts.erase(Found);
  return nullptr;
}

static const char *cancel(Request *Pending) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  Current->Receipts.erase(Pending->Handle);
  return nullptr;
}

static const char *probe(int Channel, int From, bool *IsThere, int *Sender,
                         int *Tag, int *Bytes) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  *IsThere = false;
  for (const Message &M : Current->Messages) {
    if (M.Channel != Channel || M.To != Own ||
        (From != Api::AnyRank && M.From != From))
      continue;
    *IsThere = true;
    *Sender = M.From;
    *Tag = M.Tag;
    *Bytes = M.Bytes;
    break;
  }
  return nullptr;
}

static const char *start(int *Rank, int *Size) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  if (const char *Error = failure("Start"))
    return Error;
  *Rank = Own;
  *Size = Current->Size;
  return nullptr;
}

static const char *finish() {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  ++Current->Finished;
  return nullptr;
}

static void abortAll(int ExitCode) {
  std::lock_guard<std::mutex> Lock(Current->Mutex);
  if (Current->Aborted < 0)
    Current->Aborted = ExitCode;
}

static const char *library() { return "Fake MPI 1.0"; }

FakeMpi::FakeMpi(int Size) : TheWorld(std::make_unique<World>()) {
  TheWorld->Size = Size;
}
FakeMpi::~FakeMpi() = default;

void FakeMpi::enter(int Rank) {
  Current = TheWorld.get();
  Own = Rank;
}

const Api &FakeMpi::api() const {
  static const Api Functions = {Api::CurrentVersion,
                                library,
                                start,
                                send,
                                receive,
                                isDone,
                                cancel,
                                probe,
                                finish,
                                abortAll};
  return Functions;
}

void FakeMpi::setEager(int Bytes) { TheWorld->Eager = Bytes; }
void FakeMpi::failAt(const std::string &Function, int Call) {
  TheWorld->Failures[Function] = Call;
}
int FakeMpi::aborted() const { return TheWorld->Aborted; }
int FakeMpi::finished() const { return TheWorld->Finished; }
int FakeMpi::largestMessage() const { return TheWorld->Largest; }
int FakeMpi::messagesOf(int Bytes) const { return TheWorld->Sizes[Bytes]; }
