//===- ProgramLowering.cpp - lowers a function to a program ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/ProgramLowering.h"

#include "compiler/Conversion/Kernels/Collectives.h"

#include "dialects/M1/IR/Attributes.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

#include "compiler/Conversion/PlanLowering.cpp.inc"

static constexpr int64_t kDynamic = ShapedType::kDynamic;

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

/// The extent of axis 0 that `m1.dim` names; T without it.
static ExprAttr extentOf(MLIRContext *Context, DictionaryAttr Attributes) {
  const Dim Of = getDim(Attributes).value_or(Dim{"T"});
  return ExprAttr::get(StringAttr::get(Context, Of.Symbol)).plus(Of.Added);
}

/// The memory of a tensor. Axis 0 is dynamic even where the tensor's is static,
/// so that kernels do not depend on it.
static MemRefType memoryOf(Type Tensor) {
  auto Type = cast<RankedTensorType>(Tensor);
  SmallVector<int64_t> Shape(Type.getShape());
  if (!Shape.empty())
    Shape[0] = kDynamic;
  return memoryType(Shape, Type.getElementType());
}

LogicalResult ProgramLowering::emitSignature() {
  SmallVector<Type> Types;
  SmallVector<Attribute> Attributes;
  auto Add = [&](Type T, DictionaryAttr Given, const Twine &DefaultName,
                 bool Output) -> LogicalResult {
    auto Tensor = dyn_cast<RankedTensorType>(T);
    if (!Tensor ||
        (Tensor.getRank() > 0 &&
         llvm::is_contained(Tensor.getShape().drop_front(), kDynamic)))
      return Function.emitOpError("expected ranked tensors with at most axis 0 "
                                  "dynamic as arguments and results, found ")
             << T;
    if (failed(verifySize([&] { return Function.emitOpError(); }, T)))
      return failure();
    NamedAttrList List;
    StringAttr Name = getName(Given);
    List.set(plan::kNameAttr, Name ? Name : B.getStringAttr(DefaultName));
    if (Tensor.getRank() > 0)
      List.set(plan::kRowsAttr, Tensor.isDynamicDim(0)
                                    ? extentOf(B.getContext(), Given)
                                    : size(Tensor.getDimSize(0)));
    if (Output)
      List.set(plan::kOutputAttr, B.getUnitAttr());
    Types.push_back(memoryOf(T));
    Attributes.push_back(List.getDictionary(B.getContext()));
    return success();
  };
  for (auto [Number, T] : llvm::enumerate(Function.getArgumentTypes()))
    if (failed(Add(T, Function.getArgAttrDict(Number), "arg" + Twine(Number),
                   /*Output=*/false)))
      return failure();
  for (auto [Number, T] : llvm::enumerate(Function.getResultTypes()))
    if (failed(Add(T, Function.getResultAttrDict(Number),
                   "result" + Twine(Number), /*Output=*/true)))
      return failure();

  Program =
      B.create<plan::ProgramOp>(Loc, Function.getSymNameAttr(),
                                TypeAttr::get(B.getFunctionType(Types, {})),
                                B.getArrayAttr(Attributes), ArrayAttr());
  Block &Entry = Program.getBody().emplaceBlock();
  for (Type T : Types)
    Entry.addArgument(T, Loc);
  B.setInsertionPointToStart(&Entry);
  for (BlockArgument Argument : Function.getArguments())
    Memory[Argument] = Entry.getArgument(Argument.getArgNumber());
  return success();
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

LogicalResult ProgramLowering::run() {
  if (!Function.getBody().hasOneBlock())
    return Function.emitOpError("expected one block");
  if (failed(emitSignature()))
    return failure();
  const unsigned Inputs = Function.getNumArguments();
  auto Return =
      dyn_cast<func::ReturnOp>(Function.getBody().front().getTerminator());
  if (!Return)
    return Function.emitOpError("expected a body that ends with func.return, "
                                "found ")
           << Function.getBody().front().getTerminator()->getName();
  for (auto [Number, V] : llvm::enumerate(Return.getOperands()))
    Outputs.try_emplace(V, Program.getArgument(Inputs + Number));

  for (Operation &Op : Function.getBody().front().without_terminator()) {
    Loc = Op.getLoc();
    if (failed(lower(&Op)))
      return failure();
  }
  Loc = Return.getLoc();
  for (auto [Number, V] : llvm::enumerate(Return.getOperands()))
    if (Value To = Program.getArgument(Inputs + Number); memory(V) != To)
      if (failed(copyResult(Return, Number, To)))
        return failure();
  B.create<plan::ReturnOp>(Loc);
  for (unsigned Number = 0; Number < Inputs; ++Number)
    if (ArrayAttr List = Checks.get(Number, B.getContext()))
      Program.setArgAttr(Number, plan::kChecksAttr, List);
  return success();
}

/// Kernels work on blocks, whose extents are known and at least 1, of the rows
/// of a tensor.
static LogicalResult verifyExtents(Operation *Op) {
  SmallVector<Type> Types(Op->getOperandTypes());
  llvm::append_range(Types, Op->getResultTypes());
  for (Type T : Types) {
    auto Tensor = dyn_cast<RankedTensorType>(T);
    if (!Tensor)
      continue;
    if (Tensor.getRank() == 0)
      return Op->emitOpError("expected tensors with an axis 0, found ") << T;
    // A dynamic extent is negative.
    if (llvm::any_of(Tensor.getShape().drop_front(),
                     [](int64_t Extent) { return Extent < 1; }))
      return Op->emitOpError(
                 "expected extents of at least 1 after axis 0, found ")
             << T;
  }
  return success();
}

LogicalResult ProgramLowering::lower(Operation *Op) {
  if (failed(verifyF64(Op)) || failed(verifyExtents(Op)))
    return failure();
  if (auto Known = dyn_cast<PlanLoweringOpInterface>(Op))
    return Known.lowerToPlan(*this);
  return Op->emitOpError("has no lowering to a plan");
}

/// Copies a returned value that was not computed in the caller's memory.
LogicalResult ProgramLowering::copyResult(func::ReturnOp Return,
                                          unsigned Number, Value To) {
  Value V = Return.getOperand(Number), From = memory(V);
  ExprAttr Rows = plan::rowsOf(To);
  if (failed(expectRows(Return, ("result " + Twine(Number)).str(), V, Rows)))
    return failure();
  if (From.getType() != To.getType())
    return Return.emitOpError("cannot copy result ")
           << Number << " of type " << V.getType()
           << ": expected a contiguous value, found a strided view; return it "
              "from the op that computes it";
  B.create<plan::CopyOp>(Loc, From, To);
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value ProgramLowering::allocate(Value Result, ExprAttr Rows) {
  if (const int64_t Spare = spareRows(Result, Rows, Shared.Limits)) {
    MemRefType Type = memoryOf(Result.getType());
    return Memory[Result] = view(buffer(Type, Rows.plus(Spare)),
                                 Type.getShape(), {}, 0, Rows);
  }
  if (auto It = Outputs.find(Result);
      It != Outputs.end() && plan::rowsOf(It->second) == Rows)
    return Memory[Result] = It->second;
  MemRefType Type = memoryOf(Result.getType());
  return Memory[Result] = buffer(Type, Type.getRank() > 0 ? Rows : ExprAttr());
}

Value ProgramLowering::buffer(MemRefType Type, ExprAttr Rows) {
  return B.create<plan::BufferOp>(Loc, Type, Rows, IntegerAttr());
}

Value ProgramLowering::global(plan::GlobalOp Global) {
  return B.create<plan::GlobalRefOp>(Loc, Global.getType(),
                                     Global.getSymName());
}

Value ProgramLowering::view(Value Memory, ArrayRef<int64_t> Shape,
                            ArrayRef<int64_t> Strides, int64_t Offset,
                            ExprAttr Rows, ExprAttr Shift) {
  return m1::view(B, Loc, Memory, Shape, Strides, Offset, Rows, Shift);
}

Value ProgramLowering::packed(Value Weight, Value X, Operation *User,
                              int64_t Leaves, int64_t Panel) {
  plan::GlobalOp Global =
      Shared.packed(Weight, getElementTypeOrSelf(X.getType()),
                    Panel ? Panel : blocks().Panel, Leaves, User);
  return Global ? global(Global) : Value();
}

Value ProgramLowering::packedTransposed(Value Weight, Value X,
                                        Operation *User) {
  return Shared.packedTransposed(B, Weight, getElementTypeOrSelf(X.getType()),
                                 blocks().Panel, User);
}

Value ProgramLowering::scalar(ExprAttr Size) {
  return B.create<plan::ScalarOp>(Loc, B.getIndexType(), Size);
}

Value ProgramLowering::firstElement(ShardAttr Shard) {
  return scalar(firstOf(Shard));
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

StringAttr ProgramLowering::updateState(OpOperand &State) {
  StringAttr Name = States.lookup(State.get());
  auto Update = cast<StateUpdateOpInterface>(State.getOwner());
  States[Update.getUpdatedState(State)] = Name;
  return Name;
}

Value ProgramLowering::updateTensorState(OpOperand &State) {
  return global(Shared.tensorState(updateState(State)));
}

Value ProgramLowering::statePart(StringAttr State, StringRef Part,
                                 MemRefType Type, StringRef Division) {
  return global(
      Shared.state((State.getValue() + "." + Part).str(), Type, Division));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

LogicalResult ProgramLowering::markDrawn(Operation *Op, Value Result) {
  auto Output = dyn_cast<BlockArgument>(Result);
  if (!Output)
    return Op->emitOpError(
        "expected the function to return its result, through which NaN and "
        "infinite logits are reported");
  Program.setArgAttr(Output.getArgNumber(), plan::kDrawnAttr, B.getUnitAttr());
  return success();
}

plan::LaunchOp ProgramLowering::launch(const KernelDeclaration &Kernel,
                                       ArrayRef<ExprAttr> Grid,
                                       ArrayRef<Named<Value>> Operands,
                                       ArrayRef<Named<Attribute>> Constants) {
  return Shared.launch(B, Loc, Kernel, Grid, Operands, Constants);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// "T", "B+1", "8": an extent as `m1.dim` writes it.
static std::string dimOf(ExprAttr E) {
  if (E.getSymbol().empty())
    return std::to_string(E.getAdd());
  return Dim{E.getSymbol(), E.getAdd()}.str();
}

void ProgramLowering::suggestDim(InFlightDiagnostic &Error, Value V,
                                 ExprAttr Expected) {
  auto Argument = dyn_cast<BlockArgument>(V);
  if (!Argument || getDim(Function.getArgAttrDict(Argument.getArgNumber())) ||
      !cast<RankedTensorType>(V.getType()).isDynamicDim(0))
    return;
  Error << "; without m1.dim argument " << Argument.getArgNumber()
        << " has T rows: give it {m1.dim = \"" << dimOf(Expected) << "\"}";
}

LogicalResult ProgramLowering::expectRows(Operation *Op, StringRef Name,
                                          Value V, ExprAttr Expected) {
  ExprAttr Found = rows(V);
  if (Found == Expected)
    return success();
  InFlightDiagnostic Error = Op->emitOpError("expected ")
                             << Name << " with " << dimOf(Expected)
                             << " rows, found " << dimOf(Found);
  suggestDim(Error, V, Expected);
  return Error;
}

LogicalResult ProgramLowering::expectOperandRows(Operation *Op,
                                                 ExprAttr Expected) {
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands()))
    if (failed(expectRows(Op, ("operand " + Twine(Number)).str(), Operand,
                          Expected)))
      return failure();
  return success();
}

FailureOr<ExprAttr>
ProgramLowering::expectSequences(Operation *Op, Value CuSeqlens, ExprAttr T) {
  const ExprAttr Ends = rows(CuSeqlens);
  if (Ends.getSymbol().empty() && Ends.getAdd() < 1)
    return Op->emitOpError("expected cu_seqlens with at least 1 row, found 0");
  if (failed(Checks.expectOffsets(Op, CuSeqlens, T)))
    return failure();
  return Ends.plus(-1);
}

LogicalResult ProgramLowering::expectBatch(Operation *Op, ExprAttr T,
                                           Value Positions, Value CuSeqlens,
                                           Value Slots, int64_t Length) {
  if (failed(expectRows(Op, "positions", Positions, T)))
    return failure();
  if (ExprAttr Ends = rows(Slots).plus(1); rows(CuSeqlens) != Ends) {
    InFlightDiagnostic Error = Op->emitOpError("expected cu_seqlens with ")
                               << dimOf(Ends)
                               << " rows, one more than slots, found "
                               << dimOf(rows(CuSeqlens));
    ExprAttr Sequences = ExprAttr::get(B.getStringAttr("B"));
    suggestDim(Error, Slots, Sequences);
    suggestDim(Error, CuSeqlens, Sequences.plus(1));
    return Error;
  }
  if (failed(Checks.expectOffsets(Op, CuSeqlens, T)) ||
      failed(Checks.expectBelow(Op, "slots", Slots, Shared.Limits.Slots)) ||
      failed(Checks.expectBelow(Op, "positions", Positions, Length)) ||
      failed(Checks.expectConsecutive(Op, Positions, CuSeqlens)))
    return failure();
  return Checks.expectUnique(Op, "slots", Slots);
}
