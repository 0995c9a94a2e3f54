//===- Machine.cpp - an emulated GPU that executes PTX --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Machine.h"

#include "runtime/emulators/ptx/Warp.h"
#include "runtime/support/ThreadPool.h"

#include <atomic>
#include <deque>
#include <mutex>

using namespace m1;
using namespace m1::ptx;

struct Machine::State {
  State(std::unique_ptr<ThreadPool> Pool, Limits L)
      : Allowed(L), Pool(std::move(Pool)) {}

  const Module *find(uint32_t Number) const {
    return Number < Modules.size() ? &Modules[Number] : nullptr;
  }

  Limits Allowed;
  std::unique_ptr<ThreadPool> Pool;
  GlobalMemory Memory;
  std::deque<Module> Modules; // instructions point into their module's text
};

Machine::Machine(std::unique_ptr<State> S) : S(std::move(S)) {}
Machine::~Machine() = default;

absl::StatusOr<std::unique_ptr<Machine>> Machine::create(unsigned Threads,
                                                         Limits L) {
  if (Threads == 0)
    return makeError("ptx: an emulated device needs at least 1 thread");
  M1_ASSIGN_OR_RETURN(std::unique_ptr<ThreadPool> Pool,
                      ThreadPool::create(Threads));
  return std::unique_ptr<Machine>(
      new Machine(std::make_unique<State>(std::move(Pool), L)));
}

absl::StatusOr<uint32_t> Machine::load(std::string_view Ptx,
                                       std::string_view Name) {
  Module &M = S->Modules.emplace_back();
  absl::Status Parsed = parseModule(Ptx, Name, S->Memory, M);
  if (Parsed.ok())
    return uint32_t(S->Modules.size() - 1);
  // The last first: memory keeps its allocations in order.
  for (auto Variable = M.Variables.rbegin(); Variable != M.Variables.rend();
       ++Variable)
    M1_RETURN_IF_ERROR(S->Memory.release(*Variable));
  S->Modules.pop_back();
  return Parsed;
}

bool Machine::hasKernel(uint32_t Module, std::string_view Kernel) const {
  const ptx::Module *M = S->find(Module);
  return M && M->findKernel(Kernel);
}

absl::StatusOr<uint64_t> Machine::allocate(uint64_t Bytes, bool Written) {
  return S->Memory.allocate(Bytes, Written);
}
absl::Status Machine::release(uint64_t Address) {
  return S->Memory.release(Address);
}
absl::Status Machine::write(uint64_t To, const void *From, uint64_t Bytes) {
  return S->Memory.write(To, From, Bytes);
}
absl::Status Machine::read(void *To, uint64_t From, uint64_t Bytes) const {
  return S->Memory.read(To, From, Bytes);
}
absl::Status Machine::copy(uint64_t To, uint64_t From, uint64_t Bytes) {
  return S->Memory.copy(To, From, Bytes);
}
namespace {
std::string triple(const std::array<uint32_t, 3> &V) {
  return concat(V[0], " x ", V[1], " x ", V[2]);
}

/// Checks that a device makes before it executes anything.
absl::Status checkLaunch(const Machine::Launch &L, const Function &Kernel,
                         const Machine::Limits &Allowed) {
  constexpr uint32_t MaxThreads = 1024, MaxDepth = 64, MaxGrid = 65535;
  auto Bad = [&](const auto &...P) {
    return makeError("ptx: launch of '", Kernel.Name, "': ", P...);
  };
  uint64_t Threads = 1, Blocks = 1;
  for (unsigned Axis = 0; Axis < 3; ++Axis) {
    Threads *= L.Block[Axis];
    Blocks *= L.Grid[Axis];
    if (L.Block[Axis] == 0 || Threads > MaxThreads || L.Block[2] > MaxDepth)
      return Bad("a block of ", triple(L.Block), " threads, expected 1 to ",
                 MaxThreads, " and at most ", MaxDepth, " in z");
    if (L.Grid[Axis] == 0 ||
        L.Grid[Axis] > (Axis ? MaxGrid : uint32_t(INT32_MAX)))
      return Bad("a grid of ", triple(L.Grid),
                 " blocks, expected at least 1 and at most ", INT32_MAX, " x ",
                 MaxGrid, " x ", MaxGrid);
  }
  if (Blocks >= uint64_t(1) << 32)
    return Bad("a grid of ", triple(L.Grid),
               " blocks, more than the emulator can count");
  const auto &Max = Kernel.MaxThreads, &Required = Kernel.RequiredThreads;
  if (Max[0] && Threads > uint64_t(Max[0]) * Max[1] * Max[2])
    return Bad("a block of ", triple(L.Block), " threads, but .maxntid is ",
               triple(Max));
  if (Required[0] && Required != L.Block)
    return Bad("a block of ", triple(L.Block), " threads, but .reqntid is ",
               triple(Required));
  if (L.SharedBytes > Allowed.SharedBytes ||
      L.SharedBytes + Kernel.StaticShared > Allowed.SharedBytes)
    return Bad(L.SharedBytes, " bytes of dynamic and ", Kernel.StaticShared,
               " of static shared memory, at most ", Allowed.SharedBytes,
               " are possible");
  if (L.Arguments.size() != Kernel.Parameters.size())
    return Bad(L.Arguments.size(), " arguments, expected ",
               Kernel.Parameters.size());
  for (const ParameterSlot &P : Kernel.Parameters)
    if (P.Bytes > sizeof(uint64_t))
      return Bad("parameter '", P.Name, "' has ", P.Bytes,
                 " bytes, at most 8 are possible");
  return absl::OkStatus();
}
} // namespace

/// The memory of each argument's extent.
static absl::StatusOr<std::vector<Allocation::View>>
viewArguments(const Machine::Launch &L, const Function &Kernel,
              const GlobalMemory &Memory) {
  std::vector<Allocation::View> Views(L.Extents.size());
  auto Bad = [&](size_t Number, const auto &...P) {
    return makeError("ptx: launch of '", Kernel.Name, "': argument ", Number,
                     P...);
  };
  if (!L.Extents.empty() && L.Extents.size() != L.Arguments.size())
    return makeError("ptx: launch of '", Kernel.Name, "': ", L.Extents.size(),
                     " extents of ", L.Arguments.size(), " arguments");
  for (size_t N = 0; N < L.Extents.size(); ++N) {
    const ArgumentExtent &E = L.Extents[N];
    if (E.Allowed == ArgumentExtent::Access::Scalar)
      continue;
    if (N + 1 > MaxTag || Kernel.Parameters[N].Bytes != sizeof(uint64_t))
      return Bad(N, " cannot have an extent: it has ",
                 Kernel.Parameters[N].Bytes, " bytes, and at most ", MaxTag,
                 " arguments can");
    const uint64_t Address = L.Arguments[N];
    if (E.Bytes > 0) {
      const Allocation *A = Memory.find(Address);
      if (!A || !A->contains(Address, E.Bytes))
        return Bad(N, " is ", E.Bytes, " bytes at ", hex(Address), ", ",
                   Memory.describe(A ? A->Address + A->Bytes : Address));
      Views[N] = A->view(Address, E.Bytes);
    }
    Views[N].Address = tagged(Address, N);
    Views[N].Writable = E.Allowed == ArgumentExtent::Access::ReadWrite;
  }
  return Views;
}

absl::Status Machine::launch(const Launch &L) {
  const Module *M = S->find(L.Module);
  if (!M)
    return makeError("ptx: there is no module ", L.Module);
  const Function *Kernel = M->findKernel(L.Kernel);
  if (!Kernel)
    return makeError("ptx: module '", M->Name, "' has no kernel '", L.Kernel,
                     "'");
  M1_RETURN_IF_ERROR(checkLaunch(L, *Kernel, S->Allowed));

  M1_ASSIGN_OR_RETURN(std::vector<Allocation::View> Arguments,
                      viewArguments(L, *Kernel, S->Memory));
  LaunchState State = {*M,
                       *Kernel,
                       L.Grid,
                       L.Block,
                       L.SharedBytes,
                       std::vector<std::byte>(Kernel->ParameterBytes),
                       std::move(Arguments),
                       S->Memory,
                       S->Allowed.Instructions};
  for (size_t N = 0; N < L.Arguments.size(); ++N) {
    const bool IsAddress =
        !L.Extents.empty() &&
        L.Extents[N].Allowed != ArgumentExtent::Access::Scalar;
    const uint64_t Value =
        IsAddress ? tagged(L.Arguments[N], N) : L.Arguments[N];
    std::memcpy(State.Parameters.data() + Kernel->Parameters[N].Offset, &Value,
                Kernel->Parameters[N].Bytes);
  }

  // Each host thread runs one thread block at a time. After an error, only
  // earlier blocks continue: the error returned does not depend on timing.
  const int64_t Blocks = int64_t(L.Grid[0]) * L.Grid[1] * L.Grid[2];
  std::vector<std::unique_ptr<Block>> Running(S->Pool->threads());
  std::atomic<int64_t> Stop{Blocks};
  std::mutex Mutex;
  absl::Status First;
  S->Pool->parallelFor(Blocks, 1, [&](int64_t Begin, int64_t End, unsigned T) {
    for (int64_t B = Begin; B < End && B < Stop; ++B) {
      if (!Running[T])
        Running[T] = std::make_unique<Block>(State);
      absl::Status Result = Running[T]->run(
          {uint32_t(B % L.Grid[0]), uint32_t(B / L.Grid[0] % L.Grid[1]),
           uint32_t(B / L.Grid[0] / L.Grid[1])});
      if (Result.ok())
        continue;
      std::lock_guard Lock(Mutex);
      if (B < Stop) {
        Stop = B;
        First = std::move(Result);
      }
    }
  });
  return First;
}
