//===- LowerSampling.cpp - launches that draw tokens ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Sampling.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

/// m1.adjust_logits runs as cells of the sampler's groups of columns.
static LogicalResult lowerAdjustLogits(AdjustLogitsOp Op,
                                       ProgramLowering &Program) {
  const ExprAttr Rows = Program.rows(Op.getLogits());
  const ExprAttr Rules = Program.rows(Op.getBias());
  if (failed(Program.expectRows(Op, "rows", Op.getRows(), Rows)) ||
      failed(Program.expectRows(Op, "repetition", Op.getRepetition(), Rules)) ||
      failed(Program.Checks.expectRowOrNone(Op, "rows", Op.getRows(), Rules)))
    return failure();
  const int64_t V =
      cast<RankedTensorType>(Op.getLogits().getType()).getDimSize(1);
  const SampleMemory Memory(Program.blocks(), Op.getContext(), V);
  Program.launch(adjustLogitsKernel(), {Rows, Program.size(Memory.Groups)},
                 {{"logits", Program.memory(Op.getLogits())},
                  {"rows", Program.memory(Op.getRows())},
                  {"bias", Program.memory(Op.getBias())},
                  {"repetition", Program.memory(Op.getRepetition())},
                  {"result", Program.allocate(Op.getResult(), Rows)}});
  return success();
}

/// `First` and then `More`.
static SmallVector<Named<Value>> with(ArrayRef<Named<Value>> First,
                                      ArrayRef<Named<Value>> More) {
  SmallVector<Named<Value>> All(First);
  llvm::append_range(All, More);
  return All;
}

static LogicalResult lowerSample(SampleOp Op, ProgramLowering &Program) {
  const ExprAttr Rows = Program.rows(Op.getLogits());
  if (failed(Program.expectOperandRows(Op, Rows)))
    return failure();
  const int64_t V =
      cast<RankedTensorType>(Op.getLogits().getType()).getDimSize(1);
  const Named<Value> Result{"result", Program.allocate(Op.getResult(), Rows)};
  if (failed(Program.markDrawn(Op, Result.Value)))
    return failure();

  const SampleMemory Memory(Program.blocks(), Op.getContext(), V);
  const ExprAttr Groups = Program.size(Memory.Groups);
  auto Buffer = [&](StringRef Name, MemRefType Type) {
    return Named<Value>{Name, Program.buffer(Type, Rows)};
  };
  const Named<Value> Logits{"logits", Program.memory(Op.getLogits())};
  const Named<Value> Temperature{"temperature",
                                 Program.memory(Op.getTemperature())};
  const Named<Value> TopP{"top_p", Program.memory(Op.getTopP())};
  SmallVector<Named<Value>> MinP; // at most one
  if (Op.getMinP())
    MinP.push_back({"min_p", Program.memory(Op.getMinP())});
  const Named<Value> Maxima = Buffer("maxima", Memory.Maxima);
  const Named<Value> FirstMaxima = Buffer("first_maxima", Memory.Counts);
  const Named<Value> FirstDamaged = Buffer("first_damaged", Memory.Counts);
  const Named<Value> Masses = Buffer("masses", Memory.Masses);
  const Named<Value> Weights = Buffer("weights", Memory.Weights);
  const Named<Value> Sums = Buffer("sums", Memory.Sums);
  const Named<Value> Words = Buffer("words", Memory.Words);
  const Named<Value> Numbers = Buffer("numbers", Memory.Numbers);
  const Named<Attribute> Vocabulary{
      "vocabulary", Builder(Op.getContext()).getI64IntegerAttr(V)};

  Program.launch(sampleMaximaKernel(), {Rows, Groups},
                 {Logits, Maxima, FirstMaxima, FirstDamaged});
  Program.launch(sampleWeightsKernel(), {Rows, Groups},
                 with({Logits, Temperature, Maxima, Weights, Masses}, MinP));
  Program.launch(sampleBeginKernel(), {Rows},
                 {Temperature,
                  TopP,
                  {"top_k", Program.memory(Op.getTopK())},
                  {"seeds", Program.memory(Op.getSeeds())},
                  {"positions", Program.memory(Op.getPositions())},
                  Maxima,
                  FirstMaxima,
                  FirstDamaged,
                  Masses,
                  Words,
                  Numbers,
                  Result},
                 {Vocabulary});
  for (int64_t Round = 0; Round < Memory.Rounds; ++Round) {
    Program.launch(sampleCountKernel(), {Rows, Groups},
                   {Logits, Weights, Words, Sums});
    Program.launch(sampleNarrowKernel(), {Rows},
                   with({Temperature, TopP, Sums, Words, Numbers}, MinP),
                   {Vocabulary});
  }
  const Named<Value> Ties = Buffer("ties", Memory.Counts);
  Program.launch(sampleTiesKernel(), {Rows, Groups}, {Logits, Words, Ties});
  Program.launch(samplePickKernel(), {Rows, Groups},
                 {Logits, Words, Ties, Result});
  return success();
}

void m1::addSamplingLowerings(MLIRContext *Context) {
  attachLowerings<lowerAdjustLogits, lowerSample>(Context);
}
