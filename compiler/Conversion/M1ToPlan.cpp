//===- M1ToPlan.cpp - functions of m1 ops to programs ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Collectives.h"
#include "compiler/Conversion/Kernels/Experts.h"
#include "compiler/Conversion/Kernels/Lightning.h"
#include "compiler/Conversion/Kernels/Linear.h"
#include "compiler/Conversion/Kernels/LogProb.h"
#include "compiler/Conversion/Kernels/Rows.h"
#include "compiler/Conversion/Kernels/Sampling.h"
#include "compiler/Conversion/Kernels/Softmax.h"
#include "compiler/Conversion/Passes.h"
#include "compiler/Conversion/ProgramLowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "runtime/schema/InitFunction.h"

#include <numeric>

namespace m1 {
#define GEN_PASS_DEF_M1TOPLAN
#include "compiler/Conversion/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

/// Attaches the lowerings of all ops when the m1 dialect is loaded.
static void attachAllLowerings(MLIRContext *Context, M1Dialect *) {
  addRowLowerings(Context);
  addCollectiveLowerings(Context);
  addLinearLowerings(Context);
  addLightningLowerings(Context);
  addSoftmaxLowerings(Context);
  addExpertLowerings(Context);
  addLogProbLowerings(Context);
  addSamplingLowerings(Context);
  addStateLowerings(Context);
  addAttentionGradientLowerings(Context);
  addLinearGradientLowerings(Context);
  addExpertGradientLowerings(Context);
  addRowGradientLowerings(Context);
  addPolicyHeadLowerings(Context);
  addOptimizerLowerings(Context);
}

/// Gives the module the mesh of its plan, with the bounds of coordinates. An
/// axis with one rank is none.
static void setMesh(ModuleOp Module, NamedAttrList &Symbols) {
  auto Mesh = Module->getAttrOfType<MeshAttr>(kMeshAttr);
  Module->removeAttr(kMeshAttr);
  if (!Mesh)
    return;
  MLIRContext *Context = Module.getContext();
  SmallVector<StringAttr> Axes;
  SmallVector<int64_t> Extents;
  for (auto [Axis, Extent] : llvm::zip(Mesh.getAxes(), Mesh.getExtents())) {
    if (Extent < 2)
      continue;
    Axes.push_back(Axis);
    Extents.push_back(Extent);
    Symbols.set(plan::MeshAttr::symbolOf(Context, Axis),
                IntegerAttr::get(IntegerType::get(Context, 64), Extent - 1));
  }
  if (!Axes.empty())
    Module->setAttr(plan::kMeshAttr,
                    plan::MeshAttr::get(Context, Axes, Extents));
}

/// Gives a module with caches in blocks the attributes for their number, which
/// `Blocks` becomes if it is 0, and size. Fails with a diagnostic.
template <typename Option>
static LogicalResult setCacheBlocks(ModuleOp Module, int64_t Slots,
                                    int64_t Length, Option &Blocks) {
  int64_t Positions = 0;
  for (auto State : Module.getOps<m1::StateOp>()) {
    auto Cache = dyn_cast<KVCacheType>(State.getType());
    if (!Cache || Cache.getBlock() == 0)
      continue;
    if (Positions != 0 && Positions != Cache.getBlock())
      return State.emitOpError("expected a cache in blocks of ")
             << Positions << ", as other states, found " << Cache;
    Positions = Cache.getBlock();
  }
  if (Positions == 0)
    return success();
  if (Blocks == 0)
    Blocks = Slots * int64_t(llvm::divideCeil(Length, Positions));
  Builder B(Module.getContext());
  Module->setAttr(plan::kCacheBlocksAttr, B.getI64IntegerAttr(Blocks));
  Module->setAttr(plan::kBlockPositionsAttr, B.getI64IntegerAttr(Positions));
  return success();
}

/// Gives a module with lightning layers the attribute for their chunks' size.
static void setChunk(ModuleOp Module) {
  int64_t Chunk = 0;
  for (auto State : Module.getOps<m1::StateOp>())
    if (auto Type = dyn_cast<LightningStateType>(State.getType()))
      Chunk = Chunk ? std::lcm(Chunk, Type.getChunk()) : Type.getChunk();
  if (Chunk)
    Module->setAttr(plan::kChunkAttr,
                    Builder(Module.getContext()).getI64IntegerAttr(Chunk));
}

namespace {

struct M1ToPlan : m1::impl::M1ToPlanBase<M1ToPlan> {
  using M1ToPlanBase::M1ToPlanBase;

  void getDependentDialects(DialectRegistry &Registry) const override {
    M1ToPlanBase::getDependentDialects(Registry);
    Registry.addExtension(attachAllLowerings);
  }

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    FailureOr<tile::TargetAttr> Target = tile::requireTarget(Module);
    if (failed(Target))
      return signalPassFailure();
    if (failed(setCacheBlocks(Module, slots, length, cacheBlocks)))
      return signalPassFailure();
    setChunk(Module);
    ModuleBuilder Shared(
        Module, {tokens, slots, length, trainTokens, gatherBytes, cacheBlocks},
        Blocking::of(*Target));
    SmallVector<func::FuncOp> Functions(Module.getOps<func::FuncOp>());
    for (func::FuncOp Function : Functions) {
      if (Function.getSymName() == StringRef(plan::kInitFunction)) {
        Function.emitOpError("'init' is reserved for the program that packs "
                             "weights; rename the function");
        return signalPassFailure();
      }
      if (failed(ProgramLowering(Shared, Function).run()))
        return signalPassFailure();
      Function.erase();
    }
    SmallVector<m1::TrainedOp> Trained(Module.getOps<m1::TrainedOp>());
    for (auto [Group, Each] : llvm::enumerate(Trained))
      Shared.declareTrained(Each, Group);
    Shared.finish();
    for (Operation &Op : llvm::make_early_inc_range(*Module.getBody()))
      if (isa<ParameterOp, StateOp, m1::TrainedOp>(Op))
        Op.erase();

    // The bound of each symbol that some size depends on.
    NamedAttrList Symbols;
    setMesh(Module, Symbols);
    Module.walk([&](plan::ProgramOp Program) {
      for (unsigned I = 0; I < Program.getNumArguments(); ++I)
        if (auto Rows = Program.getArgAttrOfType<ExprAttr>(I, plan::kRowsAttr);
            Rows && !Rows.getSymbol().empty())
          Symbols.set(Rows.getSymbol(),
                      IntegerAttr::get(IntegerType::get(&getContext(), 64),
                                       Shared.Limits.of(Rows.getSymbol())));
    });
    Module->setAttr(plan::kSymbolsAttr, Symbols.getDictionary(&getContext()));
  }
};

} // namespace
