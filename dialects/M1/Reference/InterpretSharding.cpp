//===- InterpretSharding.cpp - evaluates the ops of sharded modules -------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/Operations.h"

using namespace mlir;
using namespace m1::reference;

/// The operand of a collective on each rank that it joins. They must have as
/// many rows.
template <typename CollectiveOp>
static FailureOr<std::vector<const Tensor *>>
operandsOf(CollectiveOp Op, Frame &Values,
           SmallVectorImpl<TensorPtr> &Storage) {
  Storage = Values.shareAlong(Op, Op.getAxis(), Op.getX());
  std::vector<const Tensor *> Ranks;
  for (const TensorPtr &Each : Storage) {
    if (Each->Shape[0] != Storage[0]->Shape[0])
      return Op.emitOpError("expected ")
             << Storage[0]->Shape[0] << " rows on every rank, found "
             << Each->Shape[0];
    Ranks.push_back(Each.get());
  }
  return Ranks;
}

static LogicalResult interpretAllGather(m1::AllGatherOp Op, Frame &Values) {
  SmallVector<TensorPtr> Storage;
  auto Ranks = operandsOf(Op, Values, Storage);
  if (failed(Ranks))
    return failure();
  const int64_t Columns =
      cast<RankedTensorType>(Op.getResult().getType()).getDimSize(1);
  return Values.set(Op.getResult(), allGather(*Ranks, Columns));
}

static LogicalResult interpretTreeSum(m1::TreeSumOp Op, Frame &Values) {
  SmallVector<TensorPtr> Storage;
  auto Ranks = operandsOf(Op, Values, Storage);
  if (failed(Ranks))
    return failure();
  return Values.set(Op.getResult(),
                    treeSum(*Ranks, Op.getGroups(), Op.getPartials()));
}

static LogicalResult interpretLogProbParts(m1::LogProbPartsOp Op,
                                           Frame &Values) {
  const Tensor &Targets = Values.get(Op.getTargets());
  if (failed(report(Op, checkIndices("targets", Targets, Op.getVocabulary()))))
    return failure();
  const int64_t First = Values.first(Op, Op.getShardAttr());
  std::array<Tensor, 3> Parts =
      logProbParts(linear(Values.get(Op.getX()), Values.get(Op.getWeight())),
                   Targets, First, Op.getVocabulary(), m1::kVocabularyGroup);
  for (auto [V, Part] : llvm::zip(Op.getResults(), Parts))
    if (failed(Values.set(V, std::move(Part))))
      return failure();
  return success();
}

static LogicalResult interpretJoinLogProb(m1::JoinLogProbOp Op, Frame &Values) {
  return Values.set(Op.getResult(), joinLogProb(Values.get(Op.getMaxima()),
                                                Values.get(Op.getOthers()),
                                                Values.get(Op.getChosen())));
}

void m1::reference::attachSharding(MLIRContext &Context) {
  attach<interpretAllGather, interpretTreeSum, interpretLogProbParts,
         interpretJoinLogProb>(Context);
}
