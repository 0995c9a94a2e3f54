//===- VerifyPlan.cpp - what must hold before a plan is written -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Memory.h"
#include "compiler/Plan/Passes.h"
#include "runtime/schema/InitFunction.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {
#define GEN_PASS_DEF_PLANVERIFY
#include "compiler/Plan/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::plan;

namespace {

/// Bytes of an arena that a buffer or a global takes.
struct ArenaRange {
  int64_t Begin = 0, End = 0;
  bool overlaps(const ArenaRange &Other) const {
    return Begin < Other.End && Other.Begin < End;
  }
  std::string text() const {
    return ("bytes " + Twine(Begin) + " to " + Twine(End)).str();
  }
};

/// Bytes at the symbols' bounds from the start of a memref's base to the end of
/// its last element, on the rank with the largest shift. Fails with a
/// diagnostic if they do not fit 64 bits.
FailureOr<int64_t> endAtBound(Operation *User, const MemoryRange &Range) {
  FailureOr<int64_t> Bytes = sizeAtBound(User, Range.Bytes);
  if (failed(Bytes))
    return failure();
  int64_t Shift = 0;
  if (Range.Shift) {
    FailureOr<int64_t> Last = sizeAtBound(User, Range.Shift);
    if (failed(Last))
      return failure();
    Shift = std::max(Range.Shift.evaluate(0), *Last);
  }
  int64_t Begin, End;
  if (llvm::AddOverflow(Range.Offset, Shift, Begin) ||
      llvm::AddOverflow(Begin, std::max<int64_t>(*Bytes, 0), End))
    return emitTooLarge(User, Range.Base.getType());
  return End;
}

/// The range of an op with an offset and `Bytes` bytes in an arena of
/// `ArenaBytes`. Fails with a diagnostic if it is misaligned or out of bounds.
FailureOr<ArenaRange> arenaRange(Operation *Owner,
                                 std::optional<int64_t> Offset, int64_t Bytes,
                                 int64_t ArenaBytes) {
  if (!Offset)
    return Owner->emitOpError("has no offset");
  if (*Offset < 0 || *Offset % kArenaAlignment != 0)
    return Owner->emitOpError("expected an offset that is a multiple of ")
           << kArenaAlignment << ", found " << *Offset;
  ArenaRange Range{*Offset, 0};
  if (llvm::AddOverflow(*Offset, Bytes, Range.End))
    return Owner->emitOpError("at offset ")
           << *Offset << " is too large for any memory: " << Bytes << " bytes";
  if (Range.End > ArenaBytes)
    return Owner->emitOpError("occupies ")
           << Range.text() << " of an arena of " << ArenaBytes << " bytes";
  return Range;
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// An operand of a step.
struct Access {
  Value Base;
  bool Written;
};

/// Replays a program's steps on its buffers. A buffer is used only while it
/// holds what was written to it: from its first write, and until a step writes
/// to another buffer that shares bytes with it.
class BufferReplay {
public:
  void add(BufferOp Buffer, ArenaRange Range) { Buffers[Buffer] = {Range}; }

  LogicalResult step(Operation *Step, ArrayRef<Access> Accesses) {
    for (const Access &A : Accesses)
      if (failed(use(Step, A, Accesses)))
        return failure();
    for (const Access &A : Accesses)
      if (auto Written = A.Base.getDefiningOp<BufferOp>(); Written && A.Written)
        write(Step, Written);
    return success();
  }

private:
  struct State {
    ArenaRange Range;
    bool Written = false;
    Operation *Overwritten = nullptr; // by this step, through another buffer
  };

  LogicalResult use(Operation *Step, const Access &A,
                    ArrayRef<Access> Accesses) {
    auto Buffer = A.Base.getDefiningOp<BufferOp>();
    if (!Buffer)
      return success();
    const State &Used = Buffers[Buffer];
    if (!Used.Written && !A.Written) {
      InFlightDiagnostic Error =
          Step->emitOpError("reads a buffer that no earlier step has written");
      Error.attachNote(Buffer.getLoc()) << "this buffer";
      return Error;
    }
    if (Used.Overwritten) {
      InFlightDiagnostic Error = Step->emitOpError("uses a buffer at ")
                                 << Used.Range.text()
                                 << " after a write to another buffer there";
      Error.attachNote(Buffer.getLoc()) << "this buffer";
      Error.attachNote(Used.Overwritten->getLoc()) << "this write";
      return Error;
    }
    for (const Access &Other : Accesses) {
      auto Second = Other.Base.getDefiningOp<BufferOp>();
      if (Second && Second != Buffer &&
          Used.Range.overlaps(Buffers[Second].Range))
        return Step->emitOpError("uses two buffers that share bytes, at ")
               << Used.Range.text() << " and at "
               << Buffers[Second].Range.text();
    }
    return success();
  }

  void write(Operation *Step, BufferOp Buffer) {
    State &Target = Buffers[Buffer];
    Target.Written = true;
    for (auto &[Other, State] : Buffers)
      if (Other != Buffer && State.Written &&
          State.Range.overlaps(Target.Range))
        State.Overwritten = Step;
  }

  llvm::MapVector<Operation *, State> Buffers;
};

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

class ProgramVerifier {
public:
  /// `Symbols` are those of the module.
  ProgramVerifier(ProgramOp Program, const SymbolTable &Symbols,
                  int64_t ActivationBytes)
      : Program(Program), Symbols(Symbols),
        IsInit(Program.getSymName() == StringRef(plan::kInitFunction)),
        ActivationBytes(ActivationBytes) {}

  LogicalResult run() {
    if (IsInit && Program.getNumArguments() > 0)
      return Program.emitOpError("expected no arguments, found ")
             << Program.getNumArguments();
    for (BlockArgument Argument : Program.getArguments())
      if (failed(verifyArgument(Argument)))
        return failure();
    for (Operation &Op : Program.getBody().front())
      if (failed(verifyOp(&Op)))
        return failure();
    return success();
  }

private:
  LogicalResult verifyArgument(BlockArgument Argument) {
    const unsigned Number = Argument.getArgNumber();
    if (isCoordinate(Program, rowsOf(Argument).getSymbol()))
      return Program.emitOpError("expected arguments of the same shape on all "
                                 "ranks, found argument ")
             << Number << " with " << rowsOf(Argument) << " rows";
    if (failed(verifyElements(Program, Argument.getType())) ||
        failed(sizeAtBound(Program, rowsOf(Argument))))
      return failure();
    for (Attribute Check : Program.getChecks(Number))
      if (auto Offsets = dyn_cast<OffsetsAttr>(Check))
        if (failed(sizeAtBound(Program, Offsets.getTotal())))
          return failure();
    return success();
  }

  LogicalResult verifyElements(Operation *Op, Type T) {
    if (dtypeOf(cast<MemRefType>(T).getElementType()))
      return success();
    return Op->emitOpError("has a value of ")
           << cast<MemRefType>(T).getElementType()
           << ", which a plan file cannot hold";
  }

  LogicalResult verifyOp(Operation *Op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(Op)
        .Case<BufferOp, LaunchOp, CopyOp, CollectiveOp>(
            [&](auto Known) { return verify(Known); })
        .Case([&](ScalarOp Scalar) {
          return LogicalResult(sizeAtBound(Scalar, Scalar.getValue()));
        })
        .Case([&](ParameterOp Parameter) {
          return verifyElements(Parameter, Parameter.getType());
        })
        .Case<ViewOp, GlobalRefOp, ReturnOp>([](Operation *) {
          return success(); // verified where they are used
        })
        .Default([](Operation *Unknown) {
          return Unknown->emitOpError("is not allowed in a plan.program");
        });
  }

  LogicalResult verify(BufferOp Buffer) {
    FailureOr<MemoryRange> Whole = rangeOf(Buffer, Buffer);
    if (failed(Whole))
      return failure();
    FailureOr<int64_t> Bytes = endAtBound(Buffer, *Whole);
    if (failed(Bytes))
      return failure();
    FailureOr<ArenaRange> Range =
        arenaRange(Buffer, Buffer.getOffset(), *Bytes, ActivationBytes);
    if (failed(Range))
      return failure();
    Buffers.add(Buffer, *Range);
    return success();
  }

  /// All ranks execute the same steps.
  template <typename StepOp> LogicalResult verifyCondition(StepOp Step) {
    std::optional<ConditionAttr> Condition = Step.getCondition();
    if (!Condition)
      return success();
    if (isCoordinate(Step, Condition->getSymbol()))
      return Step.emitOpError("expected a condition that is the same on all "
                              "ranks, found ")
             << *Condition;
    return LogicalResult(
        sizeAtBound(Step, ExprAttr::get(Condition->getSymbol())));
  }

  LogicalResult verify(LaunchOp Launch) {
    if (failed(verifyCondition(Launch)))
      return failure();
    for (auto Size : Launch.getGrid().getAsRange<ExprAttr>())
      if (failed(sizeAtBound(Launch, Size)))
        return failure();
    SmallVector<Access> Accesses;
    for (auto [Operand, Written] :
         llvm::zip(Launch.getOperands(), Launch.getWritten()))
      if (!Operand.getDefiningOp<ScalarOp>() &&
          failed(addAccess(Launch, Operand, Written, Accesses)))
        return failure();
    return Buffers.step(Launch, Accesses);
  }

  LogicalResult verify(CollectiveOp Collective) {
    SmallVector<Access> Accesses;
    if (failed(verifyCondition(Collective)) ||
        failed(
            addAccess(Collective, Collective.getSource(), false, Accesses)) ||
        failed(addAccess(Collective, Collective.getDestination(), true,
                         Accesses)) ||
        failed(verifyBlocks(Collective, Collective.getSource(),
                            Collective.isAllToAll() ? Collective.getRanks()
                                                    : 1)) ||
        failed(verifyBlocks(Collective, Collective.getDestination(),
                            Collective.getRanks())))
      return failure();
    return Buffers.step(Collective, Accesses);
  }

  /// Verifies that `Memory` has the rows of `Count` blocks for all values of
  /// the symbols.
  LogicalResult verifyBlocks(CollectiveOp Collective, Value Memory,
                             int64_t Count) {
    const ExprAttr Block = Collective.getRows(), Rows = rowsOf(Memory);
    FailureOr<int64_t> Most = sizeAtBound(Collective, Block);
    FailureOr<int64_t> MostRows = sizeAtBound(Collective, Rows);
    if (failed(Most) || failed(MostRows))
      return failure();
    bool Fits = Count * *Most <= std::min(Rows.evaluate(0), *MostRows);
    if (Block.getSymbol() == Rows.getSymbol() && Rows.getDivide() == 1) {
      // ceil(n / d) <= (n + d - 1) / d: linear bounds, for which both ends are
      // enough.
      const int64_t Divide = Block.getDivide();
      const ExprAttr Wanted =
          ExprAttr::get(Block.getSymbol(), Block.getMultiply() * Count,
                        (Block.getAdd() + Divide - 1) * Count, 1);
      const ExprAttr Given = Rows.times(Divide);
      FailureOr<int64_t> WantedMost = sizeAtBound(Collective, Wanted);
      FailureOr<int64_t> GivenMost = sizeAtBound(Collective, Given);
      if (failed(WantedMost) || failed(GivenMost))
        return failure();
      Fits |=
          Wanted.evaluate(0) <= Given.evaluate(0) && *WantedMost <= *GivenMost;
    }
    if (Fits)
      return success();
    return Collective.emitOpError("expected memory for ")
           << Count << " blocks of " << Block << " rows, found " << Rows
           << " rows";
  }

  LogicalResult verify(CopyOp Copy) {
    SmallVector<Access> Accesses;
    if (failed(verifyCondition(Copy)) ||
        failed(addAccess(Copy, Copy.getSource(), false, Accesses)) ||
        failed(addAccess(Copy, Copy.getDestination(), true, Accesses)))
      return failure();
    return Buffers.step(Copy, Accesses);
  }

  /// Adds an operand in memory to `Accesses`. Verifies that a file can describe
  /// it, that it does not reach beyond the memory that it views, and that it
  /// may be written if it is.
  LogicalResult addAccess(Operation *Step, Value Operand, bool Written,
                          SmallVectorImpl<Access> &Accesses) {
    FailureOr<MemoryRange> Range = rangeOf(Step, Operand);
    if (failed(Range))
      return failure();
    FailureOr<MemoryRange> Whole = rangeOf(Step, Range->Base);
    if (failed(Whole))
      return failure();
    FailureOr<int64_t> End = endAtBound(Step, *Range);
    FailureOr<int64_t> Limit = endAtBound(Step, *Whole);
    if (failed(End) || failed(Limit))
      return failure();
    if (Range->Shift && Range->Offset + Range->Shift.evaluate(0) < 0)
      return Step->emitOpError("has an operand that begins before its memory, "
                               "by the shift ")
             << Range->Shift;
    if (*End > *Limit)
      return Step->emitOpError("has an operand that ends at byte ")
             << *End << " of memory of " << *Limit << " bytes";
    if (Written && failed(verifyWrite(Step, Range->Base)))
      return failure();
    Accesses.push_back({Range->Base, Written});
    return success();
  }

  LogicalResult verifyWrite(Operation *Step, Value Base) {
    if (auto Argument = dyn_cast<BlockArgument>(Base)) {
      if (Program.isOutput(Argument.getArgNumber()))
        return success();
      return Step->emitOpError("writes input ") << Argument.getArgNumber();
    }
    if (auto Parameter = Base.getDefiningOp<ParameterOp>())
      return Step->emitOpError("writes parameter ")
             << Parameter.getTensorAttr();
    auto Ref = Base.getDefiningOp<GlobalRefOp>();
    if (!Ref)
      return success(); // a buffer
    auto Global = Symbols.lookup<GlobalOp>(Ref.getGlobal());
    if (Global.getKind() != "constant")
      return success();
    return Step->emitOpError("writes ")
           << Ref.getGlobalAttr() << " of kind " << Global.getKindAttr()
           << " in program @" << Program.getSymName();
  }

  ProgramOp Program;
  const SymbolTable &Symbols;
  const bool IsInit;
  const int64_t ActivationBytes;
  BufferReplay Buffers;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct PlanVerify : m1::impl::PlanVerifyBase<PlanVerify> {
  using PlanVerifyBase::PlanVerifyBase;

  void runOnOperation() override {
    if (failed(verify()))
      signalPassFailure();
  }

  LogicalResult verify() {
    FailureOr<int64_t> Activations = bytesOf(kActivationBytesAttr);
    if (failed(Activations) || failed(verifySymbols()) ||
        failed(verifyGlobals("weights", kWeightBytesAttr)) ||
        failed(verifyGlobals("constant", kConstantBytesAttr)) ||
        failed(verifyStates()))
      return failure();
    const SymbolTable Symbols(getOperation());
    for (ProgramOp Program : getOperation().getOps<ProgramOp>())
      if (failed(ProgramVerifier(Program, Symbols, *Activations).run()))
        return failure();
    return success();
  }

  FailureOr<int64_t> bytesOf(StringRef Name) {
    if (auto Bytes = getOperation()->getAttrOfType<IntegerAttr>(Name))
      return Bytes.getInt();
    return getOperation().emitOpError("expected the attribute ") << Name;
  }

  LogicalResult verifySymbols() {
    auto Symbols = getOperation()->getAttrOfType<DictionaryAttr>(kSymbolsAttr);
    if (!Symbols)
      return getOperation().emitOpError("expected the attribute ")
             << kSymbolsAttr;
    for (NamedAttribute Symbol : Symbols)
      if (auto Bound = dyn_cast<IntegerAttr>(Symbol.getValue());
          !Bound || Bound.getInt() < 1)
        return getOperation().emitOpError("expected a bound of at least 1 for "
                                          "symbol ")
               << Symbol.getName() << ", found " << Symbol.getValue();
    return verifyMesh(Symbols);
  }

  /// Verifies that each coordinate in the mesh is a symbol with its bound.
  LogicalResult verifyMesh(DictionaryAttr Symbols) {
    auto Mesh = getOperation()->getAttrOfType<MeshAttr>(kMeshAttr);
    if (!Mesh)
      return success();
    for (auto [Axis, Extent] : llvm::zip(Mesh.getAxes(), Mesh.getExtents())) {
      StringAttr Name = MeshAttr::symbolOf(&getContext(), Axis);
      auto Bound = Symbols.getAs<IntegerAttr>(Name);
      if (!Bound || Bound.getInt() != Extent - 1)
        return getOperation().emitOpError("expected the bound ")
               << Extent - 1 << " for symbol " << Name << ", found " << Bound;
    }
    return success();
  }

  /// Verifies that the globals of a kind are in their arena and share no bytes.
  LogicalResult verifyGlobals(StringRef Kind, StringRef BytesAttr) {
    FailureOr<int64_t> ArenaBytes = bytesOf(BytesAttr);
    if (failed(ArenaBytes))
      return failure();
    SmallVector<std::pair<ArenaRange, GlobalOp>> Ranges;
    for (GlobalOp Global : getOperation().getOps<GlobalOp>()) {
      if (Global.getKind() != Kind)
        continue;
      FailureOr<int64_t> Bytes =
          bytesAtBound(Global, cast<MemRefType>(Global.getType()), 0);
      if (failed(Bytes))
        return failure();
      FailureOr<ArenaRange> Range =
          arenaRange(Global, Global.getOffset(), *Bytes, *ArenaBytes);
      if (failed(Range))
        return failure();
      if (Range->Begin < Range->End)
        Ranges.push_back({*Range, Global});
    }
    llvm::sort(Ranges, [](const auto &A, const auto &B) {
      return std::pair(A.first.Begin, A.first.End) <
             std::pair(B.first.Begin, B.first.End);
    });
    for (size_t I = 1; I < Ranges.size(); ++I)
      if (auto &[Range, Global] = Ranges[I];
          Range.overlaps(Ranges[I - 1].first))
        return Global.emitOpError("occupies ")
               << Range.text() << " and overlaps @"
               << Ranges[I - 1].second.getSymName() << ", which occupies "
               << Ranges[I - 1].first.text();
    return success();
  }

  /// Verifies that each state is at offset 0: it has an arena to itself.
  LogicalResult verifyStates() {
    for (GlobalOp Global : getOperation().getOps<GlobalOp>()) {
      if (Global.getKind() != "state")
        continue;
      if (failed(bytesAtBound(Global, cast<MemRefType>(Global.getType()), 0)))
        return failure();
      if (Global.getOffset() != 0) {
        InFlightDiagnostic Error =
            Global.emitOpError("expected a state at offset 0, found ");
        if (Global.getOffset())
          return Error << *Global.getOffset();
        return Error << "none";
      }
    }
    return success();
  }
};

} // namespace
