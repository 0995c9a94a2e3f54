//===- TileToGPU.cpp - tile kernels to a thread's code --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Products.h"
#include "compiler/Codegen/CUDA/WarpLowering.h"
#include "compiler/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace m1 {
#define GEN_PASS_DEF_TILETOGPU
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr unsigned kGlobalSpace = 1;
static constexpr unsigned kSharedSpace = 3;
static constexpr llvm::StringLiteral kSharedSymbol = "m1_shared";

namespace {

struct TileToGPU : m1::impl::TileToGPUBase<TileToGPU> {
  using TileToGPUBase::TileToGPUBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    SmallVector<tile::KernelOp> Kernels(Module.getOps<tile::KernelOp>());
    if (Kernels.empty())
      return;
    // Its size is given at launch.
    OpBuilder B = OpBuilder::atBlockBegin(Module.getBody());
    auto Shared = B.create<LLVM::GlobalOp>(
        Module.getLoc(), LLVM::LLVMArrayType::get(B.getI8Type(), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol,
        Attribute(), /*alignment=*/16, kSharedSpace);
    for (tile::KernelOp Kernel : Kernels)
      if (failed(lower(Kernel, Shared)))
        return signalPassFailure();
  }

  static LogicalResult checkProducts(tile::KernelOp Kernel) {
    Products Known(Kernel, {});
    return failure(
        Kernel.getBody()
            .walk([&](tile::DotOp Dot) { return WalkResult(Known.check(Dot)); })
            .wasInterrupted());
  }

  LogicalResult lower(tile::KernelOp Kernel, LLVM::GlobalOp Shared) {
    if (failed(verifyLayouts(Kernel)) || failed(checkProducts(Kernel)))
      return failure();
    OpBuilder B(Kernel);
    Location Loc = Kernel.getLoc();
    auto Global = LLVM::LLVMPointerType::get(&getContext(), kGlobalSpace);
    auto Arguments = Kernel.getBody().getArguments();
    SmallVector<Type> Types;
    for (BlockArgument A : Arguments.drop_front(tile::KernelOp::kGridRank))
      Types.push_back(A.getType().isIndex() ? Type(B.getI64Type())
                                            : Type(Global));
    auto Function = B.create<func::FuncOp>(Loc, Kernel.getSymName(),
                                           B.getFunctionType(Types, {}));
    Function->setAttr(kThreadsAttr, B.getI32IntegerAttr(Kernel.getThreads()));
    Block *Entry = Function.addEntryBlock();
    B.setInsertionPointToStart(Entry);

    Type Index = B.getIndexType();
    Value Thread = B.create<gpu::ThreadIdOp>(Loc, Index, gpu::Dimension::x);
    Value Base = B.create<LLVM::AddressOfOp>(Loc, Shared);
    WarpLowering Lowering(Kernel, B, Thread, Base);
    constexpr gpu::Dimension kAxes[] = {gpu::Dimension::x, gpu::Dimension::y,
                                        gpu::Dimension::z};
    for (auto [Axis, Argument] : llvm::zip(kAxes, Arguments))
      Lowering.mapArgument(Argument,
                           B.create<gpu::BlockIdOp>(Loc, Index, Axis));
    for (auto [Old, New] :
         llvm::zip(Arguments.drop_front(tile::KernelOp::kGridRank),
                   Entry->getArguments()))
      Lowering.mapArgument(
          Old, Old.getType().isIndex()
                   ? B.create<arith::IndexCastOp>(Loc, Index, New).getResult()
                   : Value(New));
    if (failed(Lowering.lower()))
      return failure();
    B.create<func::ReturnOp>(Loc);
    Kernel.erase();
    return success();
  }
};

} // namespace
