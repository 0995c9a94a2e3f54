//===- MappingFaults.cpp - files that change while mapped -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/MappingFaults.h"

#include "runtime/support/Error.h"
#include "runtime/support/Exceptions.h"
#include "runtime/support/File.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>

using namespace m1;

/// A node of a list that is only added to: a signal handler can read it at any
/// time. Nodes are used again.
struct m1::LiveMapping {
  /// Odd while the next two members are changed.
  std::atomic<uint64_t> Version{0};
  std::atomic<uint64_t> Begin{0}, Bytes{0}; ///< no bytes: not in use
  LiveMapping *Next = nullptr;
  // They do not change while the mapping lives.
  std::string Path, PrintablePath;
  struct stat Mapped = {};

  void set(uint64_t NewBegin, uint64_t NewBytes) {
    Version.fetch_add(1);
    Begin.store(NewBegin);
    Bytes.store(NewBytes);
    Version.fetch_add(1);
  }
};

namespace {
std::atomic<LiveMapping *> Mappings{nullptr};
std::mutex MappingsMutex;
static_assert(std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<LiveMapping *>::is_always_lock_free);
struct sigaction Previous;

void onBusError(int Signal, siginfo_t *Info, void *) {
  const uint64_t Address = reinterpret_cast<uint64_t>(Info->si_addr);
  // si_code tells a fault from a signal that a process sent.
  for (LiveMapping *M = Info->si_code > 0 ? Mappings.load() : nullptr; M;
       M = M->Next) {
    const uint64_t Version = M->Version.load();
    const uint64_t Offset = Address - M->Begin.load(), Bytes = M->Bytes.load();
    if (Offset >= Bytes || Version % 2 || Version != M->Version.load())
      continue;
    // The mapping lives, because this thread was using it.
    struct stat Stat;
    const bool IsWhole = ::stat(M->Path.c_str(), &Stat) == 0 &&
                         static_cast<uint64_t>(Stat.st_size) >= Bytes;
    const char *Problem = IsWhole ? ": cannot read the mapped file"
                                  : ": became shorter while in use";
    endProcess(M->PrintablePath.c_str(), Problem);
  }
  // Not a mapped file: what happened before. A fault occurs again.
  ::sigaction(Signal, &Previous, nullptr);
  if (Info->si_code <= 0)
    ::raise(Signal);
}
} // namespace

LiveMapping *m1::addMapping(const void *Address, const std::string &Path,
                            const struct stat &Stat) {
  std::lock_guard<std::mutex> Lock(MappingsMutex);
  static std::once_flag Once;
  std::call_once(Once, [] {
    struct sigaction Action = {};
    Action.sa_sigaction = onBusError;
    Action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &Action, &Previous);
  });
  LiveMapping *Free = Mappings.load();
  while (Free && Free->Bytes.load())
    Free = Free->Next;
  LiveMapping *Result = Free ? Free : new LiveMapping;
  Result->Path = Path;
  Result->PrintablePath = printable(Path);
  Result->Mapped = Stat;
  Result->set(reinterpret_cast<uint64_t>(Address), Stat.st_size);
  if (!Free) {
    Result->Next = Mappings.load();
    Mappings.store(Result);
  }
  return Result;
}

void m1::removeMapping(LiveMapping *Mapping) {
  std::lock_guard<std::mutex> Lock(MappingsMutex);
  Mapping->set(0, 0);
}

absl::Status m1::checkMappings() {
  std::lock_guard<std::mutex> Lock(MappingsMutex);
  struct stat Now;
  for (LiveMapping *M = Mappings.load(); M; M = M->Next) {
    const struct stat &Then = M->Mapped;
    if (M->Bytes.load() && ::stat(M->Path.c_str(), &Now) == 0 &&
        Now.st_dev == Then.st_dev && Now.st_ino == Then.st_ino &&
        FileVersion(Now) != FileVersion(Then))
      return makeError(M->Path, ": was written to while in use; the "
                                "results may be wrong");
  }
  return absl::OkStatus();
}
