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
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace m1;

/// Panels of one group of the vocabulary.
static constexpr int64_t kPanelsPerGroup = 16;

int64_t m1::vocabularyGroups(const Blocking &Blocks, int64_t Vocabulary) {
  return llvm::divideCeil(Vocabulary, Blocks.Panel * kPanelsPerGroup);
}

/// The common part of both kernels that read logits. `Logits` returns the block
/// [M, panel] of a panel's logits for the rows of `At`.
static void emitParts(KernelBody &B, int64_t Vocabulary,
                      const KernelBody::RowBlock &At,
                      llvm::function_ref<Value(Value Panel)> Logits) {
  const int64_t M = B.Blocks.Rows, Panel = B.Blocks.Panel;
  Value Target = B.load(B["targets"], {At.First}, {0}, {M}, At.Rows);
  Value From = B.times(B.Y, kPanelsPerGroup);
  Value To = B.smaller(B.plus(From, B.index(kPanelsPerGroup)),
                       B.index(llvm::divideCeil(Vocabulary, Panel)));
  SmallVector<Value> Final = B.loop(
      From, To, {B.filled(M, kMasked), B.zeros(M), B.zeros(M)},
      [&](Value J, ValueRange Carried) {
        Value L = Logits(J);
        Value Column = B.create<arith::AddIOp>(
            B.iota({M, Panel}, 1),
            B.fill(B.toI32(B.times(J, Panel)), {M, Panel}));
        if (Vocabulary % Panel != 0)
          L = B.select(B.compare(arith::CmpIPredicate::slt, Column,
                                 B.splat(Vocabulary, Column)),
                       L, B.splat(kMasked, L));
        Value Max = B.create<arith::MaxNumFOp>(Carried[0], B.rowMax(L));
        Value Sum = B.addF(B.mulF(Carried[1], B.expF(B.subF(Carried[0], Max))),
                           B.rowSum(B.expF(B.subF(L, B.along(Max, 1, Panel)))));
        Value IsTarget = B.compare(arith::CmpIPredicate::eq, Column,
                                   B.along(Target, 1, Panel));
        Value Chosen =
            B.addF(Carried[2], B.rowSum(B.select(IsTarget, L, B.splat(0, L))));
        return SmallVector<Value>{Max, Sum, Chosen};
      });
  for (auto [Part, Name] :
       llvm::zip(Final, ArrayRef<StringRef>{"maxima", "sums", "chosen"}))
    B.store(Part, B[Name], {At.First, B.Y}, {0}, At.Rows);
}

static void buildHeadParts(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, K = B.extent("K");
  const int64_t Panel = PackedLayout(B.memory("weight").getShape()).Panel;
  Value Zero = B.index(0);
  const KernelBody::RowBlock At = B.rowBlock(M);
  Value Xs = B.load(B["x"], {At.First, Zero}, {0, 1}, {M, K}, At.Rows);
  emitParts(B, B.integer("vocabulary"), At, [&](Value J) {
    return B.dot(Xs, loadPanel(B, B["weight"], J), B.zeros({M, Panel}));
  });
}

KernelDeclaration m1::headPartsKernel() {
  return {"head_parts",
          {{"x", "[T, K]"},
           {"weight", "packed [V, K]"},
           {"targets", "[T] i32"},
           {"maxima", "[T, groups] f32"},
           {"sums", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"rows", "index"}},
          {"vocabulary"},
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
           {"maxima", "[T, groups] f32"},
           {"sums", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"rows", "index"}},
          {},
          buildLogitsParts};
}

static void buildLogProb(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, Groups = B.extent("groups");
  Value Zero = B.index(0);
  auto [First, Rows] = B.rowBlock(M);
  auto Part = [&, First = First, Rows = Rows](StringRef Name) {
    return B.load(B[Name], {First, Zero}, {0, 1}, {M, Groups}, Rows);
  };
  Value Maxima = Part("maxima");
  Value Max = B.rowMax(Maxima);
  Value Scale = B.expF(B.subF(Maxima, B.along(Max, 1, Groups)));
  Value Sum = B.rowSum(B.mulF(Part("sums"), Scale));
  Value Chosen = B.rowSum(Part("chosen")); // of one group; 0 elsewhere
  Value LogSum = B.addF(Max, B.create<math::LogOp>(Sum));
  B.store(B.subF(Chosen, LogSum), B["result"], {First}, {0}, Rows);
}

KernelDeclaration m1::logProbKernel() {
  return {"log_prob",
          {{"maxima", "[T, groups] f32"},
           {"sums", "[T, groups] f32"},
           {"chosen", "[T, groups] f32"},
           {"result", "[T] f32"},
           {"rows", "index"}},
          {},
          buildLogProb};
}
