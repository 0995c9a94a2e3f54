//===- AssignScratch.cpp - offsets of scratch buffers ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Passes.h"
#include "compiler/Support/BufferAlignment.h"
#include "compiler/Support/LiveRanges.h"
#include "dialects/Tile/IR/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace m1 {
#define GEN_PASS_DEF_TILEASSIGNSCRATCH
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;

/// The most scratch memory of a kernel. Every thread of the runtime has its
/// own, and offsets in it are constants of address computations, which have 29
/// bits. The largest kernel of MiniMax-M1 needs less than 2^22 bytes.
static constexpr int64_t kMaxScratchBytes = int64_t(1) << 28;

namespace {

struct TileAssignScratch : m1::impl::TileAssignScratchBase<TileAssignScratch> {
  using TileAssignScratchBase::TileAssignScratchBase;

  /// The step of an op and the step at which its regions end.
  struct Span {
    unsigned First = 0, Last = 0;
  };

  void runOnOperation() override {
    func::FuncOp Function = getOperation();
    unsigned Step = 0;
    Spans.clear();
    number(Function, Step);
    SmallVector<tile::ScratchOp> Buffers;
    SmallVector<LiveRange> Ranges;
    WalkResult Result = Function.walk([&](tile::ScratchOp Buffer) {
      LiveRange Range;
      Range.Bytes = Buffer.getBytes();
      Range.use(Spans[Buffer].First);
      if (failed(follow(Buffer, Buffer->getBlock(), Range)))
        return WalkResult::interrupt();
      Buffers.push_back(Buffer);
      Ranges.push_back(Range);
      return WalkResult::advance();
    });
    if (Result.wasInterrupted())
      return signalPassFailure();
    FailureOr<int64_t> Bytes = assignOffsets(Ranges, kBufferAlignment);
    if (failed(Bytes) || *Bytes > kMaxScratchBytes) {
      Function.emitError("kernel '")
          << Function.getSymName() << "' needs "
          << (failed(Bytes) ? "2^63 or more" : std::to_string(*Bytes))
          << " bytes of scratch memory, which grow with the extents after axis "
             "0; at most "
          << kMaxScratchBytes << " are supported";
      return signalPassFailure();
    }
    for (auto [Buffer, Range] : llvm::zip(Buffers, Ranges)) {
      OpBuilder B(Buffer);
      Buffer.replaceAllUsesWith(
          B.create<LLVM::GEPOp>(
               Buffer.getLoc(), Buffer.getType(), B.getI8Type(),
               Buffer.getBase(),
               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Range.Offset)})
              .getResult());
      Buffer.erase();
    }
    OpBuilder B(Function);
    Function->setAttr(kScratchBytesAttr, B.getI64IntegerAttr(*Bytes));
  }

private:
  void number(Operation *Op, unsigned &Step) {
    Span Of{Step++, 0};
    for (Region &R : Op->getRegions())
      for (Block &B : R)
        for (Operation &Inner : B)
          number(&Inner, Step);
    Of.Last = Step++;
    Spans[Op] = Of;
  }

  /// Extends `Range` to the last use of `Pointer` and of addresses derived from
  /// it. A use in a loop inside `Home`, the block that allocates the buffer,
  /// lasts until the loop's end.
  LogicalResult follow(Value Pointer, Block *Home, LiveRange &Range) {
    for (Operation *User : Pointer.getUsers()) {
      if (User->getNumRegions() || User->hasTrait<OpTrait::IsTerminator>())
        return User->emitOpError("passes scratch memory to where its live "
                                 "range cannot be tracked");
      Range.use(Spans[Home->findAncestorOpInBlock(*User)].Last);
      for (Value Result : User->getResults())
        if (isa<LLVM::LLVMPointerType>(Result.getType()) &&
            failed(follow(Result, Home, Range)))
          return failure();
    }
    return success();
  }

  DenseMap<Operation *, Span> Spans;
};

} // namespace
