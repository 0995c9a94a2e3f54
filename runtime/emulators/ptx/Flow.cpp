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
#include <numeric>
#include <utility>

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
    if (isIndirectBranch(Inst))
      for (uint32_t Target : Inst.List)
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

/// Finds dominators (Lengauer and Tarjan, "A fast algorithm for finding
/// dominators in a flowgraph", with path compression): in O(m log n), whatever
/// the graph. Vertices are numbers in the order of a depth-first search.
class Dominators {
public:
  explicit Dominators(uint32_t Count)
      : Semi(Count), Label(Count), Ancestor(Count, NoIndex), Bucket(Count) {
    std::iota(Semi.begin(), Semi.end(), 0);
    std::iota(Label.begin(), Label.end(), 0);
  }

  /// The immediate dominator of each vertex but 0. `Parent`: in the search's
  /// tree; `forEachBefore(V, Body)` calls Body for the predecessors of V.
  template <typename ForEach>
  std::vector<uint32_t> find(const std::vector<uint32_t> &Parent,
                             ForEach forEachBefore) {
    const uint32_t Count = Parent.size();
    std::vector<uint32_t> Result(Count, 0);
    for (uint32_t V = Count; V-- > 1;) {
      forEachBefore(V, [&](uint32_t Before) {
        Semi[V] = std::min(Semi[V], Semi[evaluate(Before)]);
      });
      Bucket[Semi[V]].push_back(V);
      Ancestor[V] = Parent[V];
      for (uint32_t W : std::exchange(Bucket[Parent[V]], {})) {
        const uint32_t Least = evaluate(W);
        Result[W] = Semi[Least] < Semi[W] ? Least : Parent[V];
      }
    }
    for (uint32_t V = 1; V < Count; ++V)
      if (Result[V] != Semi[V])
        Result[V] = Result[Result[V]];
    return Result;
  }

private:
  /// The vertex with the least semidominator on the path from V to the root of
  /// its tree in the forest, without the root. Shortens the path.
  uint32_t evaluate(uint32_t V) {
    if (Ancestor[V] == NoIndex)
      return V;
    for (uint32_t At = V; Ancestor[Ancestor[At]] != NoIndex; At = Ancestor[At])
      Path.push_back(At);
    for (; !Path.empty(); Path.pop_back()) {
      const uint32_t At = Path.back(), Above = Ancestor[At];
      if (Semi[Label[Above]] < Semi[Label[At]])
        Label[At] = Label[Above];
      Ancestor[At] = Ancestor[Above];
    }
    return Label[V];
  }

  std::vector<uint32_t> Semi, Label, Ancestor, Path;
  std::vector<std::vector<uint32_t>> Bucket;
};

/// The immediate post-dominator of each basic block: its dominator in the
/// reversed graph. NoIndex for blocks that do not reach the exit.
std::vector<uint32_t> postDominators(const Graph &G) {
  const uint32_t End = G.size();
  std::vector<uint32_t> Order, Parent, Number(End + 1, NoIndex);
  auto Visit = [&](uint32_t Block, uint32_t From) {
    Number[Block] = Order.size();
    Order.push_back(Block);
    Parent.push_back(From);
  };
  std::vector<std::pair<uint32_t, size_t>> Stack = {{End, 0}};
  Visit(End, 0);
  while (!Stack.empty()) {
    auto &[Block, Edge] = Stack.back();
    if (Edge == G.Previous[Block].size()) {
      Stack.pop_back();
      continue;
    }
    const uint32_t To = G.Previous[Block][Edge++];
    if (Number[To] != NoIndex)
      continue;
    Visit(To, Number[Block]);
    Stack.emplace_back(To, 0);
  }
  const std::vector<uint32_t> Found =
      Dominators(Order.size()).find(Parent, [&](uint32_t V, auto Body) {
        for (uint32_t After : G.Next[Order[V]])
          if (Number[After] != NoIndex)
            Body(Number[After]);
      });
  std::vector<uint32_t> Result(End + 1, NoIndex);
  for (uint32_t V = 0; V < Order.size(); ++V)
    Result[Order[V]] = Order[Found[V]];
  return Result;
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
