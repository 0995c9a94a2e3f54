//===- PlaceScratch.cpp - a cell's buffers get their places
//----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Passes.h"
#include "compiler/Support/Lifetimes.h"
#include "dialects/Tile/IR/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace m1 {
#define GEN_PASS_DEF_TILEPLACESCRATCH
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;

/// Of every buffer, in bytes; memory that the plan places has no less.
static constexpr int64_t kAlignment = 64;

namespace {

struct TilePlaceScratch : m1::impl::TilePlaceScratchBase<TilePlaceScratch> {
  using TilePlaceScratchBase::TilePlaceScratchBase;

  /// The steps at which an op and the last op inside it stand.
  struct Span {
    unsigned First = 0, Last = 0;
  };

  void runOnOperation() override {
    func::FuncOp Function = getOperation();
    unsigned Step = 0;
    Spans.clear();
    number(Function, Step);
    SmallVector<tile::ScratchOp> Buffers;
    SmallVector<Lifetime> Lives;
    WalkResult Result = Function.walk([&](tile::ScratchOp Buffer) {
      Lifetime Life;
      Life.Bytes = Buffer.getBytes();
      Life.use(Spans[Buffer].First);
      if (failed(follow(Buffer, Buffer->getBlock(), Life)))
        return WalkResult::interrupt();
      Buffers.push_back(Buffer);
      Lives.push_back(Life);
      return WalkResult::advance();
    });
    if (Result.wasInterrupted())
      return signalPassFailure();
    const int64_t Bytes = placeByLifetime(Lives, kAlignment);
    for (auto [Buffer, Life] : llvm::zip(Buffers, Lives)) {
      OpBuilder B(Buffer);
      Buffer.replaceAllUsesWith(
          B.create<LLVM::GEPOp>(
               Buffer.getLoc(), Buffer.getType(), B.getI8Type(),
               Buffer.getBase(),
               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Life.Offset)})
              .getResult());
      Buffer.erase();
    }
    OpBuilder B(Function);
    Function->setAttr(kScratchBytesAttr, B.getI64IntegerAttr(Bytes));
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

  /// Extends `Life` to the last use of `Pointer` and of addresses made from it.
  /// A use in a loop that lies inside `Home`, where the buffer is made, lasts
  /// until the loop's end.
  LogicalResult follow(Value Pointer, Block *Home, Lifetime &Life) {
    for (Operation *User : Pointer.getUsers()) {
      if (User->getNumRegions() || User->hasTrait<OpTrait::IsTerminator>())
        return User->emitOpError("hands on scratch memory, whose life cannot "
                                 "be followed there");
      Life.use(Spans[Home->findAncestorOpInBlock(*User)].Last);
      for (Value Result : User->getResults())
        if (isa<LLVM::LLVMPointerType>(Result.getType()) &&
            failed(follow(Result, Home, Life)))
          return failure();
    }
    return success();
  }

  DenseMap<Operation *, Span> Spans;
};

} // namespace
