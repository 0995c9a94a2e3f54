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

/// Checks that the blocks of a cache suit the target and the plan's bounds, and
/// that callers give blocks that exist.
static LogicalResult expectBlocks(SoftmaxAttentionOp Op,
                                  ProgramLowering &Program) {
  const Bounds &Limits = Program.Shared.Limits;
  const KVCacheType Type = Op.getCache().getType();
  const int64_t Positions = Type.getBlock();
  const int64_t KeyRows = Program.blocks().KeyRows;
  if (Positions % KeyRows != 0)
    return Op.emitOpError("expected a cache in blocks of a multiple of ")
           << KeyRows << " positions for this target, found " << Type;
  const int64_t Columns =
      cast<RankedTensorType>(Op.getBlocks().getType()).getDimSize(1);
  const auto Needed =
      static_cast<int64_t>(llvm::divideCeil(Limits.Length, Positions));
  if (Columns < Needed)
    return Op.emitOpError("expected blocks with at least ")
           << Needed << " columns for sequences of " << Limits.Length
           << " tokens, found " << Columns;
  if (failed(Program.expectRows(Op, "blocks", Op.getBlocks(),
                                Program.rows(Op.getSlots()))))
    return failure();
  return Program.Checks.expectBelow(Op, "blocks", Op.getBlocks(),
                                    Limits.CacheBlocks);
}

static LogicalResult lowerSoftmax(SoftmaxAttentionOp Op,
                                  ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getQ());
  const Bounds &Limits = Program.Shared.Limits;
  if (failed(Program.expectRows(Op, "k", Op.getK(), T)) ||
      failed(Program.expectRows(Op, "v", Op.getV(), T)) ||
      failed(Program.expectBatch(Op, T, Op.getPositions(), Op.getCuSeqlens(),
                                 Op.getSlots(), Limits.Length)) ||
      (Op.getBlocks() && failed(expectBlocks(Op, Program))))
    return failure();
  Builder B(Op.getContext());
  auto Type = cast<KVCacheType>(Op.getCache().getType());
  const int64_t KeyRows = Program.blocks().KeyRows;
  const bool InBlocks = Type.getBlock() > 0;
  const CacheMemory Cache(Type, InBlocks ? Limits.CacheBlocks : Limits.Slots,
                          InBlocks ? Type.getBlock() : Limits.Length, KeyRows);
  StringAttr State = Program.updateState(Op.getCacheMutable());
  auto Part = [&](StringRef Name, MemRefType Memory) -> Named<Value> {
    return {Name, Program.statePart(State, Name, Memory,
                                    InBlocks ? plan::kByBlock : plan::kBySlot)};
  };
  const Named<Value> Keys = Part("keys", Cache.Keys);
  const Named<Value> Values = Part("values", Cache.Values);
  const Named<Value> Q{"q", Program.memory(Op.getQ())};
  const Named<Value> Positions{"positions", Program.memory(Op.getPositions())};
  const Named<Value> CuSeqlens{"cu_seqlens", Program.memory(Op.getCuSeqlens())};
  const Named<Value> Slots{"slots", Program.memory(Op.getSlots())};
  const ExprAttr Sequences = Program.rows(Op.getSlots());

  auto WithBlocks = [&](SmallVector<Named<Value>> Operands) {
    if (InBlocks)
      Operands.push_back({"blocks", Program.memory(Op.getBlocks())});
    return Operands;
  };

  // T new tokens can touch one key block more than they would fill.
  Program.launch(appendKernel(),
                 {Sequences, Program.size(Type.getHeads()),
                  T.plus(KeyRows).ceilDiv(KeyRows)},
                 WithBlocks({{"k", Program.memory(Op.getK())},
                             {"v", Program.memory(Op.getV())},
                             Keys,
                             Values,
                             Positions,
                             CuSeqlens,
                             Slots}));

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
      WithBlocks({Q, Keys, Values, Positions, CuSeqlens, Slots, Result}),
      {Scale, Segment});
  if (!SegmentKeys)
    return success();

  const SegmentMemory Parts(SegmentKeys, Limits.Length, Heads,
                            QType.getDimSize(2), Op.getContext());
  const int64_t HeadBlocks =
      softmaxHeadBlocks(Program.blocks(), Heads, Type.getHeads());
  const Named<Value> Sums{"sums", Program.buffer(Parts.Sums, Sequences)};
  const Named<Value> Maxima{"maxima", Program.buffer(Parts.Numbers, Sequences)};
  const Named<Value> Powers{"powers", Program.buffer(Parts.Numbers, Sequences)};
  Program.launch(softmaxSplitKernel(),
                 {Sequences, Program.size(Type.getHeads() * HeadBlocks),
                  Program.size(Parts.Cells)},
                 WithBlocks({Q, Keys, Values, Positions, CuSeqlens, Slots, Sums,
                             Maxima, Powers}),
                 {Scale, Segment, {"cells", B.getI64IntegerAttr(Parts.Cells)}});
  Program.launch(softmaxJoinKernel(), {Sequences, Program.size(Heads)},
                 {Sums, Maxima, Powers, Positions, CuSeqlens, Slots, Result},
                 {Segment});
  return success();
}

void m1::addSoftmaxLowerings(MLIRContext *Context) {
  attachLowerings<lowerSoftmax>(Context);
}
