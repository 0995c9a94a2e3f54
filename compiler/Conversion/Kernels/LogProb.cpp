//===- LogProb.cpp - token log-probabilities ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LogProb.h"

#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Support/Masking.h"
#include "dialects/M1/IR/Sharding.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace m1;

int64_t m1::vocabularyGroups(int64_t Vocabulary) {
  return llvm::divideCeil(Vocabulary, kVocabularyGroup);
}

//===----------------------------------------------------------------------===//
// The parts of a token
//===----------------------------------------------------------------------===//

/// Differences of logits, divided by each row's temperature; null: by 1.
static Value overTemperature(KernelBody &B, Value Difference,
                             Value Temperature) {
  if (!Temperature)
    return Difference;
  auto Type = cast<VectorType>(Difference.getType());
  if (Type.getRank() == 2)
    Temperature = B.along(Temperature, 1, Type.getDimSize(1));
  return B.divF(Difference, Temperature);
}

Value m1::logitAbove(KernelBody &B, Value Logit, Value Max, Value Temperature) {
  return overTemperature(B, B.subF(Logit, Max), Temperature);
}

/// exp((Logit - Max) / temperature).
static Value expAbove(KernelBody &B, Value Logit, Value Max,
                      Value Temperature) {
  return B.expF(logitAbove(B, Logit, Max, Temperature));
}

SmallVector<Value> m1::forPanelsOfGroup(
    KernelBody &B, int64_t Vocabulary, ValueRange Carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> Body) {
  const int64_t Panels = kVocabularyGroup / B.Blocks.Panel;
  Value From = B.times(B.Y, Panels);
  Value To = B.smaller(B.plus(From, B.index(Panels)),
                       B.index(llvm::divideCeil(Vocabulary, B.Blocks.Panel)));
  return B.loop(From, To, Carried, Body);
}

Value m1::columnNumbers(KernelBody &B, Value Panel, int64_t M) {
  const int64_t Width = B.Blocks.Panel;
  return B.create<arith::AddIOp>(
      B.iota({M, Width}, 1),
      B.fill(B.toI32(B.times(Panel, Width)), {M, Width}));
}

Value m1::inVocabulary(KernelBody &B, Value Logits, Value Column,
                       int64_t Vocabulary) {
  if (Vocabulary % B.Blocks.Panel == 0)
    return Logits;
  Value IsIn =
      B.compare(arith::CmpIPredicate::slt, Column, B.splat(Vocabulary, Column));
  return B.select(IsIn, Logits, B.splat(kMasked, Logits));
}

GroupParts m1::emitGroupParts(KernelBody &B, int64_t Vocabulary, Value Target,
                              Value Temperature,
                              llvm::function_ref<Value(Value Panel)> Logits) {
  const int64_t M = cast<VectorType>(Target.getType()).getDimSize(0);
  const int64_t Panel = B.Blocks.Panel;
  auto AddPanel = [&](Value J, ValueRange Carried) -> SmallVector<Value> {
    Value L = Logits(J);
    Value Column = columnNumbers(B, J, M);
    L = inVocabulary(B, L, Column, Vocabulary);
    Value IsTarget =
        B.compare(arith::CmpIPredicate::eq, Column, B.along(Target, 1, Panel));
    Value Max = B.create<arith::MaxNumFOp>(Carried[0], B.rowMax(L));
    Value Mass = expAbove(B, L, B.along(Max, 1, Panel), Temperature);
    Value Before =
        B.mulF(Carried[1], expAbove(B, Carried[0], Max, Temperature));
    Value Others =
        B.addF(Before, B.rowSum(B.select(IsTarget, B.splat(0, Mass), Mass)));
    Value Chosen =
        B.addF(Carried[2], B.rowSum(B.select(IsTarget, L, B.splat(0, L))));
    return {Max, Others, Chosen};
  };
  SmallVector<Value> Final = forPanelsOfGroup(
      B, Vocabulary, {B.filled(M, kMasked), B.zeros(M), B.zeros(M)}, AddPanel);
  return {Final[0], Final[1], Final[2]};
}

TokenParts m1::joinGroupParts(KernelBody &B, const GroupParts &Parts,
                              Value Temperature) {
  const int64_t Groups = cast<VectorType>(Parts.Max.getType()).getDimSize(1);
  TokenParts Token;
  Token.Max = B.rowMax(Parts.Max);
  Value Scale =
      expAbove(B, Parts.Max, B.along(Token.Max, 1, Groups), Temperature);
  Token.Others = B.rowSum(B.mulF(Parts.Others, Scale));
  Value Chosen = B.rowSum(Parts.Chosen); // of one group; 0 elsewhere
  Value Above = logitAbove(B, Chosen, Token.Max, Temperature);
  Token.Target = B.expF(Above);
  Value LessOne = B.subF(Token.Target, B.splat(1, Token.Target));
  Token.LogSum = B.create<math::Log1pOp>(B.addF(Token.Others, LessOne));
  Token.LogProb = B.subF(Above, Token.LogSum);
  return Token;
}

void m1::storeGroupParts(KernelBody &B, const GroupParts &Parts, Value First,
                         Value Rows) {
  const std::pair<StringRef, Value> Named[] = {{"maxima", Parts.Max},
                                               {"others", Parts.Others},
                                               {"chosen", Parts.Chosen}};
  for (auto [Name, Part] : Named)
    B.store(Part, B[Name], {First, B.Y}, {0}, Rows);
}

GroupParts m1::loadGroupParts(KernelBody &B, Value First, int64_t M,
                              Value Rows) {
  const int64_t Groups = B.extent("groups");
  auto Part = [&](StringRef Name) {
    return B.load(B[Name], {First, B.index(0)}, {0, 1}, {M, Groups}, Rows);
  };
  Value Max = Part("maxima");
  Value Others = Part("others");
  return {Max, Others, Part("chosen")};
}

Value m1::positiveTemperature(KernelBody &B, Value Temperature) {
  Value IsPositive = B.create<arith::CmpFOp>(
      arith::CmpFPredicate::UGT, Temperature, B.splat(0, Temperature));
  return B.select(IsPositive, Temperature, B.splat(1, Temperature));
}

Value m1::loadTemperature(KernelBody &B, Value First, int64_t M, Value Rows) {
  if (!B.has("temperature"))
    return {};
  Value T = B.load(B["temperature"], {First}, {0}, {M}, Rows);
  return positiveTemperature(B, T);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The targets, counted from the rank's first token of the vocabulary.
static Value loadTargets(KernelBody &B, const KernelBody::RowBlock &At) {
  const int64_t M = B.Blocks.Rows;
  Value Target = B.load(B["targets"], {At.First}, {0}, {M}, At.Rows);
  if (!B.has("first"))
    return Target;
  return B.create<arith::SubIOp>(Target, B.fill(B.toI32(B["first"]), {M}));
}

/// Loads the cell's targets and stores the parts of their tokens.
static void emitParts(KernelBody &B, int64_t Vocabulary,
                      const KernelBody::RowBlock &At,
                      llvm::function_ref<Value(Value Panel)> Logits) {
  const int64_t M = B.Blocks.Rows;
  Value Target = loadTargets(B, At);
  Value Temperature = loadTemperature(B, At.First, M, At.Rows);
  storeGroupParts(B, emitGroupParts(B, Vocabulary, Target, Temperature, Logits),
                  At.First, At.Rows);
}

/// The parts of a whole head, or of a rank's columns.
static void buildHeadParts(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, K = B.extent("K");
  const int64_t Panel = PackedLayout(B.memory("weight").getShape()).Panel;
  const int64_t Vocabulary = B.integer("vocabulary");
  Value Zero = B.index(0);
  const KernelBody::RowBlock At = B.rowBlock(M);
  Value Xs = B.load(B["x"], {At.First, Zero}, {0, 1}, {M, K}, At.Rows);
  auto Logits = [&](Value J) {
    return B.dot(Xs, loadPanel(B, B["weight"], J), B.zeros({M, Panel}));
  };
  if (!B.has("first")) {
    emitParts(B, Vocabulary, At, Logits);
    return;
  }
  // The last ranks may have columns that do not exist.
  Value Known = B.toI32(B.minus(B.index(Vocabulary), B["first"]));
  emitParts(B, B.integer("columns"), At, [&](Value J) {
    Value L = Logits(J);
    Value Exists = B.compare(arith::CmpIPredicate::slt, columnNumbers(B, J, M),
                             B.fill(Known, {M, Panel}));
    return B.select(Exists, L, B.splat(kMasked, L));
  });
}

KernelDeclaration m1::headPartsKernel() {
  return {"head_parts",
          {{"x", "[T, K]"},
           {"weight", "packed [V, K]"},
           {"targets", "[T] i32"},
           {"maxima", "[T, groups] f32"},
           {"others", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"rows", "index"}},
          {"vocabulary"},
          buildHeadParts};
}

KernelDeclaration m1::shardPartsKernel() {
  return {"shard_parts",
          {{"x", "[T, K]"},
           {"weight", "packed [V, K]"},
           {"targets", "[T] i32"},
           {"maxima", "[T, groups] f32"},
           {"others", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"rows", "index"},
           {"first", "index"}},
          {"columns", "vocabulary"},
          buildHeadParts};
}

static void buildLogitsParts(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, Panel = B.Blocks.Panel, V = B.extent("V");
  const KernelBody::RowBlock At = B.rowBlock(M);
  emitParts(B, V, At, [&](Value J) {
    Value Column = B.times(J, Panel);
    Value Columns = columnsOf(B, Column, Panel, V);
    return B.load(B["logits"], {At.First, Column}, {0, 1}, {M, Panel}, At.Rows,
                  Columns);
  });
}

KernelDeclaration m1::logitsPartsKernel() {
  return {"logits_parts",
          {{"logits", "[T, V] f32"},
           {"targets", "[T] i32"},
           {"temperature?", "[T] f32"},
           {"maxima", "[T, groups] f32"},
           {"others", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"rows", "index"}},
          {},
          buildLogitsParts};
}

static void buildLogProb(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows;
  auto [First, Rows] = B.rowBlock(M);
  const TokenParts Token = joinGroupParts(B, loadGroupParts(B, First, M, Rows),
                                          loadTemperature(B, First, M, Rows));
  B.store(Token.LogProb, B["result"], {First}, {0}, Rows);
}

KernelDeclaration m1::logProbKernel() {
  return {"log_prob",
          {{"maxima", "[T, groups] f32"},
           {"others", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"temperature?", "[T] f32"},
           {"result", "[T] f32"},
           {"rows", "index"}},
          {},
          buildLogProb};
}
