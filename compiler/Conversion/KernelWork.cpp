//===- KernelWork.cpp - what launches cost --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/KernelWork.h"

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/IR/Sharding.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;
using plan::WorkTerm;

namespace {
/// Describes one launch.
class Work {
public:
  Work(plan::LaunchOp Launch, ArrayRef<Named<Attribute>> Constants)
      : Launch(Launch), Constants(Constants) {
    for (auto [Name, Operand] :
         llvm::zip(Launch.getNames().getAsValueRange<StringAttr>(),
                   Launch.getOperands()))
      Operands[Name] = Operand;
  }

  bool has(StringRef Name) const { return Operands.contains(Name); }
  MemRefType type(StringRef Name) const {
    return cast<MemRefType>(Operands.at(Name).getType());
  }
  /// An operand's static extent.
  double extent(StringRef Name, unsigned Axis) const {
    return static_cast<double>(type(Name).getDimSize(Axis));
  }
  /// Bytes of an element.
  double element(StringRef Name) const {
    return type(Name).getElementTypeBitWidth() / 8.0;
  }
  Value value(StringRef Name) const { return Operands.at(Name); }
  ExprAttr rows(StringRef Name) const {
    return plan::rowsOf(Operands.at(Name));
  }
  /// The size of a scalar operand.
  ExprAttr scalar(StringRef Name) const {
    return Operands.at(Name).getDefiningOp<plan::ScalarOp>().getValue();
  }
  int64_t integer(StringRef Name, int64_t Default = 1) const {
    for (const auto &Constant : Constants)
      if (Constant.Name == Name)
        return cast<IntegerAttr>(Constant.Value).getInt();
    return Default;
  }

  // Terms.

  static WorkTerm times(double Factor, ExprAttr Size, int64_t Most = 0) {
    return {"size", Factor, Size, Most};
  }
  static WorkTerm each(StringRef Quantity, double Factor) {
    return {Quantity, Factor};
  }
  static WorkTerm chosen(double Factor, int64_t Choices, int64_t Of) {
    return {"chosen", Factor, {}, 0, Choices, Of};
  }
  static WorkTerm closed(double Factor, int64_t Of) {
    return {"closed", Factor, {}, 0, 0, Of};
  }

  /// The launch's products have these operations, on elements of `Like`.
  void computes(StringRef Like, const WorkTerm &Operations) {
    Launch->setAttr(plan::kOperationsAttr, list(Operations));
    Launch->setAttr(plan::kOperandAttr,
                    TypeAttr::get(type(Like).getElementType()));
  }
  /// The launch touches these bytes of an operand.
  void touches(StringRef Name, ArrayRef<WorkTerm> Bytes) {
    Touched.set(Name, list(Bytes));
  }
  void finish() {
    if (!Touched.empty())
      Launch->setAttr(plan::kTouchedAttr,
                      Touched.getDictionary(Launch.getContext()));
  }

private:
  ArrayAttr list(ArrayRef<WorkTerm> Terms) {
    return ArrayAttr::get(
        Launch.getContext(),
        llvm::map_to_vector(Terms, [&](const WorkTerm &Term) -> Attribute {
          return Term.attribute(Launch.getContext());
        }));
  }

  plan::LaunchOp Launch;
  ArrayRef<Named<Attribute>> Constants;
  llvm::StringMap<Value> Operands;
  NamedAttrList Touched;
};
} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static void describeLinear(Work &W) {
  // The result has the columns of each partial sum.
  const double N =
      W.extent("result", 1) / static_cast<double>(W.integer("partials"));
  W.computes("x", W.times(2 * W.extent("x", 1) * N, W.rows("result")));
}

static void describeLinearWeightGradient(Work &W) {
  W.computes("x",
             W.times(2 * W.extent("dy", 1) * W.extent("x", 1), W.rows("x")));
}

static void describeHead(Work &W, StringRef Columns) {
  W.computes("x", W.times(2 * W.extent("x", 1) *
                              static_cast<double>(W.integer(Columns)),
                          W.rows("x")));
}

/// The kernels of the training head work on a block of tokens from `first` on.
/// `Block` has a row for each of them, after some `before` them.
static void describePolicy(Work &W, StringRef X, StringRef Block) {
  const ExprAttr Left = W.rows(X).plus(-W.scalar("first").evaluate(0));
  const int64_t Before =
      W.has("before") ? W.scalar("before").evaluate(0) : int64_t(0);
  W.computes(Block == "logits" ? X : Block,
             W.times(2 * W.extent(Block, 1) * W.extent(X, 1), Left,
                     W.rows(Block).evaluate(0) - Before));
}

static void describeRouter(Work &W) {
  W.computes("x", W.times(2 * W.extent("x", 1) *
                              static_cast<double>(W.integer("expert_count")),
                          W.rows("x")));
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// The number of values of a coordinate; 1 for any other symbol.
static int64_t ranksAlong(Operation *Op, StringRef Symbol) {
  if (m1::MeshAttr Mesh = m1::meshOf(Op)) // until the module is converted
    for (auto [Axis, Extent] : llvm::zip(Mesh.getAxes(), Mesh.getExtents()))
      if (plan::MeshAttr::symbolOf(Op->getContext(), Axis) == Symbol)
        return Extent;
  return 1;
}

/// The number of ranks that experts are spread over: the launch that finds the
/// pairs has the rank's first expert.
static int64_t ranksOfExperts(Work &W) {
  for (Operation *User : W.value("pairs").getUsers()) {
    auto Launch = dyn_cast<plan::LaunchOp>(User);
    if (!Launch)
      continue;
    for (auto [Name, Operand] :
         llvm::zip(Launch.getNames().getAsValueRange<StringAttr>(),
                   Launch.getOperands()))
      if (Name == "first_expert")
        if (auto First = Operand.getDefiningOp<plan::ScalarOp>())
          return ranksAlong(Launch, First.getValue().getSymbol());
  }
  return 1;
}

/// The rank's share of pairs, if all choices are equally likely.
static double shareOfPairs(Work &W) {
  return 1.0 / static_cast<double>(ranksOfExperts(W));
}

/// What kernels touch that work on each expert's pairs: `Pairs` is an operand
/// with a row for each, and only chosen experts' parts of `Stacked` are read.
static void describePairs(Work &W, ExprAttr Pairs, int64_t Choices,
                          ArrayRef<StringRef> Stacked) {
  W.touches("pairs", {W.times(4, Pairs)});
  if (Pairs.getSymbol().empty())
    return;
  for (StringRef Name : Stacked) {
    const MemRefType Type = W.type(Name);
    W.touches(
        Name,
        {W.chosen(static_cast<double>(Type.getNumElements()) * W.element(Name),
                  Choices, Type.getDimSize(0) * ranksOfExperts(W))});
  }
}

static void describeRoute(Work &W) {
  const auto K = static_cast<int64_t>(W.extent("experts", 1));
  describePairs(W, W.rows("experts").times(K), K, {});
}

static void describeExpertsUp(Work &W) {
  const ExprAttr Pairs = W.rows("hidden");
  W.computes("x", W.times(4 * W.extent("x", 1) * W.extent("hidden", 1) *
                              shareOfPairs(W),
                          Pairs));
  describePairs(W, Pairs, W.integer("choices"), {"w1", "w3"});
}

static void describeExpertsDown(Work &W) {
  const ExprAttr Pairs = W.rows("hidden");
  const double D =
      W.extent("outputs", 1) / static_cast<double>(W.integer("partials"));
  W.computes("hidden",
             W.times(2 * W.extent("hidden", 1) * D * shareOfPairs(W), Pairs));
  describePairs(W, Pairs, Pairs.getMultiply(), {"w2"});
}

static void describeExpertsHiddenGradient(Work &W) {
  const ExprAttr Pairs = W.rows("hidden");
  // Without w1 and w3 if the forward pass has left their products.
  SmallVector<StringRef> Stacked{"w2"};
  if (W.has("x"))
    Stacked.append({"w1", "w3"});
  W.computes(W.has("x") ? "x" : "dy",
             W.times(2 * static_cast<double>(Stacked.size()) *
                         W.extent("dy", 1) * W.extent("hidden", 1),
                     Pairs));
  describePairs(W, Pairs, W.integer("choices"), Stacked);
}

static void describeExpertsInputGradient(Work &W) {
  const ExprAttr Pairs = W.rows("outputs");
  W.computes("gate_gradient",
             W.times(4 * W.extent("gate_gradient", 1) * W.extent("outputs", 1),
                     Pairs));
  describePairs(W, Pairs, Pairs.getMultiply(), {"w1", "w3"});
}

static void describeExpertsWeightGradient(Work &W) {
  ExprAttr Pairs = W.rows("left");
  const int64_t Choices = W.integer("choices");
  if (W.integer("left_by_pair", 0) == 0)
    Pairs = Pairs.times(Choices);
  W.computes("left",
             W.times(2 * W.extent("left", 1) * W.extent("right", 1), Pairs));
  describePairs(W, Pairs, Choices, {"state"});
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Scores and values over half a chunk on average, q S, and the update of S.
static void describeLightning(Work &W) {
  const double H = W.extent("q", 1), D = W.extent("q", 2);
  const double C = W.extent("values", 2), Parts = W.extent("keys", 2);
  const double Element = W.element("keys");
  const auto Chunk = static_cast<int64_t>(C);
  const ExprAttr B = W.rows("slots");
  W.computes("q", W.times(H * (2 * C * D + 4 * D * D), W.rows("q")));
  // Of a single token: the open chunk, of which half is filled on average, and
  // its own row; and S if the chunk is full then. A call with many tokens reads
  // and writes the open chunk and S once.
  W.touches("keys", {W.times(H * Parts * D * (C + 1) * Element, B)});
  W.touches("values", {W.times(H * D * (C / 2 + 1) * Element, B)});
  W.touches("state", {W.closed(2 * H * D * D * 4, Chunk)});
  if (W.has("image"))
    W.touches("image", {W.times(H * D * D * Element, B),
                        W.closed(H * D * D * Element, Chunk)});
}

static void describeLightningStates(Work &W) {
  const double H = W.extent("q", 1), D = W.extent("q", 2);
  W.computes("q", W.times(4 * H * D * D, W.rows("q")));
}

static void describeLightningGradient(Work &W) {
  const double H = W.extent("q", 1), D = W.extent("q", 2);
  const auto C = static_cast<double>(W.integer("chunk"));
  W.computes("q", W.times(H * (6 * D * D + 5 * C * D), W.rows("q")));
}

/// What a launch reads of a table of blocks: a number for each block of
/// positions.
static void describeBlocks(Work &W, StringRef Quantity) {
  if (W.has("blocks"))
    W.touches("blocks", {W.each(Quantity, 4 / W.extent("values", 2))});
}

/// The bytes of a cache's keys, or values, for one position.
static double cacheRow(Work &W, StringRef Name) {
  return W.extent(Name, 1) * W.extent("values", 3) * W.element(Name);
}

static void describeAppend(Work &W) {
  for (StringRef Name : {"keys", "values"})
    W.touches(Name, {W.times(cacheRow(W, Name), W.rows("k"))});
  if (W.has("blocks"))
    W.touches("blocks", {W.times(4 / W.extent("values", 2), W.rows("k"))});
}

static void describeSoftmax(Work &W) {
  // With segments, another kernel does single tokens.
  const bool IsSplit = W.integer("segment_keys", 0) > 0;
  W.computes("q", W.each(IsSplit ? "other_keys" : "keys",
                         4 * W.extent("q", 1) * W.extent("q", 2)));
  for (StringRef Name : {"keys", "values"})
    W.touches(Name, {W.each(IsSplit ? "other_positions" : "positions",
                            cacheRow(W, Name))});
  describeBlocks(W, IsSplit ? "other_positions" : "positions");
}

/// The parts of segments: as many as single tokens have.
static void describeSegments(Work &W) {
  const double H = W.extent("sums", 1);
  const double Share = 1.0 / static_cast<double>(W.integer("segment_keys"));
  W.touches("sums",
            {W.each("single_positions", 4 * H * W.extent("sums", 3) * Share)});
  for (StringRef Name : {"maxima", "powers"})
    W.touches(Name, {W.each("single_positions", 4 * H * Share)});
}

static void describeSoftmaxSplit(Work &W) {
  W.computes("q",
             W.each("single_keys", 4 * W.extent("q", 1) * W.extent("q", 2)));
  for (StringRef Name : {"keys", "values"})
    W.touches(Name, {W.each("single_positions", cacheRow(W, Name))});
  describeBlocks(W, "single_positions");
  describeSegments(W);
}

static void describeSoftmaxStatistics(Work &W) {
  W.computes("q", W.each("keys", 2 * W.extent("q", 1) * W.extent("q", 2)));
}

static void describeSoftmaxGradient(Work &W) {
  W.computes("q", W.each("keys", 10 * W.extent("q", 1) * W.extent("q", 2)));
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// One row of a table for each token.
static void describeRowsOf(Work &W, StringRef Table, StringRef Tokens) {
  W.touches(Table,
            {W.times(W.extent(Table, 1) * W.element(Table), W.rows(Tokens))});
}

/// With a block, a rank sums the rows of its block only.
static void describeSumPartials(Work &W) {
  const ExprAttr Block = W.scalar("block");
  if (!Block.getSymbol().empty())
    W.touches("result",
              {W.times(W.extent("result", 1) * W.element("result"), Block)});
}

void m1::describeWork(plan::LaunchOp Launch, StringRef Declaration,
                      ArrayRef<Named<Attribute>> Constants) {
  Work W(Launch, Constants);
  using Describe = void (*)(Work &);
  auto Function =
      llvm::StringSwitch<Describe>(Declaration)
          .Case("linear", describeLinear)
          .Case("linear_weight_gradient", describeLinearWeightGradient)
          .Case("head_parts", [](Work &W) { describeHead(W, "vocabulary"); })
          .Case("shard_parts", [](Work &W) { describeHead(W, "columns"); })
          .Case("policy_parts",
                [](Work &W) { describePolicy(W, "x", "logits"); })
          .Case("policy_x_gradient",
                [](Work &W) { describePolicy(W, "x_gradient", "gradients"); })
          .Case("policy_weight_gradient",
                [](Work &W) { describePolicy(W, "x", "gradients"); })
          .Cases("router", "router_balance", describeRouter)
          .Case("route", describeRoute)
          .Case("experts_up", describeExpertsUp)
          .Case("experts_down", describeExpertsDown)
          .Case("experts_hidden_gradient", describeExpertsHiddenGradient)
          .Case("experts_input_gradient", describeExpertsInputGradient)
          .Case("experts_weight_gradient", describeExpertsWeightGradient)
          .Case("lightning", describeLightning)
          .Case("lightning_states", describeLightningStates)
          .Case("lightning_gradient", describeLightningGradient)
          .Case("append", describeAppend)
          .Case("softmax", describeSoftmax)
          .Case("softmax_split", describeSoftmaxSplit)
          .Case("softmax_join", describeSegments)
          .Case("softmax_statistics", describeSoftmaxStatistics)
          .Case("softmax_gradient", describeSoftmaxGradient)
          .Cases("embedding", "embedding_shard",
                 [](Work &W) { describeRowsOf(W, "table", "tokens"); })
          .Case("embedding_gradient",
                [](Work &W) { describeRowsOf(W, "state", "tokens"); })
          .Case("select_last",
                [](Work &W) { describeRowsOf(W, "x", "result"); })
          .Case("sum_partials", describeSumPartials)
          .Default(nullptr);
  if (Function)
    Function(W);
  W.finish();
}
