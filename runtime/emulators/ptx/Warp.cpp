//===- Warp.cpp - execution of a thread block and its warps ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Warp.h"

#include <algorithm>
#include <new>

using namespace m1;
using namespace m1::ptx;

namespace {
std::string triple(std::array<uint32_t, 3> V) {
  return concat("(", V[0], ",", V[1], ",", V[2], ")");
}

std::array<uint32_t, 3> threadIndex(const LaunchState &L, uint32_t Thread) {
  const auto &[X, Y, Z] = L.BlockSize;
  return {Thread % X, Thread / X % Y, Thread / (X * Y)};
}

std::string where(const LaunchState &L, const Instruction &I,
                  std::array<uint32_t, 3> Block, uint32_t Thread) {
  return concat("ptx: kernel '", L.Kernel.Name, "' line ", I.Line, ": block ",
                triple(Block), " thread ", triple(threadIndex(L, Thread)), ": ",
                I.Name);
}
} // namespace

//===----------------------------------------------------------------------===//
// Warp
//===----------------------------------------------------------------------===//

Warp::Warp(Block &Owner, const LaunchState &Launch, unsigned Index)
    : Owner(Owner), Launch(Launch), Index(Index),
      Registers(new std::byte[Launch.Kernel.RegisterBytes]),
      Base{Registers.get(),
           reinterpret_cast<const std::byte *>(Launch.M.Constants.data())},
      Written(Launch.Kernel.RegisterCount),
      Predicates(Launch.Kernel.PredicateCount),
      PredicatesWritten(Launch.Kernel.PredicateCount) {
  Predicates[AlwaysTrue] = AllLanes;
  const uint32_t Left = Launch.threads() - Index * Lanes;
  Present = Left >= Lanes ? AllLanes : (Mask(1) << Left) - 1;
}

void Warp::start() {
  std::fill(Written.begin(), Written.end(), 0);
  std::fill(PredicatesWritten.begin(), PredicatesWritten.end(), 0);
  Written[0] = AllLanes;
  PredicatesWritten[AlwaysFalse] = PredicatesWritten[AlwaysTrue] = AllLanes;
  Alive = Present;
  Stack.assign(1, {&Launch.Kernel, 0, NoIndex, Alive, false});
  Now = State::Ready;
  Copies.clear();
  Groups.fill(0);
  Executed = 0;
  CarryWritten = 0;
  fillSpecials();
}

namespace {
template <unsigned Axis> uint64_t threadOf(const Warp &W, unsigned Lane) {
  return threadIndex(W.Launch, W.Index * Lanes + Lane)[Axis];
}
template <unsigned Axis> uint64_t blockSize(const Warp &W, unsigned) {
  return W.Launch.BlockSize[Axis];
}
template <unsigned Axis> uint64_t blockOf(const Warp &W, unsigned) {
  return W.Owner.Index[Axis];
}
template <unsigned Axis> uint64_t gridSize(const Warp &W, unsigned) {
  return W.Launch.Grid[Axis];
}

struct SpecialRegister {
  std::string_view Name;
  uint64_t (*Value)(const Warp &W, unsigned Lane);
};
constexpr SpecialRegister SpecialRegisters[] = {
    {"%tid.x", threadOf<0>},
    {"%tid.y", threadOf<1>},
    {"%tid.z", threadOf<2>},
    {"%ntid.x", blockSize<0>},
    {"%ntid.y", blockSize<1>},
    {"%ntid.z", blockSize<2>},
    {"%ctaid.x", blockOf<0>},
    {"%ctaid.y", blockOf<1>},
    {"%ctaid.z", blockOf<2>},
    {"%nctaid.x", gridSize<0>},
    {"%nctaid.y", gridSize<1>},
    {"%nctaid.z", gridSize<2>},
    {"%laneid", [](const Warp &, unsigned L) -> uint64_t { return L; }},
    {"%warpid", [](const Warp &W, unsigned) -> uint64_t { return W.Index; }},
    {"%nwarpid",
     [](const Warp &W, unsigned) -> uint64_t {
       return (W.Launch.threads() + Lanes - 1) / Lanes;
     }},
    {"%lanemask_eq",
     [](const Warp &, unsigned L) -> uint64_t { return 1u << L; }},
    {"%lanemask_lt",
     [](const Warp &, unsigned L) -> uint64_t { return (1u << L) - 1; }},
    {"%lanemask_le",
     [](const Warp &, unsigned L) -> uint64_t { return (2u << L) - 1; }},
    {"%lanemask_gt",
     [](const Warp &, unsigned L) -> uint64_t { return ~((2u << L) - 1); }},
    {"%lanemask_ge",
     [](const Warp &, unsigned L) -> uint64_t { return ~((1u << L) - 1); }},
    {"%dynamic_smem_size",
     [](const Warp &W, unsigned) -> uint64_t {
       return W.Launch.DynamicShared;
     }},
    {"%total_smem_size",
     [](const Warp &W, unsigned) -> uint64_t {
       return W.Launch.DynamicShared + W.Launch.Kernel.StaticShared;
     }},
};

const SpecialRegister *findSpecialRegister(std::string_view Name) {
  const auto *Found =
      std::find_if(std::begin(SpecialRegisters), std::end(SpecialRegisters),
                   [&](const SpecialRegister &R) { return R.Name == Name; });
  return Found == std::end(SpecialRegisters) ? nullptr : Found;
}
} // namespace

bool ptx::isSpecialRegister(std::string_view Name) {
  return findSpecialRegister(Name);
}

void Warp::fillSpecials() {
  for (const auto &[Name, O] : Launch.Kernel.Specials) {
    const SpecialRegister &R = *findSpecialRegister(Name);
    for (unsigned L = 0; L < Lanes; ++L)
      if (O.Bytes == 4)
        out<uint32_t>(O)[L] = uint32_t(R.Value(*this, L));
      else
        out<uint64_t>(O)[L] = R.Value(*this, L);
    define(O, AllLanes);
  }
}

void Warp::run(uint64_t Limit) {
  for (; Limit > 0; --Limit) {
    while (Stack.back().Active == 0 ||
           Stack.back().PC == Stack.back().Reconvergence) {
      Stack.pop_back();
      if (Stack.empty()) {
        Now = State::Done;
        return;
      }
    }
    Entry &Top = Stack.back();
    const Instruction &I = Top.In->Code[Top.PC];
    Mask Active = Top.Active;
    if (I.Guard != AlwaysTrue) {
      if (!ready(I, Active, I.Guard))
        return;
      Active &= I.GuardNegated ? ~Predicates[I.Guard] : Predicates[I.Guard];
    }
    ++Top.PC;
    ++Executed;
    IsDiverged = Active != Alive;
    if (Active && !I.Run(*this, I, Active))
      return;
  }
  if (Executed >= Launch.InstructionLimit) {
    const Entry &Top = Stack.back();
    fail(Top.In->Code[std::min<size_t>(Top.PC, Top.In->Code.size() - 1)],
         first(Top.Active ? Top.Active : Present),
         " was reached after the limit of ", Executed,
         " instructions: an endless loop or a deadlock");
  }
}

void Warp::branch(std::span<const Way> Ways, uint32_t Reconvergence) {
  if (Ways.size() == 1) {
    Stack.back().PC = Ways[0].Target;
    return;
  }
  const Function *In = Stack.back().In;
  if (Reconvergence != NoIndex)
    Stack.back().PC = Reconvergence;
  else if (Stack.back().Call)
    Stack.back().Active = 0; // marks where the call began
  else
    Stack.pop_back(); // no reconvergence: each path runs to its end
  for (const Way &To : Ways)
    if (To.Target != Reconvergence)
      Stack.push_back({In, To.Target, Reconvergence, To.Taken, false});
}

void Warp::call(const Function &Callee, Mask Active) {
  Stack.push_back({&Callee, 0, NoIndex, Active, true});
}

void Warp::returnFrom(Mask Active) {
  for (auto It = Stack.rbegin(); It != Stack.rend(); ++It) {
    It->Active &= ~Active;
    if (It->Call)
      return;
  }
  // The kernel itself returns.
  Alive &= ~Active;
}

void Warp::exit(Mask Active) {
  for (Entry &E : Stack)
    E.Active &= ~Active;
  Alive &= ~Active;
}

bool Warp::members(const Instruction &I, Mask Active, const Operand &O,
                   Mask &Members) {
  if (!ready(I, Active, O))
    return false;
  const uint32_t *Given = in<uint32_t>(O);
  Members = Given[first(Active)];
  for (Mask Rest = Active; Rest; Rest &= Rest - 1)
    if (unsigned L = first(Rest); Given[L] != Members)
      return fail(I, L, " has member mask ", hex(Given[L]), ", lane ",
                  first(Active), " has ", hex(Members));
  if (Mask Extra = Active & ~Members)
    return fail(I, first(Extra), " is executed by a lane that its member mask ",
                hex(Members), " does not include");
  if (Mask Missing = Members & Alive & ~Active)
    return fail(I, first(Missing), ": member mask ", hex(Members),
                " includes this lane, which does not execute it: a deadlock");
  return true;
}

bool Warp::failIfUnwritten(const Instruction &I, Mask Active,
                           const Operand &O) {
  Mask Missing = Active & ~written(O);
  if (!Missing)
    return false;
  fail(I, first(Missing), " reads ",
       Launch.M.registerName(*Stack.back().In, O.Number),
       ", which nothing has written");
  return true;
}

bool Warp::ready(const Instruction &I, Mask Active, Predicate P) {
  Mask Missing = Active & ~PredicatesWritten[P];
  if (!Missing) [[likely]]
    return true;
  return fail(I, first(Missing), " reads ",
              Launch.M.predicateName(*Stack.back().In, P),
              ", which nothing has written");
}

void Warp::report(const Instruction &I, unsigned Lane, std::string What) {
  Now = State::Failed;
  Owner.Error =
      makeError(where(Launch, I, Owner.Index, Index * Lanes + Lane), What);
}

//===----------------------------------------------------------------------===//
// Block
//===----------------------------------------------------------------------===//

Block::Block(const LaunchState &Launch) : Launch(Launch) {
  const unsigned Count = (Launch.threads() + Lanes - 1) / Lanes;
  for (unsigned W = 0; W < Count; ++W)
    Warps.push_back(std::make_unique<Warp>(*this, Launch, W));
}

absl::Status Block::run(std::array<uint32_t, 3> BlockIndex) {
  Index = BlockIndex;
  Error = absl::OkStatus();
  Shared.reset(Launch.Kernel.StaticShared, Launch.DynamicShared);
  Local.reset(Launch.threads(), Launch.Kernel.LocalBytes);
  for (auto &W : Warps)
    W->start();
  // Each warp runs until it waits, but at most for a turn: another warp may be
  // polling for its stores.
  constexpr uint64_t Turn = 1 << 16;
  while (true) {
    bool Ready = false, Waiting = false;
    for (auto &W : Warps) {
      if (W->Now == Warp::State::Ready)
        W->run(std::min(Turn, Launch.InstructionLimit - W->Executed));
      if (W->Now == Warp::State::Failed)
        return Error;
      Ready |= W->Now == Warp::State::Ready;
      Waiting |= W->Now == Warp::State::AtBarrier;
    }
    if (Ready)
      continue;
    if (!Waiting)
      return absl::OkStatus();
    M1_RETURN_IF_ERROR(releaseBarrier());
  }
}

absl::Status Block::releaseBarrier() {
  const Warp &First = **std::find_if(Warps.begin(), Warps.end(), [](auto &W) {
    return W->Now == Warp::State::AtBarrier;
  });
  auto Here = [&](std::string What) {
    return makeError(where(Launch, *First.Barrier, Index,
                           First.Index * Lanes + Warp::first(First.Alive)),
                     What);
  };
  for (auto &W : Warps) {
    if (Mask Gone = W->Present & ~W->Alive)
      return Here(concat(
          " waits for thread ",
          triple(threadIndex(Launch, W->Index * Lanes + Warp::first(Gone))),
          ", which has exited: a deadlock"));
    if (W->BarrierNumber != First.BarrierNumber)
      return Here(concat(
          " waits at barrier ", First.BarrierNumber, ", but thread ",
          triple(threadIndex(Launch, W->Index * Lanes)), " at barrier ",
          W->BarrierNumber, " (line ", W->Barrier->Line, "): a deadlock"));
  }
  Shared.barrier();
  for (auto &W : Warps)
    W->Now = Warp::State::Ready;
  return absl::OkStatus();
}
