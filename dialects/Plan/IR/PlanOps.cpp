//===- PlanOps.cpp - the schedule dialect's verifiers and syntax ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Plan.h"

#include "dialects/FunctionSyntax.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace m1::plan;

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// `symbol [* multiply] [(+ | -) add]`, or a number.
static ParseResult parseSum(AsmParser &Parser, std::string &Symbol,
                            int64_t &Multiply, int64_t &Add) {
  if (OptionalParseResult Number = Parser.parseOptionalInteger(Add);
      Number.has_value())
    return *Number;
  if (failed(Parser.parseOptionalKeywordOrString(&Symbol)))
    return Parser.emitError(Parser.getCurrentLocation(),
                            "expected a number or a symbol");
  Multiply = 1;
  if (succeeded(Parser.parseOptionalStar()) && Parser.parseInteger(Multiply))
    return failure();
  if (succeeded(Parser.parseOptionalPlus()))
    return Parser.parseInteger(Add);
  // The parser takes `- 3` for an integer.
  SMLoc Loc = Parser.getCurrentLocation();
  OptionalParseResult Negative = Parser.parseOptionalInteger(Add);
  if (!Negative.has_value())
    return success();
  if (succeeded(*Negative) && Add >= 0)
    return Parser.emitError(Loc, "expected '+' or '-' before a number");
  return *Negative;
}

/// A size without `#plan.expr<>`: `T`, `T * 2 + 3`, `(T + 1) ceildiv 64`.
static ParseResult parseExpr(AsmParser &Parser, ExprAttr &Result) {
  SMLoc Loc = Parser.getCurrentLocation();
  std::string Symbol;
  int64_t Multiply = 0, Add = 0, Divide = 1;
  const bool InParentheses = succeeded(Parser.parseOptionalLParen());
  if (parseSum(Parser, Symbol, Multiply, Add) ||
      (InParentheses && Parser.parseRParen()))
    return failure();
  const bool IsSum = !Symbol.empty() && (Multiply != 1 || Add != 0);
  SMLoc DivideLoc = Parser.getCurrentLocation();
  if (succeeded(Parser.parseOptionalKeyword("ceildiv"))) {
    if (IsSum && !InParentheses)
      return Parser.emitError(DivideLoc,
                              "expected parentheses around what is divided");
    if (Parser.parseInteger(Divide))
      return failure();
  }
  MLIRContext *Context = Parser.getContext();
  Result = ExprAttr::getChecked([&] { return Parser.emitError(Loc); }, Context,
                                StringAttr::get(Context, Symbol), Multiply, Add,
                                Divide);
  return success(Result != nullptr);
}

static void printExpr(AsmPrinter &Printer, ExprAttr E) {
  const int64_t Multiply = E.getMultiply(), Add = E.getAdd();
  const bool IsConstant = E.getSymbol().empty();
  const bool InParentheses =
      E.getDivide() != 1 && !IsConstant && (Multiply != 1 || Add != 0);
  if (InParentheses)
    Printer << '(';
  if (IsConstant) {
    Printer << Add;
  } else {
    Printer.printKeywordOrString(E.getSymbol());
    if (Multiply != 1)
      Printer << " * " << Multiply;
    if (Add != 0)
      Printer << (Add > 0 ? " + " : " - ") << (Add > 0 ? Add : -Add);
  }
  if (InParentheses)
    Printer << ')';
  if (E.getDivide() != 1)
    Printer << " ceildiv " << E.getDivide();
}
static void printExpr(OpAsmPrinter &Printer, Operation *, ExprAttr E) {
  printExpr(Printer, E);
}

/// `[B, T ceildiv 8, 1]`.
static ParseResult parseGrid(OpAsmParser &Parser, ArrayAttr &Grid) {
  SmallVector<Attribute> Sizes;
  if (Parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, [&] {
        ExprAttr Size;
        ParseResult Parsed = parseExpr(Parser, Size);
        Sizes.push_back(Size);
        return Parsed;
      }))
    return failure();
  Grid = Parser.getBuilder().getArrayAttr(Sizes);
  return success();
}

static void printGrid(OpAsmPrinter &Printer, Operation *, ArrayAttr Grid) {
  Printer << '[';
  llvm::interleaveComma(Grid.getAsRange<ExprAttr>(), Printer,
                        [&](ExprAttr Size) { printExpr(Printer, Size); });
  Printer << ']';
}

/// `(x = %0 : memref<?x64xf32>, result = %1 : memref<?x64xf32> written)`.
static void printLaunchOperands(OpAsmPrinter &Printer, Operation *,
                                OperandRange Operands, TypeRange Types,
                                ArrayAttr Names, DenseBoolArrayAttr Written) {
  Printer << '(';
  llvm::interleaveComma(llvm::zip(Names.getAsValueRange<StringAttr>(), Operands,
                                  Written.asArrayRef()),
                        Printer, [&](const auto &Each) {
                          auto [Name, Operand, IsWritten] = Each;
                          Printer.printKeywordOrString(Name);
                          Printer << " = " << Operand << " : "
                                  << Operand.getType();
                          if (IsWritten)
                            Printer << " written";
                        });
  Printer << ')';
}

static ParseResult
parseLaunchOperands(OpAsmParser &Parser,
                    SmallVectorImpl<OpAsmParser::UnresolvedOperand> &Operands,
                    SmallVectorImpl<Type> &Types, ArrayAttr &Names,
                    DenseBoolArrayAttr &Written) {
  Builder &B = Parser.getBuilder();
  SmallVector<Attribute> NameList;
  SmallVector<bool> WrittenList;
  auto ParseOne = [&]() -> ParseResult {
    std::string Name;
    if (Parser.parseKeywordOrString(&Name) || Parser.parseEqual() ||
        Parser.parseOperand(Operands.emplace_back()) ||
        Parser.parseColonType(Types.emplace_back()))
      return failure();
    NameList.push_back(B.getStringAttr(Name));
    WrittenList.push_back(succeeded(Parser.parseOptionalKeyword("written")));
    return success();
  };
  if (Parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, ParseOne))
    return failure();
  Names = B.getArrayAttr(NameList);
  Written = B.getDenseBoolArrayAttr(WrittenList);
  return success();
}

#include "dialects/Plan/IR/PlanDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/IR/PlanAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Plan/IR/PlanAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Plan/IR/PlanOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Attribute ExprAttr::parse(AsmParser &Parser, Type) {
  ExprAttr Result;
  if (Parser.parseLess() || parseExpr(Parser, Result) || Parser.parseGreater())
    return {};
  return Result;
}

void ExprAttr::print(AsmPrinter &Printer) const {
  Printer << '<';
  printExpr(Printer, *this);
  Printer << '>';
}

LogicalResult ExprAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                               StringAttr Symbol, int64_t Multiply, int64_t,
                               int64_t Divide) {
  if (Symbol.empty() && Multiply != 0)
    return EmitError() << "expected a symbol to multiply by " << Multiply;
  if (Multiply < 0 || Divide < 1)
    return EmitError() << "expected a factor of at least 0 and a divisor of at "
                          "least 1, found "
                       << Multiply << " and " << Divide;
  return success();
}

ExprAttr ExprAttr::constant(MLIRContext *Context, int64_t Value) {
  return ExprAttr::get(StringAttr::get(Context, ""), 0, Value, 1);
}

/// The product, or the nearest number that fits: no memory has such a size, and
/// whatever compares it with a limit refuses it.
static int64_t saturatingProduct(int64_t A, int64_t B) {
  int64_t Product;
  if (!llvm::MulOverflow(A, B, Product))
    return Product;
  return (A < 0) == (B < 0) ? std::numeric_limits<int64_t>::max()
                            : std::numeric_limits<int64_t>::min();
}

/// Likewise for the sum.
static int64_t saturatingSum(int64_t A, int64_t B) {
  int64_t Sum;
  if (!llvm::AddOverflow(A, B, Sum))
    return Sum;
  return A > 0 ? std::numeric_limits<int64_t>::max()
               : std::numeric_limits<int64_t>::min();
}

int64_t ExprAttr::evaluate(int64_t Symbol) const {
  return llvm::divideCeilSigned(
      saturatingSum(saturatingProduct(Symbol, getMultiply()), getAdd()),
      getDivide());
}

ExprAttr ExprAttr::plus(int64_t Number) const {
  assert(getDivide() == 1);
  return get(getSymbol(), getMultiply(), saturatingSum(getAdd(), Number), 1);
}

ExprAttr ExprAttr::times(int64_t Factor) const {
  assert(getDivide() == 1);
  return get(getSymbol(), saturatingProduct(getMultiply(), Factor),
             saturatingProduct(getAdd(), Factor), 1);
}

ExprAttr ExprAttr::ceilDiv(int64_t Divisor) const {
  assert(getDivide() == 1);
  return get(getSymbol(), getMultiply(), getAdd(), Divisor);
}

ExprAttr m1::plan::rowsOf(Value Memory) {
  auto Type = cast<MemRefType>(Memory.getType());
  if (Type.getRank() == 0)
    return ExprAttr::constant(Memory.getContext(), 1);
  if (!Type.isDynamicDim(0))
    return ExprAttr::constant(Memory.getContext(), Type.getDimSize(0));
  if (auto Argument = dyn_cast<BlockArgument>(Memory))
    return cast<ProgramOp>(Argument.getOwner()->getParentOp())
        .getArgAttrOfType<ExprAttr>(Argument.getArgNumber(), kRowsAttr);
  if (auto Buffer = Memory.getDefiningOp<BufferOp>())
    return *Buffer.getRows();
  if (auto View = Memory.getDefiningOp<ViewOp>())
    return View.getRows() ? *View.getRows() : rowsOf(View.getSource());
  return {};
}

Value m1::plan::baseOf(Value Memory) {
  while (auto View = Memory.getDefiningOp<ViewOp>())
    Memory = View.getSource();
  return Memory;
}

//===----------------------------------------------------------------------===//
// ProgramOp
//===----------------------------------------------------------------------===//

ParseResult ProgramOp::parse(OpAsmParser &Parser, OperationState &Result) {
  SmallVector<OpAsmParser::Argument> Arguments;
  return parseFunction<ProgramOp>(Parser, Result, Arguments);
}

void ProgramOp::print(OpAsmPrinter &Printer) { printFunction(*this, Printer); }

/// Whether `T` is a memref with at most axis 0 dynamic, if that may be.
static bool isPlanMemory(Type T, bool MayBeDynamic) {
  auto MemRef = dyn_cast<MemRefType>(T);
  if (!MemRef)
    return false;
  for (int64_t Axis = 0; Axis < MemRef.getRank(); ++Axis)
    if (MemRef.isDynamicDim(Axis) && (Axis > 0 || !MayBeDynamic))
      return false;
  return true;
}

/// C5 and C6, for one argument.
static LogicalResult verifyChecks(ProgramOp Program, unsigned Number) {
  Attribute Given = Program.getArgAttr(Number, kChecksAttr);
  if (!Given)
    return success();
  auto Type = cast<MemRefType>(Program.getArgumentTypes()[Number]);
  if (!isa<ArrayAttr>(Given) || Program.isOutput(Number) ||
      !Type.getElementType().isInteger(32))
    return Program.emitOpError("C5: expected plan.checks to be a list, on an "
                               "input of i32, found ")
           << Given << " on argument " << Number << " of type " << Type;
  for (Attribute Check : Program.getChecks(Number)) {
    if (!isa<BelowAttr, RowOrNoneAttr, UniqueAttr, OffsetsAttr,
             ConsecutiveAttr>(Check))
      return Program.emitOpError("C5: expected checks of elements in "
                                 "plan.checks, found ")
             << Check << " on argument " << Number;
    if (isa<OffsetsAttr, ConsecutiveAttr>(Check) && Type.getRank() != 1)
      return Program.emitOpError("C5: expected rank 1 with ")
             << Check << ", found " << Type << " as argument " << Number;
    auto Consecutive = dyn_cast<ConsecutiveAttr>(Check);
    if (!Consecutive)
      continue;
    unsigned Offsets = Consecutive.getOffsets();
    auto Wanted = OffsetsAttr::get(Program.getContext(),
                                   rowsOf(Program.getArgument(Number)));
    if (Offsets >= Program.getNumArguments() ||
        !llvm::is_contained(Program.getChecks(Offsets), Wanted))
      return Program.emitOpError("C6: expected argument ")
             << Offsets << " to have " << Wanted << ", which " << Check
             << " of argument " << Number << " asks for";
  }
  return success();
}

LogicalResult ProgramOp::verify() {
  bool SeenOutput = false;
  for (auto [Number, T] : llvm::enumerate(getFunctionType().getInputs())) {
    bool HasRows = getArgAttrOfType<ExprAttr>(Number, kRowsAttr) != nullptr;
    if (!isPlanMemory(T, HasRows))
      return emitOpError("C1: expected a memref with at most axis 0 dynamic, "
                         "and plan.rows where it is, as argument ")
             << Number << ", found " << T;
    if (!getArgAttrOfType<StringAttr>(Number, kNameAttr))
      return emitOpError("C2: expected plan.name on argument ") << Number;
    if (SeenOutput && !isOutput(Number))
      return emitOpError("C4: expected outputs after all inputs, found input ")
             << Number << " after an output";
    SeenOutput |= isOutput(Number);
    if (getArgAttr(Number, kDrawnAttr) &&
        (!isOutput(Number) ||
         !cast<MemRefType>(T).getElementType().isInteger(32)))
      return emitOpError("C7: expected plan.drawn on an output of i32, found "
                         "it on argument ")
             << Number << " of type " << T;
  }
  if (!getFunctionType().getResults().empty())
    return emitOpError("C3: expected no results, found ")
           << getFunctionType().getResults().size();
  for (unsigned Number = 0; Number < getNumArguments(); ++Number)
    if (failed(verifyChecks(*this, Number)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult GlobalOp::verify() {
  if (!isPlanMemory(getType(), /*MayBeDynamic=*/false))
    return emitOpError("C1: expected a static memref, found ") << getType();
  if (!llvm::is_contained({"weights", "state", "constant"}, getKind()))
    return emitOpError("C2: expected kind \"weights\", \"state\" or "
                       "\"constant\", found ")
           << getKindAttr();
  if (std::optional<StringRef> Division = getDivision()) {
    auto Memory = cast<MemRefType>(getType());
    if (!llvm::is_contained({kBySlot, kByBlock}, *Division) ||
        getKind() != "state" || Memory.getRank() == 0 ||
        !Memory.getLayout().isIdentity())
      return emitOpError("C4: expected a state with an axis and an identity "
                         "layout, divided by \"slot\" or \"block\", found ")
             << getKindAttr() << " of type " << Memory << " divided by "
             << getDivisionAttr();
  }
  std::optional<DenseElementsAttr> Value = getValue();
  if (getKind() != "constant") {
    if (Value)
      return emitOpError("C3: expected a value on constants only, found one on "
                         "kind ")
             << getKindAttr();
    return success();
  }
  auto Type = cast<MemRefType>(getType());
  auto Expected = RankedTensorType::get(Type.getShape(), Type.getElementType());
  if (!Type.getLayout().isIdentity() || !Value ||
      Value->getType() != Expected || Type.getElementTypeBitWidth() % 8 != 0)
    return emitOpError("C3: expected a constant of type ")
           << Type << " to have an identity layout and a value of whole bytes, "
           << Expected;
  return success();
}

LogicalResult TrainedOp::verifySymbolUses(SymbolTableCollection &Symbols) {
  auto Stored = cast<MemRefType>(getStored());
  const auto Axis = static_cast<int64_t>(getAxis());
  const auto Begin = static_cast<int64_t>(getBegin());
  const auto End = static_cast<int64_t>(getEnd());
  if (!Stored.hasStaticShape() || Axis < 0 || Axis >= Stored.getRank() ||
      Begin < 0 || Begin >= End || End > Stored.getDimSize(Axis))
    return emitOpError("C2: expected a part of ")
           << Stored << ", found " << Begin << " to " << End << " of axis "
           << Axis;
  const int64_t Elements =
      Stored.getNumElements() / Stored.getDimSize(Axis) * (End - Begin);
  const auto Offset = static_cast<int64_t>(getOffset());
  MemRefType Type;
  for (FlatSymbolRefAttr Name :
       {getMasterAttr(), getFirstAttr(), getSecondAttr(), getGradientAttr()}) {
    auto Global = Symbols.lookupNearestSymbolFrom<GlobalOp>(*this, Name);
    if (!Global || Global.getKind() != "state" ||
        (Type && Global.getType() != Type))
      return emitOpError("C1: expected states of one type, found ") << Name;
    Type = cast<MemRefType>(Global.getType());
    if (!Type.getElementType().isF32())
      return emitOpError("C1: expected states of f32, found ") << Type;
  }
  if (Offset < 0 || Offset + Elements > Type.getNumElements())
    return emitOpError("C2: expected ") << Elements << " elements inside "
                                        << Type << ", found offset " << Offset;
  return success();
}

LogicalResult GlobalRefOp::verifySymbolUses(SymbolTableCollection &Symbols) {
  auto Global =
      Symbols.lookupNearestSymbolFrom<GlobalOp>(*this, getGlobalAttr());
  if (!Global || Global.getType() != getResult().getType())
    return emitOpError("C1: expected ")
           << getGlobalAttr() << " to be a plan.global of type "
           << getResult().getType();
  return success();
}

LogicalResult BufferOp::verify() {
  auto T = cast<MemRefType>(getResult().getType());
  bool Dynamic = T.getRank() > 0 && T.isDynamicDim(0);
  if (!isPlanMemory(T, true) || Dynamic != getRows().has_value())
    return emitOpError("C1: expected rows for a dynamic axis 0 and no other "
                       "dynamic axis, found ")
           << T;
  return success();
}

LogicalResult ViewOp::verify() {
  if (static_cast<int64_t>(getOffset()) < 0)
    return emitOpError("C1: expected an offset of at least 0");
  if (getSource().getType().getElementType() !=
      getResult().getType().getElementType())
    return emitOpError("C2: expected one element type, found ")
           << getSource().getType() << " and " << getResult().getType();
  if (std::optional<ExprAttr> Shift = getShift();
      Shift &&
      (Shift->getDivide() != 1 || !isCoordinate(*this, Shift->getSymbol())))
    return emitOpError("C3: expected a multiple of a coordinate in the mesh as "
                       "shift, found ")
           << *Shift;
  return success();
}

LogicalResult CopyOp::verify() {
  if (!getSource().getType().getLayout().isIdentity())
    return emitOpError("C1: expected an identity layout, found ")
           << getSource().getType();
  ExprAttr From = rowsOf(getSource()), To = rowsOf(getDestination());
  if (From != To)
    return emitOpError("C2: expected as many rows on both sides, found ")
           << From << " and " << To;
  return success();
}

//===----------------------------------------------------------------------===//
// LaunchOp
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &Symbols) {
  auto Kernel =
      Symbols.lookupNearestSymbolFrom<tile::KernelOp>(*this, getKernelAttr());
  if (!Kernel)
    return emitOpError("C1: expected ")
           << getKernelAttr() << " to be a tile.kernel";
  ArrayRef<Type> Expected =
      Kernel.getArgumentTypes().drop_front(tile::KernelOp::kGridRank);
  if (!llvm::equal(Expected, getOperandTypes()))
    return emitOpError("C2: expected operands of types (")
           << Expected << "), found (" << getOperandTypes() << ")";
  if (getNames() != Kernel.getArgNames())
    return emitOpError("C2: expected operands called ")
           << Kernel.getArgNames() << ", found " << getNames();
  if (getGrid().size() != tile::KernelOp::kGridRank)
    return emitOpError("C3: expected three grid sizes, found ")
           << getGrid().size();
  SmallVector<bool> Written = Kernel.getWritten();
  if (getWritten() != ArrayRef(Written))
    return emitOpError("C4: expected written = [")
           << ArrayRef(Written) << "], as @" << Kernel.getSymName()
           << " stores, found [" << getWritten() << "]";
  return success();
}
