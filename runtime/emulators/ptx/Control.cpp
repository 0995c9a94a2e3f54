//===- Control.cpp - branches, calls and barriers -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

namespace {
//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

bool runBranch(Warp &W, const Instruction &I, Mask Active) {
  const std::array<Warp::Way, 2> Ways = {
      {{uint32_t(I.Immediate), Active},
       {W.top().PC, W.top().Active & ~Active}}};
  W.branch({Ways.data(), Ways[1].Taken ? 2u : 1u}, I.Reconvergence);
  return true;
}

bool decodeBranch(Decoder &D, Instruction &I) {
  D.take("uni");
  I.Run = runBranch;
  return D.label(I.Immediate);
}

/// brx.idx: lanes with equal indices take one path.
bool runIndirectBranch(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[0]))
    return false;
  const uint32_t *Index = W.in<uint32_t>(I.Ops[0]);
  for (Mask Rest = Active; Rest; Rest &= Rest - 1)
    if (unsigned L = Warp::first(Rest); Index[L] >= I.List.size())
      return W.fail(I, L, " has index ", Index[L], " into ", I.List.size(),
                    " targets");
  std::vector<Warp::Way> Ways;
  for (Mask Rest = Active; Rest;) {
    const uint32_t Target = I.List[Index[Warp::first(Rest)]];
    Mask Together = 0;
    for (Mask M = Rest; M; M &= M - 1)
      if (unsigned L = Warp::first(M); I.List[Index[L]] == Target)
        Together |= Mask(1) << L;
    Rest &= ~Together;
    Ways.push_back({Target, Together});
  }
  if (Mask Staying = W.top().Active & ~Active)
    Ways.push_back({W.top().PC, Staying});
  W.branch(Ways, I.Reconvergence);
  return true;
}

bool decodeIndirectBranch(Decoder &D, Instruction &I) {
  if (!D.take("idx"))
    return false;
  D.take("uni");
  I.Run = runIndirectBranch;
  if (!D.in(I.Ops[0], Type::U32))
    return false;
  const TextOperand *Name = D.next();
  if (!Name)
    return false;
  auto Targets = D.context().labelList(Name->Word);
  if (!Targets)
    return D.error(concat("there is no list of targets '", Name->Word, "'"));
  I.List = *Targets;
  return true;
}

bool runReturn(Warp &W, const Instruction &, Mask Active) {
  W.returnFrom(Active);
  return true;
}

bool runExit(Warp &W, const Instruction &, Mask Active) {
  W.exit(Active);
  return true;
}

bool runTrap(Warp &W, const Instruction &I, Mask Active) {
  return W.fail(I, Warp::first(Active), " was reached");
}

template <Executor Run> bool decodePlain(Decoder &D, Instruction &I) {
  D.take("uni"); // "ret.uni"
  I.Run = Run;
  return true;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Copies bytes and their written state within each lane's local memory.
void copyLocal(Warp &W, Mask Active, uint32_t From, uint32_t To,
               uint32_t Bytes) {
  LocalMemory &Local = W.Owner.Local;
  for (Mask Rest = Active; Rest; Rest &= Rest - 1) {
    const uint32_t Thread = W.Index * Lanes + Warp::first(Rest);
    const uint64_t Source = Local.indexOf(Thread, From, Bytes),
                   Target = Local.indexOf(Thread, To, Bytes);
    std::memcpy(Local.data() + Target, Local.data() + Source, Bytes);
    std::memcpy(Local.written() + Target, Local.written() + Source, Bytes);
  }
}

/// I.Callee is the callee's number, I.List the offsets of the arguments.
bool runCall(Warp &W, const Instruction &I, Mask Active) {
  const Function &Callee = W.Launch.M.Functions[I.Callee];
  for (size_t N = 0; N < I.List.size(); ++N)
    copyLocal(W, Active, I.List[N], Callee.Parameters[N].Offset,
              Callee.Parameters[N].Bytes);
  W.call(Callee, Active);
  return true;
}

/// Follows a call and copies its results; I.List is their offsets.
bool runResults(Warp &W, const Instruction &I, Mask Active) {
  const Function &Callee = W.Launch.M.Functions[I.Callee];
  for (size_t N = 0; N < I.List.size(); ++N)
    copyLocal(W, Active, Callee.Results[N].Offset, I.List[N],
              Callee.Results[N].Bytes);
  return true;
}

bool decodeCall(Decoder &D, Instruction &I) {
  D.take("uni");
  Instruction Results;
  std::vector<uint32_t> Arguments;
  std::vector<uint64_t> ArgumentBytes, ResultBytes;
  auto TakeList = [&](std::vector<uint32_t> &Offsets,
                      std::vector<uint64_t> &Bytes) {
    for (const TextOperand &Part : D.next()->Parts) {
      const Symbol *S = D.context().find(Part.Word);
      if (!S || S->K != Symbol::Kind::Parameter || S->In != Space::Local)
        return D.error(concat("'", Part.Word, "' is not a parameter"));
      Offsets.push_back(S->Address);
      Bytes.push_back(S->Bytes);
    }
    return true;
  };
  // The call copies as many bytes as the callee's parameters have.
  auto SameSizes = [&](std::span<const uint64_t> Bytes,
                       std::span<const ParameterSlot> Slots) {
    for (size_t N = 0; N < Bytes.size(); ++N)
      if (Bytes[N] != Slots[N].Bytes)
        return D.error(concat("a parameter of ", Bytes[N], " bytes for '",
                              Slots[N].Name, "', which has ", Slots[N].Bytes));
    return true;
  };
  auto AtList = [&] {
    return D.remaining() && D.peek().K == TextOperand::Kind::List;
  };
  if (AtList() && !TakeList(Results.List, ResultBytes))
    return false;
  const TextOperand *Name = D.next();
  if (!Name)
    return false;
  std::optional<uint32_t> Callee = D.context().function(Name->Word);
  if (!Callee)
    return D.error(concat("there is no function '", Name->Word, "'"));
  if (AtList() && !TakeList(Arguments, ArgumentBytes))
    return false;
  const Function &Fn = D.context().functionAt(*Callee);
  if (Fn.IsKernel || Arguments.size() != Fn.Parameters.size() ||
      Results.List.size() != Fn.Results.size())
    return D.error(concat("'", Name->Word, "' is not a function of ",
                          Arguments.size(), " parameters and ",
                          Results.List.size(), " results"));
  if (!SameSizes(ArgumentBytes, Fn.Parameters) ||
      !SameSizes(ResultBytes, Fn.Results))
    return false;
  I.Run = runCall;
  I.Callee = *Callee;
  I.List = std::move(Arguments);
  if (!Results.List.empty()) {
    Results.Run = runResults;
    Results.Callee = *Callee;
    D.context().append(std::move(Results));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// bar.sync a{, b}: a barrier of all threads of the thread block.
bool runBarrier(Warp &W, const Instruction &I, Mask Active) {
  if (Active != W.Alive)
    return W.fail(I, Warp::first(Active), " is executed while lane ",
                  Warp::first(W.Alive & ~Active),
                  " of the same warp is elsewhere: a deadlock");
  if (!W.ready(I, Active, I.Ops[0], I.Ops[1]))
    return false;
  const unsigned First = Warp::first(Active);
  const uint32_t Number = W.in<uint32_t>(I.Ops[0])[First];
  if (Number >= 16)
    return W.fail(I, First, " of barrier ", Number, ", there are 16");
  if (I.Ops[1].Bytes)
    if (uint32_t Count = W.in<uint32_t>(I.Ops[1])[First];
        Count != W.Launch.threads())
      return W.fail(I, First, " of ", Count, " threads in a thread block of ",
                    W.Launch.threads(),
                    ": only barriers of the whole thread block are emulated");
  W.Barrier = &I;
  W.BarrierNumber = Number;
  W.Now = Warp::State::AtBarrier;
  return false;
}

/// bar.warp.sync membermask. Its lanes' stores are visible to each other.
bool runWarpBarrier(Warp &W, const Instruction &I, Mask Active) {
  Mask Members;
  if (!W.members(I, Active, I.Ops[0], Members))
    return false;
  W.Owner.Shared.warpBarrier(W.Index, Members);
  return true;
}

bool decodeBarrier(Decoder &D, Instruction &I) {
  if (D.take("warp")) {
    I.Run = runWarpBarrier;
    return D.take("sync") && D.in(I.Ops[0], Type::B32);
  }
  D.take("cta");
  if (!D.take("sync"))
    return false;
  D.take("aligned");
  I.Run = runBarrier;
  return D.in(I.Ops[0], Type::U32) &&
         (D.remaining() == 0 || D.in(I.Ops[1], Type::U32));
}

/// A thread's accesses already happen in program order; a fence orders them for
/// other host threads.
bool runFence(Warp &, const Instruction &, Mask) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return true;
}

bool decodeFence(Decoder &D, Instruction &I) {
  D.takeAny({"sc", "acq_rel"});
  I.Run = runFence;
  return D.takeAny({"cta", "gpu", "gl", "sys", "cluster"}).has_value();
}

constexpr Family Families[] = {
    {"bra", decodeBranch},           {"brx", decodeIndirectBranch},
    {"ret", decodePlain<runReturn>}, {"exit", decodePlain<runExit>},
    {"trap", decodePlain<runTrap>},  {"call", decodeCall},
    {"bar", decodeBarrier},          {"barrier", decodeBarrier},
    {"membar", decodeFence},         {"fence", decodeFence},
};
} // namespace

std::span<const Family> ptx::controlFamilies() { return Families; }

bool ptx::isBranch(const Instruction &I) { return I.Run == runBranch; }
bool ptx::isIndirectBranch(const Instruction &I) {
  return I.Run == runIndirectBranch;
}
bool ptx::isEnd(const Instruction &I) {
  return I.Run == runReturn || I.Run == runExit || I.Run == runTrap;
}
bool ptx::isCall(const Instruction &I) { return I.Run == runCall; }

Instruction ptx::makeReturn(bool FromKernel, uint32_t Line) {
  Instruction I;
  I.Run = FromKernel ? runExit : runReturn;
  I.Line = Line;
  I.Name = FromKernel ? "exit" : "ret";
  return I;
}
