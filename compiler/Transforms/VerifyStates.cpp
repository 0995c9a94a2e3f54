//===- VerifyStates.cpp - states are linear -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace m1c {
#define GEN_PASS_DEF_VERIFYSTATES
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1c

namespace {

/// The successor that `user` makes of the state value `use`, or null.
Value successor(OpOperand &use) {
  return llvm::TypeSwitch<Operation *, Value>(use.getOwner())
      .Case([](m1::LightningAttentionOp op) { return op.getNewState(); })
      .Case([](m1::SoftmaxAttentionOp op) { return op.getNewCache(); })
      .Default([](Operation *) { return Value(); });
}

struct VerifyStates : m1c::impl::VerifyStatesBase<VerifyStates> {
  /// Follows the chain of uses from `read` to the write of the same state.
  static LogicalResult verifyChain(m1::ReadStateOp read) {
    Value value = read.getResult();
    while (true) {
      Operation *maker = value.getDefiningOp();
      if (!value.hasOneUse())
        return maker->emitOpError()
               << "expected the value of state " << read.getStateAttr()
               << " to be used once, found "
               << std::distance(value.use_begin(), value.use_end()) << " uses";
      OpOperand &use = *value.use_begin();
      if (use.getOwner()->getBlock() != maker->getBlock())
        return use.getOwner()->emitOpError()
               << "expected state " << read.getStateAttr()
               << " to be used in the block that reads it";
      if (auto write = dyn_cast<m1::WriteStateOp>(use.getOwner())) {
        if (write.getStateAttr() == read.getStateAttr())
          return success();
        return write.emitOpError()
               << "expected the value read from " << read.getStateAttr()
               << " to be written there, found " << write.getStateAttr();
      }
      value = successor(use);
      if (!value)
        return use.getOwner()->emitOpError()
               << "expected an attention op or m1.write_state to use state "
               << read.getStateAttr();
    }
  }

  void runOnOperation() override {
    // A function that does not mention a state leaves it alone, which is fine.
    llvm::SmallMapVector<Attribute, m1::ReadStateOp, 8> reads;
    llvm::SmallMapVector<Attribute, m1::WriteStateOp, 8> writes;
    bool failedAny = false;
    auto note = [&](auto &map, auto op, StringRef verb) {
      auto [entry, inserted] = map.try_emplace(op.getStateAttr(), op);
      if (inserted)
        return;
      InFlightDiagnostic error = op.emitOpError()
                                 << "expected state " << op.getStateAttr()
                                 << " to be " << verb << " once in a function";
      error.attachNote(entry->second.getLoc()) << "first here";
      failedAny = true;
    };
    getOperation().walk([&](Operation *op) {
      if (auto read = dyn_cast<m1::ReadStateOp>(op))
        note(reads, read, "read");
      else if (auto write = dyn_cast<m1::WriteStateOp>(op))
        note(writes, write, "written");
    });
    if (failedAny)
      return signalPassFailure();
    for (auto &[state, write] : writes) {
      if (reads.count(state))
        continue;
      write.emitOpError() << "expected state " << state
                          << " to be read before it is written";
      failedAny = true;
    }
    for (auto &[state, read] : reads)
      failedAny |= failed(verifyChain(read));
    if (failedAny)
      signalPassFailure();
  }
};

} // namespace
