//===- TileToGPU.cpp - tile kernels to a thread's code --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/KernelFunction.h"
#include "compiler/Codegen/CUDA/ProductRules.h"
#include "compiler/Codegen/CUDA/ThreadBlockLowering.h"
#include "compiler/Codegen/Passes.h"

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

/// Verifies what `tile-assign-layouts` and `tile-assign-products` establish.
static LogicalResult verifyKernel(tile::KernelOp Kernel,
                                  tile::TargetAttr Target) {
  if (failed(verifyLayouts(Kernel)))
    return failure();
  ProductRules Rules(Kernel, Target);
  return failure(
      Kernel.getBody()
          .walk([&](tile::DotOp Dot) { return WalkResult(Rules.verify(Dot)); })
          .wasInterrupted());
}

static SmallVector<Type> parameterTypes(tile::KernelOp Kernel) {
  Builder B(Kernel.getContext());
  return llvm::map_to_vector(Kernel.getParameters(), [&](Value V) -> Type {
    if (V.getType().isIndex())
      return B.getI64Type();
    return LLVM::LLVMPointerType::get(Kernel.getContext(), kGlobalSpace);
  });
}

static LogicalResult emitBody(tile::KernelOp Kernel, func::FuncOp Function,
                              ScalarBuilder &B, LLVM::GlobalOp Shared) {
  Function->setAttr(kThreadsAttr, B.getI32IntegerAttr(Kernel.getThreads()));
  Type Index = B.getIndexType();
  Value Thread = B.create<gpu::ThreadIdOp>(Index, gpu::Dimension::x);
  LoweringContext Context(Kernel, B,
                          /*ScratchBase=*/B.create<LLVM::AddressOfOp>(Shared));
  IRMapping &Scalars = Context.Storage.Scalars;
  ThreadBlockLowering Threads(Context, Thread);
  constexpr gpu::Dimension kAxes[] = {gpu::Dimension::x, gpu::Dimension::y,
                                      gpu::Dimension::z};
  for (auto [Axis, Position] : llvm::zip(kAxes, Kernel.getArguments()))
    Scalars.map(Position, B.create<gpu::BlockIdOp>(Index, Axis).getResult());
  for (auto [Old, New] :
       llvm::zip(Kernel.getParameters(), Function.getArguments()))
    Scalars.map(Old, Old.getType().isIndex() ? B.toIndex(New) : Value(New));
  return BlockLowering(Context, Threads).lower();
}

namespace {

struct TileToGPU : m1::impl::TileToGPUBase<TileToGPU> {
  using TileToGPUBase::TileToGPUBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    auto Kernels = Module.getOps<tile::KernelOp>();
    if (Kernels.empty())
      return;
    auto Target = tile::requireTarget(Module, tile::TargetKind::Gpu);
    if (failed(Target))
      return signalPassFailure();
    for (tile::KernelOp Kernel : Kernels)
      if (failed(verifyKernel(Kernel, *Target)))
        return signalPassFailure();
    // The size of shared memory is given at launch.
    OpBuilder B = OpBuilder::atBlockBegin(Module.getBody());
    auto Shared = B.create<LLVM::GlobalOp>(
        Module.getLoc(), LLVM::LLVMArrayType::get(B.getI8Type(), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol,
        Attribute(), /*alignment=*/16, kSharedSpace);
    if (failed(replaceKernels(Module, parameterTypes,
                              [&](tile::KernelOp Kernel, func::FuncOp Function,
                                  ScalarBuilder &B) {
                                return emitBody(Kernel, Function, B, Shared);
                              })))
      signalPassFailure();
  }
};

} // namespace
