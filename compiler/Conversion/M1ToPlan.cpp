//===- M1ToPlan.cpp - functions of m1 ops to programs ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"
#include "compiler/Conversion/Passes.h"
#include "compiler/Conversion/ProgramBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {
#define GEN_PASS_DEF_M1TOPLAN
#include "compiler/Conversion/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The extent of axis 0 that an `m1.dim` attribute names: a symbol, or a symbol
/// plus a number.
static FailureOr<ExprAttr> parseDim(Operation *Op, DictionaryAttr Attributes) {
  auto Named =
      Attributes ? Attributes.getAs<StringAttr>("m1.dim") : StringAttr();
  StringRef Text = Named ? Named.getValue() : StringRef("T");
  auto [Symbol, More] = Text.split('+');
  int64_t Add = 0;
  if (Symbol.empty() || (!More.empty() && More.getAsInteger(10, Add)))
    return Op->emitOpError("expected m1.dim to be a symbol or symbol+number, "
                           "found '")
           << Text << "'";
  return ExprAttr::get(StringAttr::get(Op->getContext(), Symbol), 1, Add, 1);
}

/// Axis 0 of memory is dynamic even where the tensor's is known, so that a
/// kernel does not depend on it.
static MemRefType memoryOf(Type Tensor) {
  auto Type = cast<RankedTensorType>(Tensor);
  SmallVector<int64_t> Shape(Type.getShape());
  if (!Shape.empty())
    Shape[0] = kDynamic;
  return memoryType(Shape, Type.getElementType());
}

/// "T", "B+1", "8": an extent as `m1.dim` writes it.
static std::string nameOf(ExprAttr E) {
  if (E.getSymbol().empty())
    return std::to_string(E.getAdd());
  return E.getSymbol().str() +
         (E.getAdd() ? "+" + std::to_string(E.getAdd()) : "");
}

static Type elementOf(Value V) { return getElementTypeOrSelf(V.getType()); }

/// Kernels compute in f32. f64 is known where a value is moved, widened to it
/// or rounded from it to f32, and in products of two f64, which are summed in
/// it.
static LogicalResult verifyF64(Operation *Op) {
  auto IsF64 = [](Type T) {
    return isa<RankedTensorType>(T) && getElementTypeOrSelf(T).isF64();
  };
  if (llvm::none_of(Op->getOperandTypes(), IsF64) &&
      llvm::none_of(Op->getResultTypes(), IsF64))
    return success();
  if (isa<LoadParameterOp, SplitQKVOp, SplitHeadsOp, MergeHeadsOp,
          SelectLastOp>(Op))
    return success();
  if (!isa<LinearOp, EmbeddingOp, CastOp>(Op))
    return Op->emitOpError("is not known for f64: cast to f32 before it");
  if (auto Linear = dyn_cast<LinearOp>(Op);
      Linear &&
      IsF64(Linear.getX().getType()) != IsF64(Linear.getWeight().getType()))
    return Linear.emitOpError("expected f64 on both sides or on none, found ")
           << Linear.getX().getType() << " and "
           << Linear.getWeight().getType();
  Type Result = getElementTypeOrSelf(Op->getResult(0).getType());
  if (llvm::any_of(Op->getOperandTypes(), IsF64) && !Result.isF64() &&
      !Result.isF32())
    return Op->emitOpError("expected a result of f64 or f32 from f64, found ")
           << Result;
  return success();
}

static bool isElementwise(Operation *Op) {
  return isa<CastOp, SiluOp, SigmoidGateOp, SiluMulOp, ResidualOp, SharedMixOp>(
      Op);
}

namespace {

/// Lowers one function.
class FunctionLowering {
public:
  FunctionLowering(ModuleBuilder &Shared, func::FuncOp Function)
      : Shared(Shared), Function(Function), B(Function) {}

  LogicalResult run();

private:
  /// A linear layer, and elementwise ops after it, that are not launched yet
  /// because one more may join.
  struct Product {
    LinearOp Linear;
    SmallVector<ElementwiseStep> Steps;
  };

  /// What the kernels rely on about an argument's elements.
  struct Checks {
    std::optional<int64_t> Limit;
    bool Unique = false;
    llvm::SmallSetVector<Attribute, 2> Offsets, Consecutive;
    ArrayAttr get(MLIRContext *Context) const;
  };

  LogicalResult lowerOp(Operation *Op);
  LogicalResult lower(EmbeddingOp Op);
  LogicalResult lower(LinearOp Op);
  LogicalResult lower(RMSNormOp Op);
  LogicalResult lower(SelectLastOp Op);
  LogicalResult lower(SplitQKVOp Op);
  LogicalResult lower(RotaryOp Op);
  LogicalResult lower(LightningAttentionOp Op);
  LogicalResult lower(SoftmaxAttentionOp Op);
  LogicalResult lower(RouterOp Op);
  LogicalResult lower(ExpertsOp Op);
  LogicalResult lower(TokenLogProbOp Op);
  LogicalResult lower(HeadLogProbOp Op);
  LogicalResult lower(SampleOp Op);
  LogicalResult lowerElementwise(Operation *Op);
  LogicalResult reshape(Value From, Value To);
  LogicalResult emit(const Product &P, Value Result);
  LogicalResult emitLogProb(Operation *Op, tile::KernelOp Parts,
                            ValueRange Inputs, Value Targets,
                            int64_t Vocabulary, Value Result);

  // What kernels rely on: said of the caller's data, and known of results.
  LogicalResult expectBelow(Operation *Op, StringRef Name, Value V,
                            int64_t Limit);
  LogicalResult expectOffsets(Operation *Op, Value CuSeqlens, ExprAttr Total);
  LogicalResult expectBatch(Operation *Op, ExprAttr T, Value Positions,
                            Value CuSeqlens, Value Slots, int64_t Length);
  LogicalResult expectRows(Operation *Op, StringRef Name, Value V,
                           ExprAttr Expected);
  template <typename AttentionOp> LogicalResult expectHeads(AttentionOp Op);
  /// Those of an argument of the function; null after a diagnostic if `V` is
  /// none.
  Checks *argumentChecks(Operation *Op, StringRef Name, Value V);

  /// True if `V`'s only use is an elementwise op that can take it over.
  static bool mayGrow(Value V);

  Value memory(Value Tensor) { return Memory.lookup(Tensor); }
  Value memory(Value Tensor, ExprAttr Rows); // the result's, made now
  Value buffer(MemRefType Type, ExprAttr Rows = {});
  Value global(plan::GlobalOp Global) {
    return B.create<plan::GlobalRefOp>(Loc, Global.getType(),
                                       Global.getSymName());
  }
  Value scalar(ExprAttr E) {
    return B.create<plan::ScalarOp>(Loc, B.getIndexType(), E);
  }
  /// The extent of axis 0, also of a product that waits.
  ExprAttr rows(Value Tensor) {
    if (auto It = Pending.find(Tensor); It != Pending.end())
      return rows(It->second.Linear.getX());
    return plan::rowsOf(memory(Tensor));
  }
  ExprAttr number(int64_t N) { return ExprAttr::constant(B.getContext(), N); }
  /// ceil(E / Divide), for a size that is not divided yet.
  ExprAttr blocks(ExprAttr E, int64_t Divide) {
    return ExprAttr::get(E.getSymbol(), E.getMultiply(), E.getAdd(), Divide);
  }
  ExprAttr fewRows(Value Tensor) {
    return blocks(rows(Tensor), Shared.Kernels.Blocks.FewRows);
  }
  ExprAttr productRows(Value Tensor) {
    return blocks(rows(Tensor), Shared.Kernels.Blocks.Rows);
  }
  ExprAttr groups(int64_t Panels) {
    return number(
        llvm::divideCeil(Panels, Shared.Kernels.Blocks.PanelsPerCell));
  }

  ModuleBuilder &Shared;
  func::FuncOp Function;
  OpBuilder B;
  Location Loc = Function.getLoc();
  DenseMap<Value, Value> Memory;
  DenseMap<Value, Product> Pending;
  DenseMap<Value, Value>
      Outputs; // returned values not computed yet, to the caller's memory
  DenseMap<Value, StringAttr> State;  // state values to the name of their state
  SmallVector<Checks> ArgumentChecks; // by number
};

} // namespace

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

LogicalResult FunctionLowering::run() {
  if (!Function.getBody().hasOneBlock())
    return Function.emitOpError("expected one block");
  SmallVector<Type> Types;
  SmallVector<Attribute> Attributes;
  auto Add = [&](Type T, DictionaryAttr Given, StringRef Kind, unsigned Number,
                 bool Output) -> LogicalResult {
    auto Tensor = dyn_cast<RankedTensorType>(T);
    if (!Tensor ||
        (Tensor.getRank() > 0 &&
         llvm::is_contained(Tensor.getShape().drop_front(), kDynamic)))
      return Function.emitOpError("expected ranked tensors with at most axis 0 "
                                  "dynamic as arguments and results, found ")
             << T;
    NamedAttrList List;
    auto Name = Given ? Given.getAs<StringAttr>("m1.name") : StringAttr();
    List.set("plan.name", Name ? Name : B.getStringAttr(Kind + Twine(Number)));
    if (Tensor.getRank() > 0) {
      FailureOr<ExprAttr> Rows = number(Tensor.getDimSize(0));
      if (Tensor.isDynamicDim(0))
        Rows = parseDim(Function, Given);
      if (failed(Rows))
        return failure();
      List.set("plan.rows", *Rows);
    }
    if (Output)
      List.set("plan.output", B.getUnitAttr());
    Types.push_back(memoryOf(T));
    Attributes.push_back(List.getDictionary(B.getContext()));
    return success();
  };
  for (auto [Number, T] : llvm::enumerate(Function.getArgumentTypes()))
    if (failed(Add(T, Function.getArgAttrDict(Number), "arg", Number, false)))
      return failure();
  for (auto [Number, T] : llvm::enumerate(Function.getResultTypes()))
    if (failed(
            Add(T, Function.getResultAttrDict(Number), "result", Number, true)))
      return failure();

  auto Program =
      B.create<plan::ProgramOp>(Loc, Function.getSymNameAttr(),
                                TypeAttr::get(B.getFunctionType(Types, {})),
                                B.getArrayAttr(Attributes), ArrayAttr());
  auto *Entry = new Block();
  Program.getBody().push_back(Entry);
  for (Type T : Types)
    Entry->addArgument(T, Loc);
  B.setInsertionPointToStart(Entry);
  for (BlockArgument Argument : Function.getArguments())
    Memory[Argument] = Entry->getArgument(Argument.getArgNumber());
  ArgumentChecks.resize(Function.getNumArguments());
  auto Return =
      cast<func::ReturnOp>(Function.getBody().front().getTerminator());
  auto OutputOf = [&](unsigned Number) {
    return Entry->getArgument(Function.getNumArguments() + Number);
  };
  for (auto [Number, V] : llvm::enumerate(Return.getOperands()))
    Outputs.try_emplace(V, OutputOf(Number));

  for (Operation &Op : Function.getBody().front().without_terminator()) {
    Loc = Op.getLoc();
    if (failed(lowerOp(&Op)))
      return failure();
  }
  // Whatever was not computed in its output's place is copied there.
  Loc = Return.getLoc();
  for (auto [Number, V] : llvm::enumerate(Return.getOperands())) {
    Value From = memory(V), To = OutputOf(Number);
    if (From == To)
      continue;
    if (failed(expectRows(Return, ("result " + Twine(Number)).str(), V,
                          plan::rowsOf(To))))
      return failure();
    if (From.getType() != To.getType())
      return Return.emitOpError("cannot copy result ")
             << Number << " of type " << V.getType()
             << ", a part of each row of another value: return it from the op "
                "that computes it";
    B.create<plan::CopyOp>(Loc, From, To);
  }
  B.create<plan::ReturnOp>(Loc);
  for (auto [Number, Given] : llvm::enumerate(ArgumentChecks))
    if (ArrayAttr List = Given.get(B.getContext()); !List.empty())
      Program.setArgAttr(Number, "plan.checks", List);
  return success();
}

Value FunctionLowering::buffer(MemRefType Type, ExprAttr Rows) {
  return B.create<plan::BufferOp>(Loc, Type, Rows, IntegerAttr());
}

Value FunctionLowering::memory(Value Tensor, ExprAttr Rows) {
  if (auto It = Outputs.find(Tensor); It != Outputs.end()) {
    if (plan::rowsOf(It->second) == Rows)
      return Memory[Tensor] = It->second;
  }
  MemRefType Type = memoryOf(Tensor.getType());
  return Memory[Tensor] =
             buffer(Type, Type.isDynamicDim(0) ? Rows : ExprAttr());
}

LogicalResult FunctionLowering::lowerOp(Operation *Op) {
  if (failed(verifyF64(Op)))
    return failure();
  if (isElementwise(Op))
    return lowerElementwise(Op);
  return llvm::TypeSwitch<Operation *, LogicalResult>(Op)
      .Case<EmbeddingOp, LinearOp, RMSNormOp, SelectLastOp, SplitQKVOp,
            RotaryOp, LightningAttentionOp, SoftmaxAttentionOp, RouterOp,
            ExpertsOp, TokenLogProbOp, HeadLogProbOp, SampleOp>(
          [&](auto Known) { return lower(Known); })
      .Case<SplitHeadsOp, MergeHeadsOp>([&](auto Known) {
        return reshape(Known.getOperand(), Known.getResult());
      })
      .Case([&](LoadParameterOp) { return success(); }) // read by its users
      .Case([&](ReadStateOp Read) {
        State[Read.getResult()] = Read.getStateAttr().getAttr();
        return success();
      })
      .Case([&](WriteStateOp Write) -> LogicalResult {
        // The update happened in place: the state must come back to itself.
        if (State.lookup(Write.getValue()) != Write.getStateAttr().getAttr())
          return Write.emitOpError("expected a successor of ")
                 << Write.getStateAttr() << ", found one of another state";
        return success();
      })
      .Default([](Operation *Unknown) {
        return Unknown->emitOpError("has no lowering to a plan");
      });
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

ArrayAttr FunctionLowering::Checks::get(MLIRContext *Context) const {
  SmallVector<Attribute> List;
  if (Limit)
    List.push_back(plan::BelowAttr::get(Context, *Limit));
  if (Unique)
    List.push_back(plan::UniqueAttr::get(Context));
  llvm::append_range(List, Offsets);
  llvm::append_range(List, Consecutive);
  return ArrayAttr::get(Context, List);
}

FunctionLowering::Checks *
FunctionLowering::argumentChecks(Operation *Op, StringRef Name, Value V) {
  if (auto Argument = dyn_cast<BlockArgument>(V))
    return &ArgumentChecks[Argument.getArgNumber()];
  Op->emitOpError("expected ")
      << Name << " to be an argument of the function, found a result of "
      << V.getDefiningOp()->getName();
  return nullptr;
}

/// One more than the greatest number that an op can give as `V`.
static std::optional<int64_t> limitOf(Value V) {
  auto LastExtent = [](Value Of) {
    return cast<RankedTensorType>(Of.getType()).getShape().back();
  };
  if (auto Router = V.getDefiningOp<RouterOp>())
    return cast<RankedTensorType>(Router.getWeight().getType()).getDimSize(0);
  if (auto Sample = V.getDefiningOp<SampleOp>())
    return LastExtent(Sample.getLogits());
  return std::nullopt;
}

LogicalResult FunctionLowering::expectBelow(Operation *Op, StringRef Name,
                                            Value V, int64_t Limit) {
  if (std::optional<int64_t> Known = limitOf(V)) {
    if (*Known <= Limit)
      return success();
    return Op->emitOpError("expected ")
           << Name << " below " << Limit << ", found a result of "
           << V.getDefiningOp()->getName() << " that is below " << *Known;
  }
  Checks *Given = argumentChecks(Op, Name, V);
  if (!Given)
    return failure();
  Given->Limit = std::min(Given->Limit.value_or(Limit), Limit);
  return success();
}

LogicalResult FunctionLowering::expectOffsets(Operation *Op, Value CuSeqlens,
                                              ExprAttr Total) {
  Checks *Given = argumentChecks(Op, "cu_seqlens", CuSeqlens);
  if (!Given)
    return failure();
  Given->Offsets.insert(plan::OffsetsAttr::get(B.getContext(), Total));
  return success();
}

/// The batch of an attention op over T tokens at positions below `Length`.
LogicalResult FunctionLowering::expectBatch(Operation *Op, ExprAttr T,
                                            Value Positions, Value CuSeqlens,
                                            Value Slots, int64_t Length) {
  ExprAttr Sequences = rows(Slots);
  Checks *SlotChecks = argumentChecks(Op, "slots", Slots);
  Checks *PositionChecks = argumentChecks(Op, "positions", Positions);
  if (!SlotChecks || !PositionChecks ||
      failed(expectRows(Op, "positions", Positions, T)) ||
      failed(expectRows(Op, "cu_seqlens", CuSeqlens,
                        ExprAttr::get(Sequences.getSymbol(),
                                      Sequences.getMultiply(),
                                      Sequences.getAdd() + 1, 1))) ||
      failed(expectOffsets(Op, CuSeqlens, T)) ||
      failed(expectBelow(Op, "slots", Slots, Shared.Limits.Slots)) ||
      failed(expectBelow(Op, "positions", Positions, Length)))
    return failure();
  SlotChecks->Unique = true;
  PositionChecks->Consecutive.insert(plan::ConsecutiveAttr::get(
      B.getContext(), cast<BlockArgument>(CuSeqlens).getArgNumber()));
  return success();
}

LogicalResult FunctionLowering::expectRows(Operation *Op, StringRef Name,
                                           Value V, ExprAttr Expected) {
  ExprAttr Found = rows(V);
  if (Found == Expected)
    return success();
  return Op->emitOpError("expected ") << Name << " with " << nameOf(Expected)
                                      << " rows, found " << nameOf(Found);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult FunctionLowering::lower(EmbeddingOp Op) {
  if (failed(expectBelow(
          Op, "tokens", Op.getTokens(),
          cast<RankedTensorType>(Op.getTable().getType()).getDimSize(0))))
    return failure();
  Value Table = Shared.raw(B, Op.getTable(), Op);
  if (!Table)
    return failure();
  ExprAttr T = rows(Op.getTokens());
  Value Result = memory(Op.getResult(), T);
  launch(B, Loc,
         embeddingKernel(Shared.Kernels, cast<MemRefType>(Table.getType()),
                         elementOf(Result)),
         {fewRows(Op.getTokens())},
         {memory(Op.getTokens()), Table, Result, scalar(T)}, {2});
  return success();
}

LogicalResult FunctionLowering::lower(RMSNormOp Op) {
  Value Weight = Shared.raw(B, Op.getWeight(), Op);
  if (!Weight)
    return failure();
  ExprAttr T = rows(Op.getX());
  Value Result = memory(Op.getResult(), T);
  launch(B, Loc, rmsNormKernel(Shared.Kernels, Op), {fewRows(Op.getX())},
         {memory(Op.getX()), Weight, Result, scalar(T)}, {2});
  return success();
}

LogicalResult FunctionLowering::lower(SelectLastOp Op) {
  ExprAttr Bounds = rows(Op.getCuSeqlens()); // B + 1
  ExprAttr Sequences = ExprAttr::get(Bounds.getSymbol(), Bounds.getMultiply(),
                                     Bounds.getAdd() - 1, 1);
  Value X = memory(Op.getX());
  if (failed(expectOffsets(Op, Op.getCuSeqlens(), plan::rowsOf(X))))
    return failure();
  Value Result = memory(Op.getResult(), Sequences);
  launch(B, Loc,
         selectLastKernel(Shared.Kernels, cast<MemRefType>(X.getType())),
         {Sequences}, {X, memory(Op.getCuSeqlens()), Result}, {2});
  return success();
}

LogicalResult FunctionLowering::reshape(Value From, Value To) {
  if (!cast<MemRefType>(memory(From).getType()).getLayout().isIdentity())
    return To.getDefiningOp()->emitOpError(
        "cannot reshape a part of each row of another value");
  Memory[To] = view(B, Loc, memory(From), memoryOf(To.getType()).getShape());
  return success();
}

//===----------------------------------------------------------------------===//
// Products and what follows them
//===----------------------------------------------------------------------===//

bool FunctionLowering::mayGrow(Value V) {
  return V.hasOneUse() && isElementwise(*V.getUsers().begin()) &&
         cast<RankedTensorType>(V.getType()).getRank() == 2 &&
         !isColumn(*V.getUsers().begin(),
                   V.getUses().begin()->getOperandNumber());
}

LogicalResult FunctionLowering::lower(LinearOp Op) {
  Product P{Op, {}};
  if (elementOf(Op.getResult()).isF32() && mayGrow(Op.getResult())) {
    Pending[Op.getResult()] = P;
    return success();
  }
  return emit(P, Op.getResult());
}

LogicalResult FunctionLowering::emit(const Product &P, Value Result) {
  LinearOp Linear = P.Linear;
  Value X = memory(Linear.getX());
  plan::GlobalOp Weight = Shared.packed(Linear.getWeight(), elementOf(X),
                                        Shared.Kernels.Blocks.Panel, Linear);
  if (!Weight)
    return failure();
  ExprAttr T = plan::rowsOf(X);
  SmallVector<Value> Operands{X, global(Weight)};
  for (const ElementwiseStep &Step : P.Steps)
    for (auto [Number, Operand] : llvm::enumerate(Step.Op->getOperands()))
      if (Number != Step.Chained)
        Operands.push_back(memory(Operand));
  Operands.append({memory(Result, T), scalar(T)});
  int64_t N =
      cast<RankedTensorType>(Linear.getWeight().getType()).getDimSize(0);
  auto WType = cast<MemRefType>(Weight.getType());
  launch(B, Loc,
         linearKernel(Shared.Kernels, cast<MemRefType>(X.getType()), WType, N,
                      P.Steps, elementOf(Result)),
         {productRows(Linear.getX()), groups(WType.getDimSize(0))}, Operands,
         {static_cast<unsigned>(Operands.size() - 2)});
  return success();
}

LogicalResult FunctionLowering::lowerElementwise(Operation *Op) {
  Value Result = Op->getResult(0);
  ExprAttr T = rows(Op->getOperand(0));
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands()))
    if (failed(expectRows(Op, ("operand " + Twine(Number)).str(), Operand, T)))
      return failure();
  // The first operand that waits takes this op along; others are computed now.
  std::optional<Product> Joined;
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands())) {
    auto It = Pending.find(Operand);
    if (It == Pending.end())
      continue;
    Product P = It->second;
    Pending.erase(It);
    if (!Joined) {
      Joined = P;
      Joined->Steps.push_back({Op, static_cast<unsigned>(Number)});
    } else if (failed(emit(P, Operand))) {
      return failure();
    }
  }
  if (Joined) {
    if (mayGrow(Result)) {
      Pending[Result] = *Joined;
      return success();
    }
    return emit(*Joined, Result);
  }

  // On its own: rows of everything but axis 0, which must lie without gaps.
  auto Type = cast<RankedTensorType>(Result.getType());
  int64_t Width = 1;
  for (int64_t Extent : Type.getShape().drop_front())
    Width *= Extent;
  SmallVector<Value> Operands;
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands())) {
    Value M = memory(Operand);
    if (!cast<MemRefType>(M.getType()).getLayout().isIdentity())
      return Op->emitOpError("cannot read an operand that is a part of each "
                             "row of another value");
    Operands.push_back(
        view(B, Loc, M, {kDynamic, isColumn(Op, Number) ? 1 : Width}));
  }
  Value To = memory(Result, T);
  Operands.push_back(view(B, Loc, To, {kDynamic, Width}));
  Operands.push_back(scalar(T));
  launch(B, Loc, elementwiseKernel(Shared.Kernels, Op, Width),
         {fewRows(Op->getOperand(0))}, Operands,
         {static_cast<unsigned>(Operands.size() - 2)});
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// q, k and v have the same tokens.
template <typename AttentionOp>
LogicalResult FunctionLowering::expectHeads(AttentionOp Op) {
  ExprAttr T = rows(Op.getQ());
  return success(succeeded(expectRows(Op, "k", Op.getK(), T)) &&
                 succeeded(expectRows(Op, "v", Op.getV(), T)));
}

LogicalResult FunctionLowering::lower(SplitQKVOp Op) {
  auto Type = cast<RankedTensorType>(Op.getQ().getType());
  int64_t H = Type.getDimSize(1), D = Type.getDimSize(2);
  for (auto [Number, Part] : llvm::enumerate(Op.getResults()))
    Memory[Part] = view(B, Loc, memory(Op.getOperand()), {kDynamic, H, D},
                        {3 * H * D, 3 * D, 1}, Number * D);
  return success();
}

LogicalResult FunctionLowering::lower(RotaryOp Op) {
  Value X = memory(Op.getX());
  ExprAttr T = plan::rowsOf(X);
  if (failed(expectRows(Op, "positions", Op.getPositions(), T)))
    return failure();
  auto Type = cast<MemRefType>(X.getType());
  Value Result = memory(Op.getResult(), T);
  launch(B, Loc, rotaryKernel(Shared.Kernels, Op, Type),
         {fewRows(Op.getX()), number(Type.getDimSize(1))},
         {X, memory(Op.getPositions()), Result, scalar(T)}, {2});
  return success();
}

LogicalResult FunctionLowering::lower(LightningAttentionOp Op) {
  // The state is of one size however long a sequence is.
  if (failed(expectHeads(Op)) ||
      failed(expectBatch(Op, rows(Op.getQ()), Op.getPositions(),
                         Op.getCuSeqlens(), Op.getSlots(),
                         int64_t(INT32_MAX) + 1)))
    return failure();
  StringAttr Name = State.lookup(Op.getState());
  State[Op.getNewState()] = Name;
  auto Type = cast<LightningStateType>(Op.getState().getType());
  const int64_t Parts =
      lightningParts(Shared.Kernels.Blocks, Type.getHeadDim());
  LightningMemory M = lightningMemory(Type, Shared.Limits.Slots, Parts);
  auto Keep = [&](StringRef Part, MemRefType T) {
    return global(Shared.state((Name.getValue() + "." + Part).str(), T));
  };
  SmallVector<Value> Operands{memory(Op.getQ()),        memory(Op.getK()),
                              memory(Op.getV()),        Keep("keys", M.Keys),
                              Keep("values", M.Values), Keep("state", M.State)};
  SmallVector<unsigned> Written{3, 4, 5};
  if (M.Image) {
    Written.push_back(Operands.size());
    Operands.push_back(Keep("image", M.Image));
  }
  Value Result = memory(Op.getResult(), rows(Op.getQ()));
  Operands.append({global(Shared.constant(Op.getSlopes())),
                   memory(Op.getPositions()), memory(Op.getCuSeqlens()),
                   memory(Op.getSlots()), Result});
  Written.push_back(Operands.size() - 1);
  launch(B, Loc,
         lightningKernel(Shared.Kernels, Type,
                         {cast<MemRefType>(Operands[0].getType()),
                          cast<MemRefType>(Operands[1].getType()),
                          cast<MemRefType>(Operands[2].getType())},
                         M, elementOf(Result)),
         {rows(Op.getSlots()), number(Type.getHeads()), number(Parts)},
         Operands, Written);
  return success();
}

LogicalResult FunctionLowering::lower(SoftmaxAttentionOp Op) {
  if (failed(expectHeads(Op)) ||
      failed(expectBatch(Op, rows(Op.getQ()), Op.getPositions(),
                         Op.getCuSeqlens(), Op.getSlots(),
                         Shared.Limits.Length)))
    return failure();
  const int64_t KeyRows = Shared.Kernels.Blocks.KeyRows;
  const int64_t QueryRows = Shared.Kernels.Blocks.QueryRows;
  StringAttr Name = State.lookup(Op.getCache());
  State[Op.getNewCache()] = Name;
  auto Type = cast<KVCacheType>(Op.getCache().getType());
  CacheMemory M =
      cacheMemory(Type, Shared.Limits.Slots, Shared.Limits.Length, KeyRows);
  auto Keep = [&](StringRef Part, MemRefType T) {
    return global(Shared.state((Name.getValue() + "." + Part).str(), T));
  };
  Value Keys = Keep("keys", M.Keys), Values = Keep("values", M.Values);
  Value Q = memory(Op.getQ()), K = memory(Op.getK()), V = memory(Op.getV());
  Value Positions = memory(Op.getPositions());
  Value CuSeqlens = memory(Op.getCuSeqlens()), Slots = memory(Op.getSlots());
  ExprAttr T = rows(Op.getQ()), Sequences = rows(Op.getSlots());

  // T new tokens can touch one key block more than they would fill.
  ExprAttr KeyBlocks = ExprAttr::get(T.getSymbol(), T.getMultiply(),
                                     T.getAdd() + KeyRows, KeyRows);
  launch(B, Loc,
         appendKernel(Shared.Kernels, cast<MemRefType>(K.getType()),
                      cast<MemRefType>(V.getType()), M),
         {Sequences, number(Type.getHeads()), KeyBlocks},
         {K, V, Keys, Values, Positions, CuSeqlens, Slots}, {2, 3});
  Value Result = memory(Op.getResult(), T);
  auto QType = cast<MemRefType>(Q.getType());
  const double Scale = Op.getScale().convertToDouble();
  const int64_t Heads = QType.getDimSize(1);
  const int64_t SegmentKeys =
      Shared.Kernels.Blocks.segmentKeys(Shared.Limits.Length);
  launch(B, Loc,
         softmaxKernel(Shared.Kernels, QType, M, Scale, SegmentKeys,
                       elementOf(Result)),
         {Sequences, number(Heads), blocks(T, QueryRows)},
         {Q, Keys, Values, Positions, CuSeqlens, Slots, Result}, {6});
  if (!SegmentKeys)
    return success();
  SegmentMemory Parts = segmentMemory(SegmentKeys, Shared.Limits.Length, Heads,
                                      QType.getDimSize(2), B.getContext());
  Value Sums = buffer(Parts.O, Sequences);
  Value Maxima = buffer(Parts.Max, Sequences);
  Value Powers = buffer(Parts.Max, Sequences);
  launch(B, Loc, softmaxSplitKernel(Shared.Kernels, QType, M, Scale, Parts),
         {Sequences,
          number(Type.getHeads() * softmaxHeadBlocks(Shared.Kernels.Blocks,
                                                     Heads, Type.getHeads())),
          number(Parts.Cells)},
         {Q, Keys, Values, Positions, CuSeqlens, Slots, Sums, Maxima, Powers},
         {6, 7, 8});
  launch(B, Loc, softmaxJoinKernel(Shared.Kernels, Parts, elementOf(Result)),
         {Sequences, number(Heads), number(1)},
         {Sums, Maxima, Powers, Positions, CuSeqlens, Slots, Result}, {6});
  return success();
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

LogicalResult FunctionLowering::lower(RouterOp Op) {
  auto WType = cast<RankedTensorType>(Op.getWeight().getType());
  int64_t E = WType.getDimSize(0);
  // All experts in one panel, of whole vectors.
  Value X = memory(Op.getX());
  plan::GlobalOp Weight =
      Shared.packed(Op.getWeight(), elementOf(X), llvm::alignTo(E, 16), Op);
  if (!Weight)
    return failure();
  ExprAttr T = plan::rowsOf(X);
  int64_t K = cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  Value Experts = memory(Op.getExperts(), T);
  Value Weights = memory(Op.getWeights(), T);
  launch(B, Loc,
         routerKernel(Shared.Kernels, cast<MemRefType>(X.getType()),
                      cast<MemRefType>(Weight.getType()), E, K),
         {fewRows(Op.getX())}, {X, global(Weight), Experts, Weights, scalar(T)},
         {2, 3});
  return success();
}

LogicalResult FunctionLowering::lower(ExpertsOp Op) {
  const int64_t Panel = Shared.Kernels.Blocks.Panel;
  Value X = memory(Op.getX());
  plan::GlobalOp W1 = Shared.packed(Op.getW1(), elementOf(X), Panel, Op);
  plan::GlobalOp W3 = Shared.packed(Op.getW3(), elementOf(X), Panel, Op);
  plan::GlobalOp W2 = Shared.packed(Op.getW2(), elementOf(X), Panel, Op);
  if (!W1 || !W3 || !W2)
    return failure();
  ExprAttr T = plan::rowsOf(X);
  auto Shape = cast<RankedTensorType>(Op.getW1().getType()).getShape();
  const int64_t E = Shape[0], F = Shape[1], D = Shape[2];
  const int64_t K =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  Type I32 = B.getI32Type(), F32 = B.getF32Type();
  if (failed(expectRows(Op, "experts", Op.getExperts(), T)) ||
      failed(expectRows(Op, "weights", Op.getWeights(), T)) ||
      failed(expectBelow(Op, "experts", Op.getExperts(), E)))
    return failure();
  // A router's are distinct.
  if (auto Argument = dyn_cast<BlockArgument>(Op.getExperts()))
    ArgumentChecks[Argument.getArgNumber()].Unique = true;

  // Which pairs each expert computes.
  MemRefType Lists =
      memoryType({E, T.evaluate(Shared.Limits.of(T.getSymbol()))}, I32);
  Value List = buffer(Lists), Count = buffer(memoryType({E}, I32));
  launch(B, Loc, routeKernel(Shared.Kernels, Lists, K), {number(E)},
         {memory(Op.getExperts()), List, Count, scalar(T)}, {1, 2});

  // Hidden rows and outputs, one for each pair.
  ExprAttr Pairs =
      ExprAttr::get(T.getSymbol(), T.getMultiply() * K, T.getAdd() * K, 1);
  MemRefType HiddenType = memoryType({kDynamic, F}, elementOf(Op.getX()));
  Value Hidden = buffer(HiddenType, Pairs);
  auto W1Type = cast<MemRefType>(W1.getType());
  launch(B, Loc,
         expertsUpKernel(Shared.Kernels, cast<MemRefType>(X.getType()), W1Type,
                         Lists, F, K, HiddenType.getElementType()),
         {productRows(Op.getX()), groups(W1Type.getDimSize(1)), number(E)},
         {X, global(W1), global(W3), List, Count, Hidden}, {5});
  Value Out = buffer(memoryType({kDynamic, D}, F32), Pairs);
  auto W2Type = cast<MemRefType>(W2.getType());
  launch(B, Loc,
         expertsDownKernel(Shared.Kernels, HiddenType, W2Type, Lists, D),
         {productRows(Op.getX()), groups(W2Type.getDimSize(1)), number(E)},
         {Hidden, global(W2), List, Count, Out}, {4});

  // Each token's sum, in the order of its choices.
  Value ByToken = view(B, Loc, Out, {kDynamic, K, D}, {}, 0, T);
  Value Result = memory(Op.getResult(), T);
  launch(B, Loc, combineKernel(Shared.Kernels, K, D, elementOf(Result)),
         {fewRows(Op.getX())},
         {ByToken, memory(Op.getWeights()), Result, scalar(T)}, {2});
  return success();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

LogicalResult FunctionLowering::emitLogProb(Operation *Op, tile::KernelOp Parts,
                                            ValueRange Inputs, Value Targets,
                                            int64_t Vocabulary, Value Result) {
  const int64_t Groups = vocabularyGroups(Shared.Kernels.Blocks, Vocabulary);
  ExprAttr T = plan::rowsOf(Inputs.front());
  if (failed(expectRows(Op, "targets", Targets, T)) ||
      failed(expectBelow(Op, "targets", Targets, Vocabulary)))
    return failure();
  SmallVector<Value> Operands(Inputs);
  Operands.push_back(memory(Targets));
  const unsigned First = Operands.size();
  for (int I = 0; I < 3; ++I)
    Operands.push_back(
        buffer(memoryType({kDynamic, Groups}, B.getF32Type()), T));
  Operands.push_back(scalar(T));
  launch(B, Loc, Parts, {productRows(Targets), number(Groups)}, Operands,
         {First, First + 1, First + 2});
  launch(B, Loc, logProbKernel(Shared.Kernels, Groups), {fewRows(Targets)},
         {Operands[First], Operands[First + 1], Operands[First + 2],
          memory(Result, T), Operands.back()},
         {3});
  return success();
}

LogicalResult FunctionLowering::lower(TokenLogProbOp Op) {
  auto Type = cast<RankedTensorType>(Op.getLogits().getType());
  if (!Type.getElementType().isF32())
    return Op.emitOpError("is only known for logits of f32, found ") << Type;
  int64_t V = Type.getDimSize(1);
  return emitLogProb(Op, logitsPartsKernel(Shared.Kernels, V),
                     memory(Op.getLogits()), Op.getTargets(), V,
                     Op.getResult());
}

LogicalResult FunctionLowering::lower(HeadLogProbOp Op) {
  Value X = memory(Op.getX());
  plan::GlobalOp Weight = Shared.packed(Op.getWeight(), elementOf(X),
                                        Shared.Kernels.Blocks.Panel, Op);
  if (!Weight)
    return failure();
  int64_t V = cast<RankedTensorType>(Op.getWeight().getType()).getDimSize(0);
  return emitLogProb(Op,
                     headPartsKernel(Shared.Kernels,
                                     cast<MemRefType>(X.getType()),
                                     cast<MemRefType>(Weight.getType()), V),
                     {X, global(Weight)}, Op.getTargets(), V, Op.getResult());
}

LogicalResult FunctionLowering::lower(SampleOp Op) {
  ExprAttr Rows = rows(Op.getLogits());
  for (auto [Number, Operand] : llvm::enumerate(Op.getOperands()))
    if (failed(
            expectRows(Op, ("operand " + Twine(Number)).str(), Operand, Rows)))
      return failure();
  const int64_t V =
      cast<RankedTensorType>(Op.getLogits().getType()).getDimSize(1);
  if (V == 0)
    return Op.emitOpError("expected a vocabulary to draw from, found none");
  Value Result = memory(Op.getResult(), Rows);
  auto Output = dyn_cast<BlockArgument>(Result);
  if (!Output)
    return Op.emitOpError("expected its result to be returned: the caller "
                          "learns from it of a damaged logit");
  cast<plan::ProgramOp>(Output.getOwner()->getParentOp())
      .setArgAttr(Output.getArgNumber(), "plan.drawn", B.getUnitAttr());
  KernelCache &Kernels = Shared.Kernels;
  const SampleMemory M = sampleMemory(Kernels.Blocks, B.getContext(), V);
  const ExprAttr Groups = number(M.Groups);
  Value Logits = memory(Op.getLogits());
  Value Temperature = memory(Op.getTemperature()), TopP = memory(Op.getTopP());
  Value Maxima = buffer(M.Maxima, Rows), Where = buffer(M.Counts, Rows);
  Value Damaged = buffer(M.Counts, Rows), Masses = buffer(M.Masses, Rows);
  Value Weights = buffer(M.Weights, Rows), Sums = buffer(M.Sums, Rows);
  Value Words = buffer(M.Words, Rows), Numbers = buffer(M.Numbers, Rows);
  launch(B, Loc, sampleMaximaKernel(Kernels, V), {Rows, Groups},
         {Logits, Maxima, Where, Damaged}, {1, 2, 3});
  launch(B, Loc, sampleWeightsKernel(Kernels, V), {Rows, Groups},
         {Logits, Temperature, Maxima, Weights, Masses}, {3, 4});
  launch(B, Loc, sampleBeginKernel(Kernels, V), {Rows},
         {Temperature, TopP, memory(Op.getTopK()), memory(Op.getSeeds()),
          memory(Op.getPositions()), Maxima, Where, Damaged, Masses, Words,
          Numbers, Result},
         {9, 10, 11});
  for (int64_t Round = 0; Round < M.Rounds; ++Round) {
    launch(B, Loc, sampleCountKernel(Kernels, V), {Rows, Groups},
           {Logits, Weights, Words, Sums}, {3});
    launch(B, Loc, sampleNarrowKernel(Kernels, V), {Rows},
           {Temperature, TopP, Sums, Words, Numbers}, {3, 4});
  }
  Value Ties = buffer(M.Counts, Rows);
  launch(B, Loc, sampleTiesKernel(Kernels, V), {Rows, Groups},
         {Logits, Words, Ties}, {2});
  launch(B, Loc, samplePickKernel(Kernels, V), {Rows, Groups},
         {Logits, Words, Ties, Result}, {3});
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct M1ToPlan : m1::impl::M1ToPlanBase<M1ToPlan> {
  using M1ToPlanBase::M1ToPlanBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    Blocking Blocks = gpu ? Blocking::forGpu() : Blocking();
    Blocks.Pairs = pairs;
    ModuleBuilder Shared(Module, {tokens, slots, length}, Blocks);
    SmallVector<func::FuncOp> Functions(Module.getOps<func::FuncOp>());
    for (func::FuncOp Function : Functions) {
      if (Function.getSymName() == "init") {
        Function.emitOpError("the name init is taken by the program that packs "
                             "weights; choose another");
        return signalPassFailure();
      }
      if (failed(FunctionLowering(Shared, Function).run()))
        return signalPassFailure();
      Function.erase();
    }
    Shared.finish();
    for (Operation &Op : llvm::make_early_inc_range(*Module.getBody()))
      if (isa<ParameterOp, StateOp>(Op))
        Op.erase();

    // The bound of each symbol that some size depends on.
    NamedAttrList Symbols;
    Module.walk([&](plan::ProgramOp Program) {
      for (unsigned I = 0; I < Program.getNumArguments(); ++I)
        if (auto Rows = Program.getArgAttrOfType<ExprAttr>(I, "plan.rows");
            Rows && !Rows.getSymbol().empty())
          Symbols.set(Rows.getSymbol(),
                      IntegerAttr::get(IntegerType::get(&getContext(), 64),
                                       Shared.Limits.of(Rows.getSymbol())));
    });
    Module->setAttr(plan::kSymbolsAttr, Symbols.getDictionary(&getContext()));
  }
};

} // namespace
