//===- LowerSoftmax.cpp - launches of softmax attention -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Softmax.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static LogicalResult lowerSoftmax(SoftmaxAttentionOp Op,
                                  ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getQ());
  const Bounds &Limits = Program.Shared.Limits;
  if (failed(Program.expectRows(Op, "k", Op.getK(), T)) ||
      failed(Program.expectRows(Op, "v", Op.getV(), T)) ||
      failed(Program.expectBatch(Op, T, Op.getPositions(), Op.getCuSeqlens(),
                                 Op.getSlots(), Limits.Length)))
    return failure();
  Builder B(Op.getContext());
  auto Type = cast<KVCacheType>(Op.getCache().getType());
  const int64_t KeyRows = Program.blocks().KeyRows;
  const CacheMemory Cache(Type, Limits.Slots, Limits.Length, KeyRows);
  StringAttr State = Program.updateState(Op.getCacheMutable());
  const Named<Value> Keys{"keys", Program.statePart(State, "keys", Cache.Keys)};
  const Named<Value> Values{"values",
                            Program.statePart(State, "values", Cache.Values)};
  const Named<Value> Q{"q", Program.memory(Op.getQ())};
  const Named<Value> Positions{"positions", Program.memory(Op.getPositions())};
  const Named<Value> CuSeqlens{"cu_seqlens", Program.memory(Op.getCuSeqlens())};
  const Named<Value> Slots{"slots", Program.memory(Op.getSlots())};
  const ExprAttr Sequences = Program.rows(Op.getSlots());

  // T new tokens can touch one key block more than they would fill.
  Program.launch(appendKernel(),
                 {Sequences, Program.size(Type.getHeads()),
                  T.plus(KeyRows).ceilDiv(KeyRows)},
                 {{"k", Program.memory(Op.getK())},
                  {"v", Program.memory(Op.getV())},
                  Keys,
                  Values,
                  Positions,
                  CuSeqlens,
                  Slots});

  const Named<Value> Result{"result", Program.allocate(Op.getResult(), T)};
  auto QType = cast<MemRefType>(Q.Value.getType());
  const int64_t Heads = QType.getDimSize(1);
  const int64_t SegmentKeys = Program.blocks().segmentKeys(Limits.Length);
  const Named<Attribute> Scale{"scale", Op.getScaleAttr()};
  const Named<Attribute> Segment{"segment_keys",
                                 B.getI64IntegerAttr(SegmentKeys)};
  Program.launch(
      softmaxKernel(),
      {Sequences, Program.size(Heads), T.ceilDiv(Program.blocks().QueryRows)},
      {Q, Keys, Values, Positions, CuSeqlens, Slots, Result}, {Scale, Segment});
  if (!SegmentKeys)
    return success();

  const SegmentMemory Parts(SegmentKeys, Limits.Length, Heads,
                            QType.getDimSize(2), Op.getContext());
  const int64_t HeadBlocks =
      softmaxHeadBlocks(Program.blocks(), Heads, Type.getHeads());
  const Named<Value> Sums{"sums", Program.buffer(Parts.Sums, Sequences)};
  const Named<Value> Maxima{"maxima", Program.buffer(Parts.Numbers, Sequences)};
  const Named<Value> Powers{"powers", Program.buffer(Parts.Numbers, Sequences)};
  Program.launch(
      softmaxSplitKernel(),
      {Sequences, Program.size(Type.getHeads() * HeadBlocks),
       Program.size(Parts.Cells)},
      {Q, Keys, Values, Positions, CuSeqlens, Slots, Sums, Maxima, Powers},
      {Scale, Segment, {"cells", B.getI64IntegerAttr(Parts.Cells)}});
  Program.launch(softmaxJoinKernel(), {Sequences, Program.size(Heads)},
                 {Sums, Maxima, Powers, Positions, CuSeqlens, Slots, Result},
                 {Segment});
  return success();
}

void m1::addSoftmaxLowerings(MLIRContext *Context) {
  attachLowerings<lowerSoftmax>(Context);
}
