//===- Placement.cpp - which processors a rank uses -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Placement.h"

#include "runtime/support/Packed.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <unistd.h>

using namespace m1;

RankLocation RankLocation::current() {
  RankLocation Result;
  char Host[256] = {};
  ::gethostname(Host, sizeof Host - 1);
  // Containers on one machine have names of their own, but share its
  // processors and its kernel.
  std::ifstream("/proc/sys/kernel/random/boot_id") >> Result.Machine;
  if (Result.Machine.empty())
    Result.Machine = Host;
  const char *Visible = std::getenv("CUDA_VISIBLE_DEVICES");
  Result.Gpus = Result.Machine + " " + Host + " " + (Visible ? Visible : "all");
  cpu_set_t Set;
  if (::sched_getaffinity(0, sizeof Set, &Set) == 0)
    for (int I = 0; I < CPU_SETSIZE; ++I)
      Result.Processors.push_back(CPU_ISSET(I, &Set));
  return Result;
}

std::string RankLocation::pack() const {
  Packer P;
  P.add(Machine);
  P.add(Gpus);
  P.add(std::string(Processors.begin(), Processors.end()));
  return std::move(P.Bytes);
}

RankLocation RankLocation::unpack(std::string_view Packed) {
  Unpacker U(Packed);
  RankLocation Result;
  Result.Machine = U.text();
  Result.Gpus = U.text();
  for (char May : U.text())
    Result.Processors.push_back(May != 0);
  return Result;
}

/// How many processors both ranks may use.
static unsigned sharedProcessors(const RankLocation &A, const RankLocation &B) {
  unsigned Count = 0;
  for (size_t I = 0; I < std::min(A.Processors.size(), B.Processors.size());
       ++I)
    Count += A.Processors[I] && B.Processors[I];
  return A.Machine == B.Machine ? Count : 0;
}

std::vector<RankPlacement> m1::placeRanks(std::span<const RankLocation> Ranks) {
  std::vector<RankPlacement> Result(Ranks.size());
  for (size_t I = 0; I < Ranks.size(); ++I) {
    unsigned Users = 0;
    for (size_t J = 0; J < Ranks.size(); ++J) {
      Users += sharedProcessors(Ranks[I], Ranks[J]) > 0;
      if (J < I && Ranks[J].Gpus == Ranks[I].Gpus)
        ++Result[I].Gpu;
    }
    Result[I].Threads = std::max(1u, sharedProcessors(Ranks[I], Ranks[I]) /
                                         std::max(1u, Users));
  }
  return Result;
}
