//===- MockNccl.cpp - a mock NCCL library ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/comm/nccl/MockNccl.h"

#include "runtime/comm/nccl/NcclApi.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <tuple>

using namespace m1;
using namespace m1::nccl;
using namespace m1::test;

extern "C" {
test::MockNccl mockNccl;
}

namespace {
using Block = std::vector<char>;

/// The ranks of one communicator; blocks by number of the exchange, sender and
/// receiver.
struct Clique {
  std::mutex Mutex;
  std::map<std::tuple<int, int, int>, Block> Blocks;
};
/// One message of a group.
struct Message {
  bool IsSent;
  int Peer;
  char *Data;
  size_t Bytes;
};
} // namespace

struct m1::nccl::CommOpaque {
  std::shared_ptr<Clique> Ranks;
  int Size, Rank;
  int Exchanges = 0; ///< begun on the stream
  int Pending;       ///< how often it is in progress still
  std::shared_ptr<std::atomic<bool>> IsAborted =
      std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> HasError =
      std::make_shared<std::atomic<bool>>(false);
};

/// Aborted communicators: work that a GPU has not begun may still name them.
static std::vector<std::unique_ptr<CommOpaque>> Aborted;

static std::mutex CliquesMutex;
static std::map<std::string, std::shared_ptr<Clique>> Cliques;

static thread_local int GroupDepth;
static thread_local std::vector<Message> Group;
static thread_local Comm GroupComm;
static thread_local MockStream *GroupStream;

/// Counts a call and returns its injected error.
static Result failure(const std::string &Function, int Rank) {
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  ++mockNccl.Calls[Function];
  auto Found = mockNccl.Failures.find({Function, Rank});
  if (Found == mockNccl.Failures.end() || Found->second-- > 0)
    return kSuccess;
  return 3; // ncclInternalError
}

static Result inProgress(Comm C) {
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  C->Pending = mockNccl.Progress;
  return C->Pending > 0 ? kInProgress : kSuccess;
}

static int setting(const std::map<int, int> &Settings, int Rank) {
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  auto Found = Settings.find(Rank);
  return Found == Settings.end() ? -1 : Found->second;
}

/// The exchange that begins on the stream: gives its blocks, then waits for
/// those of the others.
static std::function<bool()> begin(Comm C, std::vector<Message> Messages) {
  const int Number = C->Exchanges++, Own = C->Rank;
  std::shared_ptr<Clique> Ranks = C->Ranks;
  auto IsAborted = C->IsAborted;
  if (*IsAborted)
    return [] { return true; };
  if (setting(mockNccl.Hangs, Own) == Number)
    return [IsAborted] { return IsAborted->load(); };
  if (setting(mockNccl.AsyncErrors, Own) == Number)
    *C->HasError = true;
  {
    std::lock_guard<std::mutex> Lock(Ranks->Mutex);
    for (const Message &M : Messages)
      if (M.IsSent)
        Ranks->Blocks[{Number, Own, M.Peer}] = Block(M.Data, M.Data + M.Bytes);
  }
  return [=] {
    if (*IsAborted)
      return true;
    std::lock_guard<std::mutex> Lock(Ranks->Mutex);
    for (const Message &M : Messages)
      if (!M.IsSent && Ranks->Blocks.count({Number, M.Peer, Own}) == 0)
        return false;
    for (const Message &M : Messages)
      if (!M.IsSent) {
        auto Found = Ranks->Blocks.find({Number, M.Peer, Own});
        std::memcpy(M.Data, Found->second.data(), M.Bytes);
        Ranks->Blocks.erase(Found);
      }
    return true;
  };
}

static Result add(Comm C, Stream S, const Message &M) {
  Group.push_back(M);
  GroupComm = C;
  GroupStream = static_cast<MockStream *>(S);
  return kSuccess;
}

extern "C" {

Result ncclGetVersion(int *Version) {
  *Version = mockNccl.Version;
  return kSuccess;
}

const char *ncclGetErrorString(Result Code) {
  return Code == 3 ? "internal error" : "remote process exited";
}

Result ncclGetUniqueId(UniqueId *Id) {
  if (Result Error = failure("ncclGetUniqueId", 0))
    return Error;
  static std::atomic<int> Next{0};
  std::string Name = "clique " + std::to_string(Next++);
  std::memcpy(Id->Bytes, Name.c_str(), Name.size() + 1);
  return kSuccess;
}

Result ncclCommInitRankConfig(Comm *C, int Ranks, UniqueId Id, int Rank,
                              Config *How) {
  if (Result Error = failure("ncclCommInitRankConfig", Rank))
    return Error;
  if (How->Size != 24 || How->Magic != 0xcafebeef || How->Version != 21400 ||
      How->Blocking != 0)
    return 4; // ncclInvalidArgument
  *C = new CommOpaque{};
  (*C)->Size = Ranks;
  (*C)->Rank = Rank;
  {
    std::lock_guard<std::mutex> Lock(CliquesMutex);
    std::shared_ptr<Clique> &Shared = Cliques[Id.Bytes];
    if (!Shared)
      Shared = std::make_shared<Clique>();
    (*C)->Ranks = Shared;
  }
  {
    std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
    ++mockNccl.Communicators;
  }
  return inProgress(*C);
}

Result ncclCommGetAsyncError(Comm C, Result *Error) {
  *Error = *C->HasError ? 6 : kSuccess; // ncclRemoteError
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  if (*Error == kSuccess && (mockNccl.HangsAtStart || C->Pending-- > 0))
    *Error = kInProgress;
  return kSuccess;
}

Result ncclCommFinalize(Comm C) { return inProgress(C); }

Result ncclCommDestroy(Comm C) {
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  ++mockNccl.Destroyed;
  delete C;
  return kSuccess;
}

Result ncclCommAbort(Comm C) {
  std::lock_guard<std::mutex> Lock(mockNccl.Mutex);
  ++mockNccl.Aborted;
  *C->IsAborted = true;
  Aborted.emplace_back(C);
  return kSuccess;
}

Result ncclGroupStart() {
  if (GroupDepth++ == 0)
    Group.clear();
  return kSuccess;
}

Result ncclGroupEnd() {
  if (--GroupDepth > 0 || Group.empty())
    return kSuccess;
  const Comm C = GroupComm;
  if (Result Error = failure("ncclGroupEnd", C->Rank))
    return Error;
  GroupStream->issue([C, Messages = Group] { return begin(C, Messages); });
  return inProgress(C);
}

Result ncclAllGather(const void *Source, void *Destination, size_t Count,
                     int Type, Comm C, Stream S) {
  if (Result Error = failure("ncclAllGather", C->Rank))
    return Error;
  if (Type != kBytes)
    return 4;
  for (int Peer = 0; Peer < C->Size; ++Peer) {
    auto *From = static_cast<char *>(const_cast<void *>(Source));
    add(C, S, {true, Peer, From, Count});
    add(C, S,
        {false, Peer, static_cast<char *>(Destination) + Peer * Count, Count});
  }
  return kSuccess;
}

Result ncclSend(const void *Source, size_t Count, int Type, int Peer, Comm C,
                Stream S) {
  if (Result Error = failure("ncclSend", C->Rank))
    return Error;
  if (Type != kBytes)
    return 4;
  return add(
      C, S,
      {true, Peer, static_cast<char *>(const_cast<void *>(Source)), Count});
}

Result ncclRecv(void *Destination, size_t Count, int Type, int Peer, Comm C,
                Stream S) {
  if (Result Error = failure("ncclRecv", C->Rank))
    return Error;
  if (Type != kBytes)
    return 4;
  return add(C, S, {false, Peer, static_cast<char *>(Destination), Count});
}
}
