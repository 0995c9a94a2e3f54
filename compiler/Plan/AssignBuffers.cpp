//===- AssignBuffers.cpp - every buffer gets its place --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Passes.h"
#include "compiler/Support/BufferAlignment.h"
#include "compiler/Support/LiveRanges.h"
#include "dialects/Plan/IR/Plan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {
#define GEN_PASS_DEF_PLANASSIGNBUFFERS
#include "compiler/Plan/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::plan;

/// Bytes of a memref whose axis 0, if dynamic, has `Rows` elements. Fails with
/// a diagnostic of `Owner` if that is no 64-bit number.
static FailureOr<int64_t> bytesOf(Operation *Owner, MemRefType Type,
                                  int64_t Rows) {
  int64_t Bytes = std::max(1u, Type.getElementTypeBitWidth() / 8);
  for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis)
    if (llvm::MulOverflow(
            Bytes, Type.isDynamicDim(Axis) ? Rows : Type.getDimSize(Axis),
            Bytes)) {
      InFlightDiagnostic Error = Owner->emitOpError();
      if (auto Name = Owner->getAttrOfType<StringAttr>("sym_name"))
        Error << "'" << Name.getValue() << "' ";
      return Error << "is too large for any memory: " << Type;
    }
  return Bytes;
}

namespace {

struct PlanAssignBuffers : m1::impl::PlanAssignBuffersBase<PlanAssignBuffers> {
  using PlanAssignBuffersBase::PlanAssignBuffersBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    OpBuilder B(Module);
    int64_t Weights = 0, Constants = 0, Activations = 0;
    for (GlobalOp Global : Module.getOps<GlobalOp>()) {
      FailureOr<int64_t> Bytes =
          bytesOf(Global, cast<MemRefType>(Global.getType()), 0);
      if (failed(Bytes))
        return signalPassFailure();
      int64_t State = 0; // each has an arena to itself
      int64_t &End = Global.getKind() == "weights" ? Weights
                     : Global.getKind() == "state" ? State
                                                   : Constants;
      Global.setOffsetAttr(B.getI64IntegerAttr(End));
      End += llvm::alignTo(*Bytes, kBufferAlignment);
    }
    for (ProgramOp Program : Module.getOps<ProgramOp>()) {
      FailureOr<int64_t> Bytes = assign(Program);
      if (failed(Bytes))
        return signalPassFailure();
      Activations = std::max(Activations, *Bytes);
    }
    Module->setAttr(kWeightBytesAttr, B.getI64IntegerAttr(Weights));
    Module->setAttr(kConstantBytesAttr, B.getI64IntegerAttr(Constants));
    Module->setAttr(kActivationBytesAttr, B.getI64IntegerAttr(Activations));
  }

  /// The bytes that the program's buffers take together.
  FailureOr<int64_t> assign(ProgramOp Program) {
    auto Symbols =
        Program->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(
            kSymbolsAttr);
    SmallVector<BufferOp> Buffers;
    SmallVector<LiveRange> Ranges;   // the steps at which each is in use
    DenseMap<Value, unsigned> Owner; // buffers and views of them, to Ranges
    unsigned Step = 0;
    for (Operation &Op : Program.getBody().front()) {
      ++Step;
      if (auto Buffer = dyn_cast<BufferOp>(Op)) {
        int64_t Rows = 0;
        if (std::optional<ExprAttr> Expr = Buffer.getRows()) {
          int64_t Max = 0;
          if (!Expr->getSymbol().empty()) {
            auto Bound = Symbols ? Symbols.getAs<IntegerAttr>(Expr->getSymbol())
                                 : IntegerAttr();
            if (!Bound)
              return Buffer.emitOpError("expected a bound for symbol ")
                     << Expr->getSymbol() << " in " << kSymbolsAttr;
            Max = Bound.getInt();
          }
          Rows = Expr->evaluate(Max);
        }
        Owner[Buffer.getResult()] = Ranges.size();
        Buffers.push_back(Buffer);
        FailureOr<int64_t> Bytes =
            bytesOf(Buffer, Buffer.getResult().getType(), Rows);
        if (failed(Bytes))
          return failure();
        Ranges.push_back({*Bytes});
        continue;
      }
      if (auto View = dyn_cast<ViewOp>(Op)) {
        if (auto It = Owner.find(View.getSource()); It != Owner.end())
          Owner[View.getResult()] = It->second;
        continue;
      }
      for (Value Operand : Op.getOperands())
        if (auto It = Owner.find(Operand); It != Owner.end())
          Ranges[It->second].use(Step);
    }

    const int64_t Total = assignOffsets(Ranges, kBufferAlignment);
    OpBuilder B(Program);
    for (auto [Buffer, Range] : llvm::zip(Buffers, Ranges))
      Buffer.setOffsetAttr(B.getI64IntegerAttr(Range.Offset));
    return Total;
  }
};

} // namespace
