//===- GuardedLaunch.cpp - detects out-of-bounds accesses -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/GuardedLaunch.h"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <mutex>
#include <ucontext.h>

using namespace m1;
using namespace m1::cpu;

void cpu::runCells(KernelFunction Kernel, const uint64_t *Args,
                   const Cells &Which, void *Scratch) {
  const auto [X, Y, Z] = Which.Grid;
  int64_t Cell[3] = {Which.First % X, Which.First / X % Y, Which.First / X / Y};
  for (int64_t I = Which.First; I < Which.Last; ++I) {
    Kernel(Args, Cell, Scratch);
    if (++Cell[0] < X)
      continue;
    Cell[0] = 0;
    if (++Cell[1] < Y)
      continue;
    Cell[1] = 0;
    ++Cell[2];
  }
}

//===----------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------===//

namespace {
/// Where a thread that runs a kernel resumes after a fault.
struct Recovery {
  sigjmp_buf Resume;
  Fault What;
};
thread_local Recovery *Current = nullptr;
struct sigaction Previous;

void onFault(int Signal, siginfo_t *Info, void *Context) {
  if (!Current) {
    // Not in a kernel: restore the previous handler and fault again.
    ::sigaction(Signal, &Previous, nullptr);
    return;
  }
  Current->What.Address = reinterpret_cast<uint64_t>(Info->si_addr);
#if defined(__x86_64__)
  constexpr int64_t WriteBit = 2; // of the page fault's error code
  const auto &Machine = static_cast<ucontext_t *>(Context)->uc_mcontext;
  Current->What.IsWrite = Machine.gregs[REG_ERR] & WriteBit;
#endif
  ::siglongjmp(Current->Resume, 1);
}

void installHandler() {
  static std::once_flag Once;
  std::call_once(Once, [] {
    struct sigaction Action = {};
    Action.sa_sigaction = onFault;
    Action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &Action, &Previous);
  });
}
} // namespace

std::optional<Fault> cpu::runCellsGuarded(KernelFunction Kernel,
                                          const uint64_t *Args,
                                          const Cells &Which, void *Scratch) {
  installHandler();
  Recovery Here;
  if (::sigsetjmp(Here.Resume, /*savemask=*/1) != 0) {
    Current = nullptr;
    return Here.What;
  }
  Current = &Here;
  runCells(Kernel, Args, Which, Scratch);
  Current = nullptr;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

namespace {
/// Fills the page before a copy.
constexpr char Canary = '\xCB';
} // namespace

absl::Status GuardedArguments::copyIn(std::span<const uint64_t> Args,
                                      std::span<const ArgumentExtent> Extents) {
  Values.assign(Args.begin(), Args.end());
  std::vector<size_t> ByAddress;
  for (size_t I = 0; I < Args.size(); ++I) {
    if (Extents[I].Allowed == ArgumentExtent::Access::Scalar)
      continue;
    ByAddress.push_back(Arguments.size());
    Arguments.push_back({I, Args[I], Extents[I], 0});
  }
  std::sort(ByAddress.begin(), ByAddress.end(), [&](size_t A, size_t B) {
    return Arguments[A].Address < Arguments[B].Address;
  });
  for (size_t Index : ByAddress) {
    Argument &A = Arguments[Index];
    const uint64_t End = A.Address + A.Extent.Bytes;
    if (Regions.empty() || A.Address >= Regions.back().End)
      Regions.push_back({A.Address, End, false, {}});
    Region &R = Regions.back();
    R.End = std::max(R.End, End);
    R.Written |= A.Extent.Allowed == ArgumentExtent::Access::ReadWrite;
    A.Region = Regions.size() - 1;
  }
  for (Region &R : Regions) {
    M1_ASSIGN_OR_RETURN(R.Copy, Pages::allocateGuarded(R.End - R.Begin));
    std::memset(R.Copy.data(), Canary, R.data() - R.Copy.data());
    // The arguments of a region cover it without gaps.
    if (R.End > R.Begin)
      std::memcpy(R.data(), reinterpret_cast<const void *>(R.Begin),
                  R.End - R.Begin);
    if (!R.Written)
      R.Copy.protect();
  }
  for (const Argument &A : Arguments) {
    const Region &R = Regions[A.Region];
    Values[A.Number] =
        reinterpret_cast<uint64_t>(R.data()) + (A.Address - R.Begin);
  }
  return absl::OkStatus();
}

absl::Status GuardedArguments::copyOut() const {
  for (const Argument &A : Arguments)
    if (A.Extent.Allowed == ArgumentExtent::Access::ReadWrite &&
        A.Extent.Bytes > 0)
      std::memcpy(reinterpret_cast<void *>(A.Address),
                  reinterpret_cast<const void *>(Values[A.Number]),
                  A.Extent.Bytes);
  for (const Argument &A : Arguments) {
    const Region &R = Regions[A.Region];
    const char *Begin = R.Copy.data(), *End = R.data();
    if (!R.Written || R.Begin != A.Address)
      continue;
    const char *Last = End;
    while (Last != Begin && Last[-1] == Canary)
      --Last;
    if (Last != Begin)
      return makeError("writes byte ", Last - 1 - End, " of argument ",
                       A.Number);
  }
  return absl::OkStatus();
}

std::string GuardedArguments::describe(const Fault &What) const {
  const char *Action = What.IsWrite ? "writes" : "reads";
  // Of several arguments in a region, the last one that begins before the
  // fault.
  const Argument *Nearest = nullptr;
  for (const Argument &A : Arguments) {
    if (!Regions[A.Region].Copy.guards(What.Address))
      continue;
    if (!Nearest || (Values[A.Number] <= What.Address &&
                     Values[A.Number] > Values[Nearest->Number]))
      Nearest = &A;
  }
  if (!Nearest)
    return concat(Action, " memory that belongs to no argument");
  const int64_t Offset = What.Address - Values[Nearest->Number];
  if (Offset >= 0 && static_cast<uint64_t>(Offset) < Nearest->Extent.Bytes)
    return concat(Action, " byte ", Offset, " of argument ", Nearest->Number,
                  ", which is only read");
  return concat(Action, " byte ", Offset, " of argument ", Nearest->Number,
                ", whose extent is ", Nearest->Extent.Bytes, " bytes");
}
