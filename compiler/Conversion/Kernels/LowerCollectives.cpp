//===- LowerCollectives.cpp - exchanges of ranks ---------------------------
//===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Collectives.h"
#include "compiler/Conversion/ProgramLowering.h"

#include <limits>

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

static int64_t columnsOf(Value Rows) {
  return cast<RankedTensorType>(Rows.getType()).getDimSize(1);
}

//===----------------------------------------------------------------------===//
// m1.all_gather
//===----------------------------------------------------------------------===//

/// The memory of an operand of an exchange; null after a diagnostic.
static Value contiguous(Operation *Op, Value X, ProgramLowering &Program) {
  Value Memory = Program.memory(X);
  if (cast<MemRefType>(Memory.getType()).getLayout().isIdentity())
    return Memory;
  Op->emitOpError("expected a contiguous operand, found a strided view");
  return {};
}

static LogicalResult lowerAllGather(AllGatherOp Op, ProgramLowering &Program) {
  Value X = contiguous(Op, Op.getX(), Program);
  if (!X)
    return failure();
  const int64_t Ranks = meshOf(Op).getExtent(Op.getAxis());
  const int64_t Part = columnsOf(Op.getX()), N = columnsOf(Op.getResult());
  const ExprAttr T = plan::rowsOf(X);
  Value Gathered = X;
  if (Ranks > 1) {
    auto Type = cast<MemRefType>(X.getType());
    Gathered = Program.buffer(
        memoryType({kDynamic, Part}, Type.getElementType()), T.times(Ranks));
    Program.exchange("all_gather", Op.getAxisAttr(), T, X, Gathered);
  }
  Program.launch(placeColumnsKernel(),
                 {Program.fewRowBlocks(T),
                  Program.blocksOf(Part, columnBlock(Part)),
                  Program.size(llvm::divideCeil(N, Part))},
                 {{"gathered", Gathered},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}});
  return success();
}

//===----------------------------------------------------------------------===//
// m1.tree_sum
//===----------------------------------------------------------------------===//

/// The number of rows from which a tree sum is distributed: ranks exchange
/// rows, each sums its own, and the sums are gathered. Below, all partial sums
/// are gathered, which is one exchange instead of two and more bytes.
static int64_t firstDistributed(TreeSumOp Op, const Bounds &Limits) {
  constexpr int64_t Never = std::numeric_limits<int64_t>::max();
  const int64_t Ranks = meshOf(Op).getExtent(Op.getAxis());
  const auto Partials = static_cast<int64_t>(Op.getPartials());
  // Each rank receives (P - 1) blocks of M N numbers per row of a block,
  // against (P - 1) of (M + 1) N numbers per P rows.
  const int64_t PerRow =
      (Ranks - 1) * columnsOf(Op.getResult()) * int64_t(sizeof(float));
  const int64_t More = PerRow * (Ranks * Partials - Partials - 1); // times P
  if (More <= 0)
    return Never;
  if (Limits.GatherBytes > Never / Ranks)
    return Never;
  return Limits.GatherBytes * Ranks / More + 1;
}

/// The greatest number of rows that `Rows` can be.
static int64_t most(ExprAttr Rows, const Bounds &Limits) {
  StringRef Symbol = Rows.getSymbol();
  return Rows.evaluate(Symbol.empty() ? 0 : Limits.of(Symbol));
}

static bool mayBeDistributed(TreeSumOp Op, ExprAttr Rows,
                             const Bounds &Limits) {
  return Rows && Rows.getDivide() == 1 &&
         firstDistributed(Op, Limits) <= most(Rows, Limits);
}

int64_t m1::spareRows(Value Result, ExprAttr Rows, const Bounds &Limits) {
  int64_t Spare = 0;
  auto Exchanged = [&](TreeSumOp Op) {
    if (Op && mayBeDistributed(Op, Rows, Limits))
      Spare = std::max(Spare, meshOf(Op).getExtent(Op.getAxis()) - 1);
  };
  Exchanged(Result.getDefiningOp<TreeSumOp>());
  for (Operation *User : Result.getUsers())
    Exchanged(dyn_cast<TreeSumOp>(User));
  return Spare;
}

/// The grid and the constants of sumPartialsKernel().
static SmallVector<ExprAttr> sumGrid(TreeSumOp Op, ExprAttr RowBlocks,
                                     ProgramLowering &Program) {
  const auto Groups = static_cast<int64_t>(Op.getGroups());
  const int64_t Columns = columnsOf(Op.getResult()) / Groups;
  return {RowBlocks, Program.blocksOf(Columns, columnBlock(Columns)),
          Program.size(Groups)};
}
static SmallVector<Named<Attribute>> sumConstants(TreeSumOp Op, int64_t Ranks) {
  const auto Groups = static_cast<int64_t>(Op.getGroups());
  return {{"ranks", Builder(Op.getContext()).getI64IntegerAttr(Ranks)},
          {"groups", Builder(Op.getContext()).getI64IntegerAttr(Groups)}};
}

namespace {
/// Lowers one m1.tree_sum over more than one rank.
class TreeSumLowering {
public:
  TreeSumLowering(TreeSumOp Op, Value X, ProgramLowering &Program)
      : Op(Op), Program(Program), X(X), T(plan::rowsOf(X)),
        Ranks(meshOf(Op).getExtent(Op.getAxis())), N(columnsOf(Op.getResult())),
        K(columnsOf(Op.getX())) {}

  void run() {
    Value Result = Program.allocate(Op.getResult(), T);
    const Bounds &Limits = Program.Shared.Limits;
    const int64_t First = firstDistributed(Op, Limits);
    const int64_t Most = most(T, Limits);
    if (!mayBeDistributed(Op, T, Limits))
      return gather(Result, Most, {});
    if (T.getSymbol().empty() || First <= 1)
      return distribute(Result, {});
    // T = symbol * multiply + add is at least `First` from this value on.
    const int64_t From =
        llvm::divideCeilSigned(First - T.getAdd(), T.getMultiply());
    gather(Result, First - 1, condition(0, From));
    distribute(Result, condition(From, std::numeric_limits<int64_t>::max()));
  }

private:
  plan::ConditionAttr condition(int64_t AtLeast, int64_t Below) {
    if (AtLeast >= Below)
      return {};
    return plan::ConditionAttr::get(Op.getContext(), T.getSymbol(), AtLeast,
                                    Below);
  }
  template <typename StepOp>
  static void onlyIf(plan::ConditionAttr Condition, StepOp Step) {
    if (Condition)
      Step.setConditionAttr(Condition);
  }
  Value rows(Value Memory, int64_t Columns, ExprAttr Rows) {
    return Program.view(Memory, {kDynamic, Columns}, {}, 0, Rows);
  }
  MemRefType floats(int64_t Rows, int64_t Columns) {
    return memoryType({Rows, Columns}, Float32Type::get(Op.getContext()));
  }

  void sum(Value Gathered, Value To, ExprAttr Block, ExprAttr Place,
           ExprAttr Grid, plan::ConditionAttr Condition) {
    onlyIf(Condition,
           Program.launch(sumPartialsKernel(), sumGrid(Op, Grid, Program),
                          {{"gathered", Gathered},
                           {"result", To},
                           {"block", Program.scalar(Block)},
                           {"rows", Program.scalar(T)},
                           {"place", Program.scalar(Place)}},
                          sumConstants(Op, Ranks)));
  }

  /// Every rank sums all rows, of which there are at most `Most`.
  void gather(Value Result, int64_t Most, plan::ConditionAttr Condition) {
    Value All = Program.buffer(floats(Ranks * std::max<int64_t>(Most, 0), K));
    All = rows(All, K, T.times(Ranks));
    onlyIf(Condition,
           Program.exchange("all_gather", Op.getAxisAttr(), T, X, All));
    sum(All, Result, T, Program.size(0), Program.fewRowBlocks(T), Condition);
  }

  /// Rank r sums the rows from r ceil(T / P) on.
  void distribute(Value Result, plan::ConditionAttr Condition) {
    const ExprAttr Block = T.ceilDiv(Ranks), Padded = T.plus(Ranks - 1);
    StringAttr Axis = Op.getAxisAttr();
    Value Own = Program.buffer(floats(kDynamic, K), Padded);
    onlyIf(Condition, Program.exchange("all_to_all", Axis, Block,
                                       padded(Padded, Condition), Own));
    const int64_t Most =
        llvm::divideCeil(most(T, Program.Shared.Limits), Ranks);
    Value Sums = Program.buffer(floats(Most, N));
    sum(Own, rows(Sums, N, Program.size(Most)), Block, Program.coordinate(Axis),
        T.ceilDiv(Ranks * Program.blocks().FewRows), Condition);
    onlyIf(Condition, Program.exchange("all_gather", Axis, Block, Sums,
                                       rows(plan::baseOf(Result), N, Padded)));
  }

  /// The operand with rows for P equal blocks; those beyond T are zeros.
  Value padded(ExprAttr Rows, plan::ConditionAttr Condition) {
    Value All = plan::baseOf(X);
    if (All.getType() != floats(kDynamic, K) ||
        !All.getDefiningOp<plan::BufferOp>() || plan::rowsOf(All) != Rows) {
      All = Program.buffer(floats(kDynamic, K), Rows);
      onlyIf(Condition, Program.copy(X, rows(All, K, T)));
    }
    onlyIf(Condition,
           Program.launch(
               clearRowsKernel(),
               {Program.size(Ranks - 1), Program.blocksOf(K, columnBlock(K))},
               {{"result", All}, {"rows", Program.scalar(T)}}));
    return All;
  }

  TreeSumOp Op;
  ProgramLowering &Program;
  Value X;
  ExprAttr T;
  int64_t Ranks, N, K;
};
} // namespace

static LogicalResult lowerTreeSum(TreeSumOp Op, ProgramLowering &Program) {
  Value X = contiguous(Op, Op.getX(), Program);
  if (!X)
    return failure();
  if (meshOf(Op).getExtent(Op.getAxis()) > 1) {
    TreeSumLowering(Op, X, Program).run();
    return success();
  }
  const ExprAttr T = plan::rowsOf(X);
  Program.launch(sumPartialsKernel(),
                 sumGrid(Op, Program.fewRowBlocks(T), Program),
                 {{"gathered", X},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"block", Program.scalar(T)},
                  {"rows", Program.scalar(T)},
                  {"place", Program.scalar(Program.size(0))}},
                 sumConstants(Op, /*Ranks=*/1));
  return success();
}

void m1::addCollectiveLowerings(MLIRContext *Context) {
  attachLowerings<lowerAllGather, lowerTreeSum>(Context);
}
