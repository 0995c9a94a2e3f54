//===- AssignBuffers.cpp - offsets of buffers and globals -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Plan/Memory.h"
#include "compiler/Plan/Passes.h"
#include "compiler/Support/LiveRanges.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace m1 {
#define GEN_PASS_DEF_PLANASSIGNBUFFERS
#include "compiler/Plan/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::plan;

namespace {

struct PlanAssignBuffers : m1::impl::PlanAssignBuffersBase<PlanAssignBuffers> {
  using PlanAssignBuffersBase::PlanAssignBuffersBase;

  void runOnOperation() override {
    if (failed(assignGlobals()) || failed(assignAllBuffers()))
      signalPassFailure();
  }

  void setBytes(StringRef Name, int64_t Bytes) {
    OpBuilder B(&getContext());
    getOperation()->setAttr(Name, B.getI64IntegerAttr(Bytes));
  }

  /// Weights are adjacent in their arena, and so are constants in theirs; each
  /// state is at offset 0 of its own.
  LogicalResult assignGlobals() {
    OpBuilder B(&getContext());
    int64_t Weights = 0, Constants = 0;
    for (GlobalOp Global : getOperation().getOps<GlobalOp>()) {
      FailureOr<int64_t> Bytes =
          bytesAtBound(Global, cast<MemRefType>(Global.getType()), 0);
      if (failed(Bytes))
        return failure();
      int64_t State = 0;
      int64_t &End = Global.getKind() == "weights"    ? Weights
                     : Global.getKind() == "constant" ? Constants
                                                      : State;
      Global.setOffsetAttr(B.getI64IntegerAttr(End));
      FailureOr<int64_t> Next = alignedEnd(End, *Bytes, kArenaAlignment);
      if (failed(Next))
        return emitTooLarge(Global, Global.getType());
      End = *Next;
    }
    setBytes(kWeightBytesAttr, Weights);
    setBytes(kConstantBytesAttr, Constants);
    return success();
  }

  LogicalResult assignAllBuffers() {
    int64_t Activations = 0;
    for (ProgramOp Program : getOperation().getOps<ProgramOp>()) {
      FailureOr<int64_t> Bytes = assignBuffers(Program);
      if (failed(Bytes))
        return failure();
      Activations = std::max(Activations, *Bytes);
    }
    setBytes(kActivationBytesAttr, Activations);
    return success();
  }

  /// Assigns offsets to a program's buffers. Returns the bytes they need in
  /// all.
  FailureOr<int64_t> assignBuffers(ProgramOp Program) {
    SmallVector<BufferOp> Buffers;
    SmallVector<LiveRange> LiveRanges; // of each buffer, in steps
    DenseMap<Operation *, unsigned> Number;
    for (auto [Step, Op] : llvm::enumerate(Program.getBody().front())) {
      if (auto Buffer = dyn_cast<BufferOp>(Op)) {
        FailureOr<int64_t> Rows = sizeAtBound(Buffer, rowsOf(Buffer));
        if (failed(Rows))
          return failure();
        FailureOr<int64_t> Bytes =
            bytesAtBound(Buffer, Buffer.getType(), *Rows);
        if (failed(Bytes))
          return failure();
        Number[Buffer] = Buffers.size();
        Buffers.push_back(Buffer);
        LiveRanges.push_back({*Bytes});
      } else if (!isa<ViewOp>(Op)) {
        for (Value Operand : Op.getOperands())
          if (auto Buffer = baseOf(Operand).getDefiningOp<BufferOp>())
            LiveRanges[Number[Buffer]].use(Step);
      }
    }
    FailureOr<int64_t> Total = assignOffsets(LiveRanges, kArenaAlignment);
    if (failed(Total))
      return Program.emitOpError("'")
             << Program.getSymName()
             << "' has buffers that together are too large for any memory";
    OpBuilder B(Program);
    for (auto [Buffer, Range] : llvm::zip(Buffers, LiveRanges))
      Buffer.setOffsetAttr(B.getI64IntegerAttr(Range.Offset));
    return Total;
  }
};

} // namespace
