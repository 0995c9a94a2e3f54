//===- AssignBuffers.cpp - every buffer gets its place --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Passes.h"
#include "dialects/Plan/IR/Plan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"
#include <map>

namespace m1 {
#define GEN_PASS_DEF_PLANASSIGNBUFFERS
#include "compiler/Plan/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::plan;

static constexpr int64_t kAlignment = 64;

/// Bytes of a memref whose axis 0, if dynamic, has `Rows` elements.
static int64_t bytesOf(MemRefType Type, int64_t Rows) {
  int64_t Elements = 1;
  for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis)
    Elements *= Type.isDynamicDim(Axis) ? Rows : Type.getDimSize(Axis);
  return Elements * std::max(1u, Type.getElementTypeBitWidth() / 8);
}

namespace {

/// A buffer's life: the steps of its program between which it is in use.
struct Life {
  BufferOp Buffer;
  int64_t Bytes;
  unsigned First = ~0u, Last = 0;
  int64_t Offset = 0;
};

struct PlanAssignBuffers : m1::impl::PlanAssignBuffersBase<PlanAssignBuffers> {
  using PlanAssignBuffersBase::PlanAssignBuffersBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    OpBuilder B(Module);
    int64_t Weights = 0, Activations = 0;
    for (GlobalOp Global : Module.getOps<GlobalOp>()) {
      bool Weight = Global.getKind() == "weights";
      Global.setOffsetAttr(B.getI64IntegerAttr(Weight ? Weights : 0));
      if (Weight)
        Weights += llvm::alignTo(bytesOf(cast<MemRefType>(Global.getType()), 0),
                                 kAlignment);
    }
    for (ProgramOp Program : Module.getOps<ProgramOp>()) {
      FailureOr<int64_t> Bytes = assign(Program);
      if (failed(Bytes))
        return signalPassFailure();
      Activations = std::max(Activations, *Bytes);
    }
    Module->setAttr(kWeightBytesAttr, B.getI64IntegerAttr(Weights));
    Module->setAttr(kActivationBytesAttr, B.getI64IntegerAttr(Activations));
  }

  /// The bytes that the program's buffers take together.
  FailureOr<int64_t> assign(ProgramOp Program) {
    auto Symbols =
        Program->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(
            kSymbolsAttr);
    SmallVector<Life> Lives;
    DenseMap<Value, unsigned> Owner; // buffers and views of them, to Lives
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
        Owner[Buffer.getResult()] = Lives.size();
        Lives.push_back({Buffer, bytesOf(Buffer.getResult().getType(), Rows)});
        continue;
      }
      if (auto View = dyn_cast<ViewOp>(Op)) {
        if (auto It = Owner.find(View.getSource()); It != Owner.end())
          Owner[View.getResult()] = It->second;
        continue;
      }
      for (Value Operand : Op.getOperands())
        if (auto It = Owner.find(Operand); It != Owner.end()) {
          Life &L = Lives[It->second];
          L.First = std::min(L.First, Step);
          L.Last = std::max(L.Last, Step);
        }
    }

    // The largest first, each at the lowest place that is free for its life.
    SmallVector<Life *> BySize;
    for (Life &L : Lives)
      BySize.push_back(&L);
    llvm::sort(BySize, [](Life *A, Life *C) {
      return A->Bytes != C->Bytes ? A->Bytes > C->Bytes : A < C;
    });
    int64_t Total = 0;
    SmallVector<Life *> Placed;
    OpBuilder B(Program);
    for (Life *L : BySize) {
      std::map<int64_t, int64_t> Taken; // start to end, of lives that overlap
      for (Life *Other : Placed)
        if (Other->First <= L->Last && L->First <= Other->Last) {
          int64_t &End = Taken[Other->Offset];
          End = std::max(End, Other->Offset + Other->Bytes);
        }
      for (auto [Start, End] : Taken) {
        if (L->Offset + L->Bytes <= Start)
          break;
        L->Offset =
            std::max<int64_t>(L->Offset, llvm::alignTo(End, kAlignment));
      }
      L->Buffer.setOffsetAttr(B.getI64IntegerAttr(L->Offset));
      Total = std::max<int64_t>(
          Total, llvm::alignTo(L->Offset + L->Bytes, kAlignment));
      Placed.push_back(L);
    }
    return Total;
  }
};

} // namespace
