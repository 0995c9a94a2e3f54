//===- Flow.cpp - reconvergence points of branches ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"
#include "runtime/emulators/ptx/Module.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

namespace {
/// The control flow graph of a function; block `size()` is the exit that all
/// returns lead to.
struct Graph {
  std::vector<uint32_t> First; // first instruction of each basic block
  std::vector<std::vector<uint32_t>> Next, Previous;

  explicit Graph(const Function &F);
  uint32_t size() const { return First.size(); }
};

Graph::Graph(const Function &F) {
  const uint32_t Count = F.Code.size();
  std::vector<char> Leads(Count + 1, false);
  Leads[0] = true;
  for (uint32_t I = 0; I < Count; ++I) {
    const Instruction &Inst = F.Code[I];
    if (isBranch(Inst))
      Leads[Inst.Immediate] = true;
    for (uint32_t Target :
         isIndirectBranch(Inst) ? Inst.List : std::vector<uint32_t>())
      Leads[Target] = true;
    if (isBranch(Inst) || isIndirectBranch(Inst) || isEnd(Inst))
      Leads[I + 1] = true;
  }
  std::vector<uint32_t> BlockOf(Count + 1);
  for (uint32_t I = 0; I < Count; ++I) {
    if (Leads[I])
      First.push_back(I);
    BlockOf[I] = First.size() - 1;
  }
  BlockOf[Count] = First.size();
  Next.resize(size() + 1);
  Previous.resize(size() + 1);
  for (uint32_t B = 0; B < size(); ++B) {
    uint32_t After = B + 1 < size() ? First[B + 1] : Count;
    const Instruction &Last = F.Code[After - 1];
    const bool Guarded = Last.Guard != AlwaysTrue || Last.GuardNegated;
    auto Add = [&](uint32_t To) {
      Next[B].push_back(To);
      Previous[To].push_back(B);
    };
    // Lanes that exit at a guarded return do not reconverge: only the
    // fall-through path counts.
    if (isEnd(Last) && !Guarded)
      Add(size());
    else if (isBranch(Last))
      Add(BlockOf[Last.Immediate]);
    else if (isIndirectBranch(Last))
      for (uint32_t Target : Last.List)
        Add(BlockOf[Target]);
    if (!(isEnd(Last) || isBranch(Last) || isIndirectBranch(Last)) || Guarded)
      Add(BlockOf[After]);
  }
}

/// The immediate post-dominator of each basic block (Cooper, Harvey and
/// Kennedy, "A simple, fast dominance algorithm", on the reversed graph).
/// NoIndex for blocks that do not reach the exit.
std::vector<uint32_t> postDominators(const Graph &G) {
  // Postorder of the reversed graph from the end on.
  const uint32_t End = G.size();
  std::vector<uint32_t> Order, Number(End + 1, NoIndex);
  std::vector<char> Seen(End + 1, false);
  std::vector<std::pair<uint32_t, size_t>> Stack = {{End, 0}};
  Seen[End] = true;
  while (!Stack.empty()) {
    auto &[Block, Edge] = Stack.back();
    if (Edge < G.Previous[Block].size()) {
      uint32_t To = G.Previous[Block][Edge++];
      if (!Seen[To]) {
        Seen[To] = true;
        Stack.emplace_back(To, 0);
      }
      continue;
    }
    Number[Block] = Order.size();
    Order.push_back(Block);
    Stack.pop_back();
  }

  std::vector<uint32_t> Dominator(End + 1, NoIndex);
  Dominator[End] = End;
  auto Common = [&](uint32_t A, uint32_t B) {
    while (A != B) {
      while (Number[A] < Number[B])
        A = Dominator[A];
      while (Number[B] < Number[A])
        B = Dominator[B];
    }
    return A;
  };
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (auto It = Order.rbegin(); It != Order.rend(); ++It) {
      if (*It == End)
        continue;
      uint32_t New = NoIndex;
      for (uint32_t To : G.Next[*It])
        if (Dominator[To] != NoIndex)
          New = New == NoIndex ? To : Common(New, To);
      if (New != Dominator[*It]) {
        Dominator[*It] = New;
        Changed = true;
      }
    }
  }
  return Dominator;
}
} // namespace

void ptx::findReconvergencePoints(Function &F) {
  Graph G(F);
  std::vector<uint32_t> Dominator = postDominators(G);
  for (uint32_t B = 0; B < G.size(); ++B) {
    uint32_t After = B + 1 < G.size() ? G.First[B + 1] : F.Code.size();
    Instruction &Last = F.Code[After - 1];
    if (isBranch(Last) || isIndirectBranch(Last))
      Last.Reconvergence =
          Dominator[B] < G.size() ? G.First[Dominator[B]] : NoIndex;
  }
}
