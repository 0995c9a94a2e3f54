//===- TileToHost.cpp - tile kernels to host functions --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/KernelFunction.h"
#include "compiler/Codegen/CPU/HostLowering.h"
#include "compiler/Codegen/Passes.h"

namespace m1 {
#define GEN_PASS_DEF_TILETOHOST
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Word `Number` of the array of 64-bit words at `From`, as an integer or a
/// pointer.
static Value loadWord(ScalarBuilder &B, Value From, size_t Number, Type As) {
  Value Address = B.create<LLVM::GEPOp>(
      From.getType(), B.getI64Type(), From,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Number)});
  return B.create<LLVM::LoadOp>(As, Address);
}

/// The body of a function (args, grid, scratch).
static LogicalResult emitBody(tile::KernelOp Kernel, func::FuncOp Function,
                              ScalarBuilder &B, tile::TargetAttr Target) {
  Value Arguments = Function.getArgument(0), Grid = Function.getArgument(1);
  LoweringContext Context(Kernel, B, /*ScratchBase=*/Function.getArgument(2));
  IRMapping &Scalars = Context.Storage.Scalars;
  auto LoadIndex = [&](Value From, size_t Number) {
    return B.toIndex(loadWord(B, From, Number, B.getI64Type()));
  };
  for (auto [Axis, Position] : llvm::enumerate(
           Kernel.getArguments().take_front(tile::KernelOp::kGridRank)))
    Scalars.map(Position, LoadIndex(Grid, Axis));
  for (auto [Number, Parameter] : llvm::enumerate(Kernel.getParameters()))
    Scalars.map(Parameter,
                Parameter.getType().isIndex()
                    ? LoadIndex(Arguments, Number)
                    : loadWord(B, Arguments, Number, Arguments.getType()));
  HostLowering Host(Context, Target);
  return BlockLowering(Context, Host).lower();
}

namespace {

struct TileToHost : m1::impl::TileToHostBase<TileToHost> {
  using TileToHostBase::TileToHostBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    if (Module.getOps<tile::KernelOp>().empty())
      return;
    auto Target = tile::requireTarget(Module, tile::TargetKind::Cpu);
    if (failed(Target))
      return signalPassFailure();
    auto Pointer = LLVM::LLVMPointerType::get(&getContext());
    if (failed(replaceKernels(
            Module,
            [&](tile::KernelOp) { return SmallVector<Type>(3, Pointer); },
            [&](tile::KernelOp Kernel, func::FuncOp Function,
                ScalarBuilder &B) {
              return emitBody(Kernel, Function, B, *Target);
            })))
      signalPassFailure();
  }
};

} // namespace
