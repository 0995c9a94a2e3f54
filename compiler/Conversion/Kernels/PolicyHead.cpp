//===- PolicyHead.cpp - the output head and its loss ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/PolicyHead.h"

#include "compiler/Conversion/Kernels/LogProb.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/TokenSums.h"
#include "compiler/Support/Masking.h"
#include "dialects/M1/IR/PolicyRatio.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace m1;

/// Bytes of a block's logits: few enough to stay near the processor between the
/// kernels of a block, enough that the head's gradient is seldom read.
static constexpr int64_t kLogitsBytes = int64_t(32) << 20;

/// Terms of the gradient of x that are added at once: as many as leave the
/// weight's part of a panel in the nearest cache.
static constexpr int64_t kDepth = 256;

int64_t m1::policyBlock(const Blocking &Blocks, int64_t Vocabulary) {
  const int64_t Tokens =
      kLogitsBytes / (static_cast<int64_t>(sizeof(float)) * Vocabulary);
  return std::max(Tokens / Blocks.Rows, int64_t(1)) * Blocks.Rows;
}

//===----------------------------------------------------------------------===//
// What the kernels share
//===----------------------------------------------------------------------===//

namespace {

/// The cell's tokens.
struct Tokens {
  Value InBlock; // the first in memory of the block
  Value InBatch; // the first in memory of all tokens
  Value Count;
};

} // namespace

/// Runs `Body` for the cell's M tokens, if there are any.
static void forTokens(KernelBody &B, int64_t M,
                      llvm::function_ref<void(const Tokens &)> Body) {
  Value InBlock = B.times(B.X, M);
  Value InBatch = B.plus(B["first"], InBlock);
  B.ifThen(B.less(InBatch, B["rows"]), [&] {
    Value Count = B.smaller(B.index(M), B.minus(B["rows"], InBatch));
    Body({InBlock, InBatch, Count});
  });
}

/// The row of the first of the cell's tokens in the memory of the gradients of
/// logits, which has rows of tokens before the block.
static Value gradientRow(KernelBody &B, const Tokens &At) {
  return B.plus(At.InBlock, B["before"]);
}

/// Number `I` of a vector of memory, as a block [M].
static Value repeated(KernelBody &B, StringRef Memory, int64_t I, int64_t M) {
  Value Number = B.create<memref::LoadOp>(B[Memory], ValueRange{B.index(I)});
  return B.fill(Number, {M});
}

static Value temperatureOf(KernelBody &B, int64_t M) {
  return positiveTemperature(B, repeated(B, "temperature", 0, M));
}

static Value compareF(KernelBody &B, arith::CmpFPredicate P, Value A, Value C) {
  return B.create<arith::CmpFOp>(P, A, C);
}

static Value isZero(KernelBody &B, Value A) {
  return compareF(B, arith::CmpFPredicate::OEQ, A, B.splat(0, A));
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static void buildPolicyParts(KernelBody &B) {
  const int64_t M = B.Blocks.HeadRows, K = B.extent("K"), V = B.extent("V");
  const int64_t Panel = PackedLayout(B.memory("weight").getShape()).Panel;
  forTokens(B, M, [&](const Tokens &At) {
    Value Xs =
        B.load(B["x"], {At.InBatch, B.index(0)}, {0, 1}, {M, K}, At.Count);
    Value Target = B.load(B["targets"], {At.InBatch}, {0}, {M}, At.Count);
    auto Logits = [&](Value J) {
      Value Column = B.times(J, Panel);
      Value Weight = loadPanel(B, B["weight"], J);
      // Rows of bf16 may be multiplied by a unit, as for token_log_prob.
      if (B.Blocks.WidensPanels && B.memory("x").getElementType().isF32())
        Weight = B.widened(Weight);
      Value L = B.dot(Xs, Weight, B.zeros({M, Panel}));
      B.store(L, B["logits"], {At.InBlock, Column}, {0, 1}, At.Count,
              columnsOf(B, Column, Panel, V));
      return L;
    };
    storeGroupParts(B,
                    emitGroupParts(B, V, Target, temperatureOf(B, M), Logits),
                    At.InBlock, At.Count);
  });
}

KernelDeclaration m1::policyPartsKernel() {
  return {"policy_parts",
          {{"x", "[T, K]"},
           {"weight", "packed [V, K]"},
           {"targets", "[T] i32"},
           {"temperature", "[one] f32"},
           {"logits", "[B, V] f32"},
           {"maxima", "[B, groups] f32"},
           {"others", "[B, groups] f32"},
           {"chosen", "[B, groups] f32"},
           {"first", "index"},
           {"rows", "index"}},
          {},
          buildPolicyParts};
}

/// -weight advantage clip(r, ratio_min, ratio_max) M, with r = exp(`Ratio`).
/// NaN passes through, except where the weight is 0.
static Value lossDerivative(KernelBody &B, Value Ratio, Value Advantage,
                            Value Weight) {
  using arith::CmpFPredicate;
  const int64_t M = cast<VectorType>(Ratio.getType()).getDimSize(0);
  auto Bound = [&](int64_t I) { return repeated(B, "bounds", I, M); };
  auto Greater = [&](Value A, Value C) {
    return compareF(B, CmpFPredicate::OGT, A, C);
  };
  Value Zero = B.splat(0, Ratio);
  Value R = B.expF(Ratio), Largest = B.splat(kLargestRatio, Ratio);
  R = B.select(Greater(R, Largest), Largest, R);
  Value Clipped = B.select(Greater(Bound(0), R), Bound(0), R);
  Clipped = B.select(Greater(Clipped, Bound(1)), Bound(1), Clipped);
  Value S = B.subF(Zero, B.mulF(B.mulF(Weight, Advantage), Clipped));
  Value Above = B.both(Greater(Advantage, Zero), Greater(R, Bound(3)));
  Value Below = B.both(Greater(Zero, Advantage), Greater(Bound(2), R));
  S = B.select(Above, Zero, B.select(Below, Zero, S));
  return B.select(isZero(B, Weight), Zero, S);
}

static void buildPolicyLoss(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows;
  forTokens(B, M, [&](const Tokens &At) {
    auto OfToken = [&](StringRef Name) {
      return B.load(B[Name], {At.InBatch}, {0}, {M}, At.Count);
    };
    Value Temperature = temperatureOf(B, M);
    const TokenParts Token = joinGroupParts(
        B, loadGroupParts(B, At.InBlock, M, At.Count), Temperature);
    Value S = lossDerivative(B, B.subF(Token.LogProb, OfToken("old_log_probs")),
                             OfToken("advantages"), OfToken("weights"));
    Value Sum = B.addF(Token.Others, Token.Target);
    const std::pair<StringRef, Value> Results[] = {
        {"largest", Token.Max},
        {"log_sums", Token.LogSum},
        {"inverses", B.divF(B.splat(1, Sum), Sum)},
        {"rests", B.divF(Token.Others, Sum)},
        {"slopes", B.divF(S, Temperature)}};
    for (auto [Name, Result] : Results)
      B.store(Result, B[Name], {At.InBlock}, {0}, At.Count);
    B.store(Token.LogProb, B["log_probs"], {At.InBatch}, {0}, At.Count);
  });
}

KernelDeclaration m1::policyLossKernel() {
  return {"policy_loss",
          {{"maxima", "[B, groups] f32"},
           {"others", "[B, groups] f32"},
           {"chosen", "[B, groups] f32"},
           {"temperature", "[one] f32"},
           {"old_log_probs", "[T] f32"},
           {"advantages", "[T] f32"},
           {"weights", "[T] f32"},
           {"bounds", "[four] f32"},
           {"largest", "[B] f32"},
           {"log_sums", "[B] f32"},
           {"inverses", "[B] f32"},
           {"rests", "[B] f32"},
           {"slopes", "[B] f32"},
           {"log_probs", "[T] f32"},
           {"first", "index"},
           {"rows", "index"}},
          {},
          buildPolicyLoss};
}

static void buildPolicyGradient(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, Panel = B.Blocks.Panel, V = B.extent("V");
  forTokens(B, M, [&](const Tokens &At) {
    Value Target = B.load(B["targets"], {At.InBatch}, {0}, {M}, At.Count);
    Value Temperature = temperatureOf(B, M);
    auto Columns = [&](StringRef Name) {
      Value OfToken = B.load(B[Name], {At.InBlock}, {0}, {M}, At.Count);
      return B.along(OfToken, 1, Panel);
    };
    Value Max = Columns("largest"), LogSum = Columns("log_sums");
    Value Inverse = Columns("inverses"), Rest = Columns("rests");
    Value Slope = Columns("slopes");
    auto AddPanel = [&](Value J, ValueRange Carried) -> SmallVector<Value> {
      Value Column = B.times(J, Panel);
      Value Bound = columnsOf(B, Column, Panel, V);
      Value L = B.load(B["logits"], {At.InBlock, Column}, {0, 1}, {M, Panel},
                       At.Count, Bound);
      Value Number = columnNumbers(B, J, M);
      Value Above =
          logitAbove(B, inVocabulary(B, L, Number, V), Max, Temperature);
      Value P = B.mulF(B.expF(Above), Inverse);
      // Where p is 0, its logarithm may be infinite; NaN is in p as well.
      Value Surprise = B.create<arith::MinNumFOp>(B.subF(LogSum, Above),
                                                  B.splat(-kMasked, Above));
      Value Entropy = B.addF(Carried[0], B.rowSum(B.mulF(P, Surprise)));
      Value IsTarget = B.compare(arith::CmpIPredicate::eq, Number,
                                 B.along(Target, 1, Panel));
      Value Zero = B.splat(0, P);
      Value Share = B.select(IsTarget, Rest, B.subF(Zero, P));
      Value Gradient = B.select(isZero(B, Slope), Zero, B.mulF(Slope, Share));
      if (B.integer("rounded"))
        Gradient = B.rounded(Gradient, B.getBF16Type());
      Value To = B.has("gradients") ? B["gradients"] : B["logits"];
      B.store(Gradient, To, {gradientRow(B, At), Column}, {0, 1}, At.Count,
              Bound);
      return {Entropy};
    };
    Value Entropy = forPanelsOfGroup(B, V, B.zeros(M), AddPanel)[0];
    B.store(Entropy, B["entropies"], {At.InBlock, B.Y}, {0}, At.Count);
  });
}

KernelDeclaration m1::policyGradientKernel() {
  return {"policy_gradient",
          {{"logits", "[B, V] f32"},
           {"gradients?", "[B, V]"},
           {"targets", "[T] i32"},
           {"temperature", "[one] f32"},
           {"largest", "[B] f32"},
           {"log_sums", "[B] f32"},
           {"inverses", "[B] f32"},
           {"rests", "[B] f32"},
           {"slopes", "[B] f32"},
           {"entropies", "[B, groups] f32"},
           {"before", "index"},
           {"first", "index"},
           {"rows", "index"}},
          {"rounded"},
          buildPolicyGradient};
}

static void buildPolicyEntropy(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, Groups = B.extent("groups");
  forTokens(B, M, [&](const Tokens &At) {
    Value Parts = B.load(B["entropies"], {At.InBlock, B.index(0)}, {0, 1},
                         {M, Groups}, At.Count);
    B.store(B.rowSum(Parts), B["entropy"], {At.InBatch}, {0}, At.Count);
  });
}

KernelDeclaration m1::policyEntropyKernel() {
  return {"policy_entropy",
          {{"entropies", "[B, groups] f32"},
           {"entropy", "[T] f32"},
           {"first", "index"},
           {"rows", "index"}},
          {},
          buildPolicyEntropy};
}

static void buildPolicyXGradient(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, K = B.extent("K"), V = B.extent("V");
  const PackedLayout Packed(B.memory("transposed").getShape());
  const int64_t Depth = std::min(V, kDepth);
  const int64_t Panel = Packed.Panel;
  Type Element = B.memory("transposed").getElementType();
  forTokens(B, M, [&](const Tokens &At) {
    forPanelsOfCell(B, Packed.Panels, [&](Value J) {
      auto AddTerms = [&](Value I, ValueRange Carried) -> SmallVector<Value> {
        Value Row = B.times(I, Depth);
        Value Bound = columnsOf(B, Row, Depth, V);
        Value Gradient = B.load(B["gradients"], {gradientRow(B, At), Row},
                                {0, 1}, {M, Depth}, At.Count, Bound);
        SmallVector<Value> Where{J, Row, B.index(0)};
        if (Packed.Pairs) {
          Where[1] = B.over(Row, 2);
          Where.push_back(B.index(0));
        }
        Value Weight = B.create<tile::LoadOp>(
            B.block({Depth, Panel}, Element), B["transposed"], Where, Bound,
            Value(), ArrayRef<int64_t>{1, 2}, Packed.Pairs);
        return {B.dot(Gradient, Weight, Carried[0])};
      };
      Value Sums = B.loop(B.index(0), B.index(llvm::divideCeil(V, Depth)),
                          B.zeros({M, Panel}), AddTerms)[0];
      Value Column = B.times(J, Panel);
      B.store(Sums, B["x_gradient"], {At.InBatch, Column}, {0, 1}, At.Count,
              columnsOf(B, Column, Panel, K));
    });
  });
}

KernelDeclaration m1::policyXGradientKernel() {
  return {"policy_x_gradient",
          {{"gradients", "[B, V]"},
           {"transposed", "packed [K, V]"},
           {"x_gradient", "[T, K] f32"},
           {"before", "index"},
           {"first", "index"},
           {"rows", "index"}},
          {},
          buildPolicyXGradient};
}

KernelDeclaration m1::policyRoundKernel() {
  return {"policy_round",
          {{"x", "[T, K] f32"}, {"rounded", "[T, K]"}, {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, K = B.extent("K");
            auto [First, Rows] = B.rowBlock(M);
            Value Zero = B.index(0);
            Value X = B.load(B["x"], {First, Zero}, {0, 1}, {M, K}, Rows);
            Type Element = B.memory("rounded").getElementType();
            B.store(B.rounded(X, Element), B["rounded"], {First, Zero}, {0, 1},
                    Rows);
          }};
}

/// With a list in twos, the block's terms are those of the twos that end in it.
/// The first of them may begin with the last token before the block.
static void buildPolicyWeightTwos(KernelBody &B) {
  Value From = B.at(B["ranges"], B["number"]);
  Value To = B.at(B["ranges"], B.plus(B["number"], 1));
  auto Load = [&](const GradientBlock &At, Value First, Value Some) {
    const ListedRows Rows = listedRows(B, B["list"], At, B.plus(From, First));
    Value FirstRow = B.toI32(B.minus(B["first"], B["before"]));
    Value InBlock =
        B.create<arith::SubIOp>(Rows.Row, B.fill(FirstRow, {At.Tokens}));
    Value Gradient =
        B.gather(B["gradients"], InBlock, At.Row, {At.Tokens, At.Height}, Some);
    Value X =
        B.gather(B["x"], Rows.Row, At.Column, {At.Tokens, At.Width}, Some);
    return std::pair(countedRows(B, Gradient, Rows.Counts), X);
  };
  B.ifThen(B.less(From, To),
           [&] { addOverTokens(B, B.minus(To, From), /*Twos=*/true, Load); });
}

static void buildPolicyWeightGradient(KernelBody &B) {
  if (B.has("list"))
    return buildPolicyWeightTwos(B);
  Value Count = B.minus(B.smaller(B["end"], B["rows"]), B["first"]);
  auto Load = [&](const GradientBlock &At, Value First, Value Some) {
    Value Gradient =
        B.load(B["gradients"], {B.plus(B["before"], First), At.Row}, {0, 1},
               {At.Tokens, At.Height}, Some);
    Value X = B.load(B["x"], {B.plus(B["first"], First), At.Column}, {0, 1},
                     {At.Tokens, At.Width}, Some);
    return std::pair(B.widened(Gradient), B.widened(X));
  };
  B.ifThen(B.less(B.index(0), Count),
           [&] { addOverTokens(B, Count, /*Twos=*/false, Load); });
}

KernelDeclaration m1::policyWeightGradientKernel() {
  return {"policy_weight_gradient",
          {{"gradients", "[B, V]"},
           {"x", "[T, K]"},
           {"state", "[V, K] f32"},
           {"before", "index"},
           {"first", "index"},
           {"end", "index"},
           {"list?", "[E, bound] i32"},
           {"ranges?", "[R] i32"},
           {"number?", "index"},
           {"rows", "index"}},
          {},
          buildPolicyWeightGradient};
}
