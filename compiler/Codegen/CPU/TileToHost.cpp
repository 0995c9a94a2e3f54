//===- TileToHost.cpp - tile kernels to host functions --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLowering.h"
#include "compiler/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace m1 {
#define GEN_PASS_DEF_TILETOHOST
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

namespace {

struct TileToHost : m1::impl::TileToHostBase<TileToHost> {
  using TileToHostBase::TileToHostBase;

  void runOnOperation() override {
    SmallVector<tile::KernelOp> Kernels(
        getOperation().getOps<tile::KernelOp>());
    if (Kernels.empty())
      return;
    auto Target = tile::requireTarget(getOperation(), tile::TargetKind::Cpu);
    if (failed(Target))
      return signalPassFailure();
    for (tile::KernelOp Kernel : Kernels)
      if (failed(lower(Kernel, *Target)))
        return signalPassFailure();
  }

  LogicalResult lower(tile::KernelOp Kernel, tile::TargetAttr Target) {
    OpBuilder B(Kernel);
    Location Loc = Kernel.getLoc();
    auto Pointer = LLVM::LLVMPointerType::get(&getContext());
    auto Function = B.create<func::FuncOp>(
        Loc, Kernel.getSymName(),
        B.getFunctionType({Pointer, Pointer, Pointer}, {}));
    Block *Entry = Function.addEntryBlock();
    B.setInsertionPointToStart(Entry);
    Value Arguments = Entry->getArgument(0);
    Value Grid = Entry->getArgument(1);
    HostLowering Lowering(
        Kernel, B, {Target.getLanes(), Target.getRegisters(), Target.getUnit()},
        Entry->getArgument(2));

    auto LoadWord = [&](Value From, int32_t Number, Type As) -> Value {
      Value At = B.create<LLVM::GEPOp>(Loc, Pointer, B.getI64Type(), From,
                                       ArrayRef<LLVM::GEPArg>{Number});
      return B.create<LLVM::LoadOp>(Loc, As, At);
    };
    for (BlockArgument Argument : Kernel.getBody().getArguments()) {
      int32_t Number = Argument.getArgNumber();
      bool InGrid = Number < static_cast<int32_t>(tile::KernelOp::kGridRank);
      Value New;
      if (Argument.getType().isIndex()) {
        New = LoadWord(InGrid ? Grid : Arguments,
                       InGrid ? Number : Number - tile::KernelOp::kGridRank,
                       B.getI64Type());
        New = B.create<arith::IndexCastOp>(Loc, B.getIndexType(), New);
      } else {
        New = LoadWord(Arguments, Number - tile::KernelOp::kGridRank, Pointer);
      }
      Lowering.mapArgument(Argument, New);
    }
    if (failed(Lowering.lower()))
      return failure();
    B.create<func::ReturnOp>(Loc);
    Kernel.erase();
    return success();
  }
};

} // namespace
