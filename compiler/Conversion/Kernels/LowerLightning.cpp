//===- LowerLightning.cpp - launches of lightning attention ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Lightning.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static LogicalResult lowerLightning(LightningAttentionOp Op,
                                    ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getQ());
  // The state has one size however long a sequence is: positions are bounded by
  // their type only.
  if (failed(Program.expectRows(Op, "k", Op.getK(), T)) ||
      failed(Program.expectRows(Op, "v", Op.getV(), T)) ||
      failed(Program.expectBatch(Op, T, Op.getPositions(), Op.getCuSeqlens(),
                                 Op.getSlots(), int64_t(INT32_MAX) + 1)))
    return failure();
  auto Type = cast<LightningStateType>(Op.getState().getType());
  const int64_t Parts = lightningParts(Program.blocks(), Type.getHeadDim());
  const LightningMemory Memory(Type, Program.Shared.Limits.Slots, Parts);
  StringAttr State = Program.updateState(Op.getStateMutable());
  SmallVector<Named<Value>> Operands{
      {"q", Program.memory(Op.getQ())},
      {"k", Program.memory(Op.getK())},
      {"v", Program.memory(Op.getV())},
      {"keys", Program.statePart(State, "keys", Memory.Keys)},
      {"values", Program.statePart(State, "values", Memory.Values)},
      {"state", Program.statePart(State, "state", Memory.State)}};
  if (Memory.Image)
    Operands.push_back(
        {"image", Program.statePart(State, "image", Memory.Image)});
  Value Result = Program.allocate(Op.getResult(), T);
  // Those of the rank's heads.
  Value Slopes = Program.global(Program.Shared.constant(Op.getSlopes()));
  if (ShardAttr Shard = Op.getShardAttr())
    Slopes = Program.view(Slopes, {Type.getHeads()}, {}, 0, {},
                          Program.firstOf(Shard));
  Operands.append({{"slopes", Slopes},
                   {"positions", Program.memory(Op.getPositions())},
                   {"cu_seqlens", Program.memory(Op.getCuSeqlens())},
                   {"slots", Program.memory(Op.getSlots())},
                   {"result", Result}});
  Program.launch(lightningKernel(),
                 {Program.rows(Op.getSlots()), Program.size(Type.getHeads()),
                  Program.size(Parts)},
                 Operands);
  return success();
}

void m1::addLightningLowerings(MLIRContext *Context) {
  attachLowerings<lowerLightning>(Context);
}
