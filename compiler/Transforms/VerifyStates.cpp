//===- VerifyStates.cpp - verifies that states are linear -----------------===//
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

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_VERIFYSTATES
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// The updated state that the user of a state's value returns; null if the user
/// does not update it.
Value updatedState(OpOperand &Use) {
  auto Update = dyn_cast<m1::StateUpdateOpInterface>(Use.getOwner());
  return Update ? Value(Update.getUpdatedState(Use)) : Value();
}

struct VerifyStates : m1::impl::VerifyStatesBase<VerifyStates> {
  /// Follows the chain of uses from `Read` to the write of the same state.
  static LogicalResult verifyChain(m1::ReadStateOp Read) {
    Value V = Read.getResult();
    while (true) {
      Operation *Maker = V.getDefiningOp();
      if (!V.hasOneUse())
        return Maker->emitOpError()
               << "expected the value of state " << Read.getStateAttr()
               << " to be used once, found "
               << std::distance(V.use_begin(), V.use_end()) << " uses";
      OpOperand &Use = *V.use_begin();
      if (Use.getOwner()->getBlock() != Maker->getBlock())
        return Use.getOwner()->emitOpError()
               << "expected state " << Read.getStateAttr()
               << " to be used in the block that reads it";
      if (auto Write = dyn_cast<m1::WriteStateOp>(Use.getOwner())) {
        if (Write.getStateAttr() == Read.getStateAttr())
          return success();
        return Write.emitOpError()
               << "expected the value read from " << Read.getStateAttr()
               << " to be written there, found " << Write.getStateAttr();
      }
      V = updatedState(Use);
      if (!V)
        return Use.getOwner()->emitOpError()
               << "expected m1.write_state or an op that updates a state to "
                  "use "
               << Read.getStateAttr();
    }
  }

  void runOnOperation() override {
    // A function need not use every state.
    llvm::SmallMapVector<Attribute, m1::ReadStateOp, 8> Reads;
    llvm::SmallMapVector<Attribute, m1::WriteStateOp, 8> Writes;
    bool FailedAny = false;
    auto Note = [&](auto &Map, auto Op, StringRef Verb) {
      auto [Entry, Inserted] = Map.try_emplace(Op.getStateAttr(), Op);
      if (Inserted)
        return;
      InFlightDiagnostic Error = Op.emitOpError()
                                 << "expected state " << Op.getStateAttr()
                                 << " to be " << Verb << " once in a function";
      Error.attachNote(Entry->second.getLoc()) << "first here";
      FailedAny = true;
    };
    getOperation().walk([&](Operation *Op) {
      if (auto Read = dyn_cast<m1::ReadStateOp>(Op))
        Note(Reads, Read, "read");
      else if (auto Write = dyn_cast<m1::WriteStateOp>(Op))
        Note(Writes, Write, "written");
    });
    if (FailedAny)
      return signalPassFailure();
    for (auto &[State, Write] : Writes) {
      if (Reads.count(State))
        continue;
      Write.emitOpError() << "expected state " << State
                          << " to be read before it is written";
      FailedAny = true;
    }
    for (auto &[State, Read] : Reads)
      FailedAny |= failed(verifyChain(Read));
    if (FailedAny)
      signalPassFailure();
  }
};

} // namespace
