//===- ShardableOps.cpp - how ops are spread over ranks -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules of ops, and the sharded form of those that differ from the whole op
// in more than their types.
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/IR/Shardable.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;

static bool hasF64(Operation *Op) {
  auto IsF64 = [](Type T) { return getElementTypeOrSelf(T).isF64(); };
  return llvm::any_of(Op->getOperandTypes(), IsF64) ||
         llvm::any_of(Op->getResultTypes(), IsF64);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

std::string CastOp::getShardingRule() { return "... -> ..."; }
std::string SiluOp::getShardingRule() { return "... -> ..."; }
std::string SigmoidGateOp::getShardingRule() { return "..., ... -> ..."; }
std::string SiluMulOp::getShardingRule() { return "..., ... -> ..."; }
std::string ResidualOp::getShardingRule() { return "..., ... -> ..."; }
std::string SharedMixOp::getShardingRule() { return "T D, T D, T 1 -> T D"; }
std::string SelectLastOp::getShardingRule() { return "T N, E -> B N"; }

/// Sums are f32: f64 stays on one rank.
std::string EmbeddingOp::getShardingRule() {
  return hasF64(*this) ? "T, V D -> T D; whole V" : "T, V D -> T D; sum V";
}

LogicalResult EmbeddingOp::emitSharded(ShardBuilder &B,
                                       SmallVectorImpl<Value> &Results) {
  const FactorShard *V = B.find("V");
  if (!V) {
    Results = B.emitLocal();
    return success();
  }
  // One rank has a token's row, the others -0: no bit of it changes.
  Value Rows = B.create<EmbeddingOp>(B.sumType(0), getTokens(), getTable(),
                                     B.attribute(V));
  Results.push_back(B.castTo(B.treeSum(Rows, *V, /*Partials=*/1), 0));
  return success();
}

std::string LinearOp::getShardingRule() {
  return hasF64(*this) ? "T K, N K -> T N; whole K" : "T K, N K -> T N; sum K";
}

/// The leaves that a rank has of `Leaves` leaves of a sum over a factor.
static FailureOr<int64_t> localLeaves(Operation *Op, int64_t Leaves,
                                      const FactorShard &Shard) {
  const int64_t Leaf = Shard.Extent / Leaves;
  if (Shard.Step % Leaf == 0)
    return Shard.Step / Leaf;
  return Op->emitOpError("cannot be sharded over axis ")
         << Shard.Axis << ": expected ranks to have whole leaves of " << Leaf
         << " terms, found " << Shard.Step << " terms each";
}

LogicalResult LinearOp::emitSharded(ShardBuilder &B,
                                    SmallVectorImpl<Value> &Results) {
  const FactorShard *K = B.find("K");
  if (!K) {
    Results = B.emitLocal();
    return success();
  }
  FailureOr<int64_t> Leaves = localLeaves(*this, getLeaves(), *K);
  if (failed(Leaves))
    return failure();
  const int64_t Partials = B.partialsOf(*Leaves);
  RankedTensorType Sum = B.sumType(0);
  Value Product = B.create<LinearOp>(
      RankedTensorType::get({Sum.getDimSize(0), Partials * Sum.getDimSize(1)},
                            Sum.getElementType()),
      getX(), getWeight(), *Leaves, Partials);
  Results.push_back(B.castTo(B.treeSum(Product, *K, Partials), 0));
  return success();
}

/// A norm needs its rows whole, but for the sums of squares of its groups.
std::string RMSNormOp::getShardingRule() {
  if (getGroups() == 1 || hasF64(*this))
    return "T N, N -> T N; whole N";
  return "T (G=" + std::to_string(getGroups()) +
         " n), (G n) -> T (G n); whole n";
}

LogicalResult RMSNormOp::emitSharded(ShardBuilder &B,
                                     SmallVectorImpl<Value> &Results) {
  const FactorShard *G = B.find("G");
  if (!G) {
    Results = B.emitLocal();
    return success();
  }
  if (G->Replicas != 1 || G->Extent % G->Step != 0)
    return emitOpError("cannot be sharded over axis ")
           << G->Axis << ": expected each rank to have as many of the "
           << G->Extent << " groups, and no other, found " << G->Step
           << " each";
  const int64_t Rows = cast<RankedTensorType>(getType()).getDimSize(0);
  Value Own = B.create<SquaresOp>(
      RankedTensorType::get({Rows, G->Step}, B.getF32Type()), getX());
  Results.push_back(B.create<NormalizeOp>(
      B.resultType(0), getX(), getWeight(), B.allGather(Own, *G, G->Extent),
      B.getI64IntegerAttr(G->Step), getEpsAttr()));
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

std::string SplitQKVOp::getShardingRule() {
  return "T (H d3) -> T H d, T H d, T H d; whole d3 d";
}
std::string SplitHeadsOp::getShardingRule() {
  return "T (H d) -> T H d; whole d";
}
std::string MergeHeadsOp::getShardingRule() {
  return "T H d -> T (H d); whole d";
}
std::string RotaryOp::getShardingRule() { return "T H d, T -> T H d; whole d"; }

std::string LightningAttentionOp::getShardingRule() {
  return "T H d, T H d, T H d, H, T, E, B -> T H d, H; whole d";
}

/// Each rank has the slopes of all heads, since its code is that of all ranks.
LogicalResult
LightningAttentionOp::emitSharded(ShardBuilder &B,
                                  SmallVectorImpl<Value> &Results) {
  Results = B.emitLocal();
  if (const FactorShard *H = B.find("H"))
    Results[0].getDefiningOp<LightningAttentionOp>().setShardAttr(
        B.attribute(H));
  return success();
}

/// Query head (g, r) has the keys and values of head g. With more ranks than
/// heads of these, ranks that are neighbours have parts of r and the same g.
std::string SoftmaxAttentionOp::getShardingRule() {
  return "T (G r) d, T G d, T G d, G, T, E, B, B M -> T (G r) d, G; whole d M";
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

/// With products, which only training on one rank asks for, all is whole.
std::string ExpertsOp::getShardingRule() {
  const std::string Operands = "T D, T K, T K, E F D, E F D, E D F -> T D";
  return getProducts().empty() ? Operands + "; sum E F; whole K D"
                               : Operands + ", T K F, T K F; whole E F K D";
}

/// Every pair of token and choice is summed over all ranks before the choices
/// are combined, so that both axes give the same bits.
LogicalResult ExpertsOp::emitSharded(ShardBuilder &B,
                                     SmallVectorImpl<Value> &Results) {
  const FactorShard *E = B.find("E"), *F = B.find("F");
  if (!E && !F) {
    Results = B.emitLocal();
    return success();
  }
  int64_t Leaves = getLeaves(), Partials = 1;
  if (F) {
    FailureOr<int64_t> Local = localLeaves(*this, Leaves, *F);
    if (failed(Local))
      return failure();
    Leaves = *Local;
    Partials = B.partialsOf(Leaves);
  }
  const int64_t Choices =
      cast<RankedTensorType>(getExperts().getType()).getDimSize(1);
  RankedTensorType Result = getResult().getType();
  Value Pairs = B.create<ExpertProductsOp>(
      RankedTensorType::get(
          {Result.getDimSize(0), Choices * Partials * Result.getDimSize(1)},
          B.getF32Type()),
      getX(), getExperts(), getW1(), getW3(), getW2(),
      B.getI64IntegerAttr(Leaves), B.getI64IntegerAttr(Partials),
      B.attribute(E));
  if (F)
    Pairs = B.treeSum(Pairs, *F, Partials, Choices);
  // One rank has a pair's expert, the others -0.
  if (E)
    Pairs = B.treeSum(Pairs, *E, /*Partials=*/1, Choices);
  Results.push_back(B.create<CombineExpertsOp>(Result, Pairs, getWeights()));
  return success();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

std::string HeadLogProbOp::getShardingRule() {
  return "T D, V D, T -> T; sum V; whole D";
}

LogicalResult HeadLogProbOp::emitSharded(ShardBuilder &B,
                                         SmallVectorImpl<Value> &Results) {
  const FactorShard *V = B.find("V");
  if (!V) {
    Results = B.emitLocal();
    return success();
  }
  if (V->Step % kVocabularyGroup != 0)
    return emitOpError("cannot be sharded over axis ")
           << V->Axis << ": expected ranks to have whole groups of "
           << kVocabularyGroup << " tokens of the vocabulary, found " << V->Step
           << " tokens each";
  Type Part =
      RankedTensorType::get({cast<RankedTensorType>(getType()).getDimSize(0),
                             V->Step / kVocabularyGroup},
                            B.getF32Type());
  auto Parts = B.create<LogProbPartsOp>(Part, Part, Part, getX(), getWeight(),
                                        getTargets(), B.attribute(V));
  SmallVector<Value> All;
  for (Value Each : Parts.getResults())
    All.push_back(
        B.allGather(Each, *V, llvm::divideCeil(V->Extent, kVocabularyGroup)));
  Results.push_back(B.create<JoinLogProbOp>(getType(), All[0], All[1], All[2]));
  return success();
}
