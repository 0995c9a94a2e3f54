//===- Async.cpp - asynchronous copies to shared memory -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Access.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

namespace {
/// cp.async [shared], [global], Bytes{, source bytes}: the source is read at
/// once; the data becomes visible when the lane waits for the copy. Bytes
/// beyond the source size are zero.
bool runCopy(Warp &W, const Instruction &I, Mask Active) {
  const Operand &To = I.Ops[0], &From = I.Ops[1], &SourceBytes = I.Ops[2];
  if (!W.ready(I, Active, To, From, SourceBytes))
    return false;
  const unsigned Bytes = I.ElementBytes;
  for (Mask Rest = Active; Rest; Rest &= Rest - 1) {
    const unsigned L = Warp::first(Rest);
    const uint32_t Given = W.in<uint32_t>(SourceBytes)[L];
    if (Given > Bytes)
      return W.fail(I, L, " has a source of ", Given, " bytes, more than the ",
                    Bytes, " to copy");
    Warp::Copy C = {};
    const uint64_t Source = addressOf(W, From, I.Immediate2, L);
    if (Given) {
      Found At;
      if (Source & (Bytes - 1))
        return W.fail(I, L, " at ", shown(Source), " is not aligned to ", Bytes,
                      " bytes");
      // The source size need not be a power of two.
      for (unsigned B = 0; B < Given; ++B)
        if (!findMemory(W, I, L, Space::Global, Source + B, 1, false, At) ||
            !noteAccess(W, I, L, Source + B, At, 1, SharedMemory::Kind::Load))
          return false;
      std::memcpy(C.Data.data(), At.Data - (Given - 1), Given);
    }
    const uint64_t Target = addressOf(W, To, I.Immediate, L);
    Found At;
    if (!findMemory(W, I, L, Space::Shared, Target, Bytes, true, At))
      return false;
    const Accessor Who = {uint8_t(W.Index), uint8_t(L), W.IsDiverged};
    if (std::string Error = W.Owner.Shared.beginCopy(At.Index, Bytes, Who);
        !Error.empty())
      return W.fail(I, L, " at ", hex(Target), " ", Error);
    C.Index = At.Index;
    C.Lane = L;
    C.Bytes = Bytes;
    C.Group = W.Groups[L];
    W.Copies.push_back(C);
  }
  return true;
}

bool runCommit(Warp &W, const Instruction &, Mask Active) {
  forLanes(Active, [&](unsigned L) { ++W.Groups[L]; });
  return true;
}

/// Completes the lanes' copies except those of their last `Immediate` groups.
bool runWait(Warp &W, const Instruction &I, Mask Active) {
  std::erase_if(W.Copies, [&](const Warp::Copy &C) {
    if (!(Active >> C.Lane & 1) || C.Group + I.Immediate >= W.Groups[C.Lane])
      return false;
    W.Owner.Shared.endCopy(C.Index, C.Bytes,
                           {uint8_t(W.Index), C.Lane, W.IsDiverged},
                           C.Data.data());
    return true;
  });
  return true;
}

/// Completes all copies, committed or not.
bool runWaitAll(Warp &W, const Instruction &I, Mask Active) {
  return runCommit(W, I, Active) && runWait(W, I, Active);
}

bool decodeCopy(Decoder &D, Instruction &I) {
  if (!D.take("async"))
    return false;
  if (D.take("commit_group")) {
    I.Run = runCommit;
    return true;
  }
  if (D.take("wait_group")) {
    I.Run = runWait;
    return D.immediate(I.Immediate, std::numeric_limits<uint32_t>::max());
  }
  if (D.take("wait_all")) {
    I.Run = runWaitAll;
    return true;
  }
  const std::optional<unsigned> Level = D.takeAny({"ca", "cg"});
  if (!Level || !D.takeAny({"shared", "shared::cta"}) || !D.take("global"))
    return false;
  D.takeHints();
  int64_t Bytes;
  if (!D.address(I.Ops[0], I.Immediate) || !D.address(I.Ops[1], I.Immediate2) ||
      !D.immediate(Bytes, std::numeric_limits<uint32_t>::max()))
    return false;
  if (Bytes != 16 && (*Level == 1 || (Bytes != 4 && Bytes != 8)))
    return D.error(concat("unsupported copy size ", Bytes));
  I.ElementBytes = Bytes;
  I.Run = runCopy;
  if (D.remaining())
    return D.in(I.Ops[2], Type::U32);
  I.Ops[2] = D.context().constant(Bytes, 4);
  return true;
}

constexpr Family Families[] = {{"cp", decodeCopy}};
} // namespace

std::span<const Family> ptx::asyncFamilies() { return Families; }
