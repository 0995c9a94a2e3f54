//===- Compile.cpp - the whole compilation --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read this file from top to bottom to learn the compiler: each phase names its
// passes in order and ends with what must now be true.
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Compile.h"

#include "compiler/Codegen/Passes.h"
#include "compiler/Conversion/Passes.h"
#include "compiler/Pipelines/Report.h"
#include "compiler/Plan/Passes.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "runtime/plan/Plan.h"
#include "llvm/IR/LLVMContext.h"
#include <chrono>

using namespace mlir;
using namespace m1;

/// What the command line wants printed of passes: their IR, time, statistics.
static LogicalResult configure(PassManager &Passes) {
  applyDefaultTimingPassManagerCLOptions(Passes);
  return applyPassManagerCLOptions(Passes);
}

template <typename Callable>
auto Compilation::timed(StringRef Name, Callable Run) {
  auto Start = std::chrono::steady_clock::now();
  auto Result = Run();
  std::chrono::duration<double> Took = std::chrono::steady_clock::now() - Start;
  Phases.push_back({Name.str(), Took.count()});
  return Result;
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// m1 to m1. Afterwards logits exist only where a function returns them, and
/// every state can be updated in place.
static void buildModelPipeline(OpPassManager &Passes) {
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addNestedPass<func::FuncOp>(m1::createFuseHead());
  Passes.addNestedPass<func::FuncOp>(m1::createFuseElementwise());
  // Everything that follows relies on linear states.
  Passes.addNestedPass<func::FuncOp>(m1::createVerifyStates());
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// m1 to plan and tile. Afterwards no m1 op is left and every buffer has its
/// place.
static void buildSchedulePipeline(OpPassManager &Passes,
                                  const CompileOptions &Options) {
  Passes.addPass(createTileSetTarget({Options.Target.Name}));
  M1ToPlanOptions Bounds;
  Bounds.tokens = Options.Tokens;
  Bounds.slots = Options.Slots;
  Bounds.length = Options.Length;
  Bounds.gpu = Options.Target.Kind == tile::TargetKind::Gpu;
  Bounds.pairs = !Bounds.gpu && Options.Target.HasMatrixUnit;
  Passes.addPass(createM1ToPlan(Bounds));
  // No canonicalisation from here to the loops: upstream's idea of a simple
  // vector op (shape casts, masks) is not a simple block.
  Passes.addPass(createCSEPass());
  Passes.addPass(createPlanAssignBuffers());
  Passes.addPass(createPlanVerify());
}

LogicalResult Compilation::toPlan() {
  auto Run = [&](StringRef Name, auto Build) {
    return timed(Name, [&]() -> LogicalResult {
      PassManager Passes(Module.getContext());
      if (failed(configure(Passes)))
        return failure();
      Build(Passes);
      return Passes.run(Module);
    });
  };
  if (failed(Run("model", [&](OpPassManager &P) { buildModelPipeline(P); })))
    return failure();
  Figures = modelFigures(Module);
  if (failed(Run("schedule",
                 [&](OpPassManager &P) { buildSchedulePipeline(P, Options); })))
    return failure();
  llvm::append_range(Figures, planFigures(Module));
  return success();
}

//===----------------------------------------------------------------------===//
// The kernels
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> Compilation::kernels() {
  OwningOpRef<ModuleOp> Kernels = ModuleOp::create(Module.getLoc());
  (*Kernels)->setAttr(tile::kTargetAttr, tile::targetOf(Module));
  OpBuilder B = OpBuilder::atBlockEnd(Kernels->getBody());
  for (tile::KernelOp Kernel : Module.getOps<tile::KernelOp>())
    B.clone(*Kernel);
  return Kernels;
}

OwningOpRef<ModuleOp> Compilation::toThreads() {
  OwningOpRef<ModuleOp> Kernels = kernels();
  PassManager Passes(Module.getContext());
  if (failed(configure(Passes)))
    return nullptr;
  codegen::buildThreadPipeline(Passes);
  if (failed(Passes.run(*Kernels)))
    return nullptr;
  return Kernels;
}

std::unique_ptr<llvm::Module> Compilation::toLLVM(llvm::LLVMContext &Context) {
  OwningOpRef<ModuleOp> Kernels = kernels();
  bool Lowered = timed("kernels", [&] {
    PassManager Passes(Module.getContext());
    if (failed(configure(Passes)))
      return false;
    if (isForGpu())
      codegen::buildPtxPipeline(Passes);
    else
      codegen::buildHostPipeline(Passes);
    return succeeded(Passes.run(*Kernels));
  });
  if (!Lowered)
    return nullptr;
  for (LLVM::LLVMFuncOp Function : Kernels->getOps<LLVM::LLVMFuncOp>()) {
    if (auto Bytes = Function->getAttrOfType<IntegerAttr>(kScratchBytesAttr))
      ScratchBytes[Function.getSymName()] = Bytes.getInt();
    if (auto Count = Function->getAttrOfType<IntegerAttr>(kThreadsAttr))
      Threads = Count.getInt();
  }
  return timed("optimisation", [&] {
    tile::TargetAttr Target = tile::targetOf(Module);
    return isForGpu() ? codegen::translateGpu(*Kernels, Context, Target)
                      : codegen::translateHost(*Kernels, Context, Target);
  });
}

FailureOr<std::string> Compilation::toPtx() {
  llvm::LLVMContext Context;
  std::unique_ptr<llvm::Module> Code = toLLVM(Context);
  if (!Code)
    return failure();
  return timed("PTX",
               [&] { return codegen::emitPtx(*Code, tile::targetOf(Module)); });
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

FailureOr<KernelImage> Compilation::hostImage() {
  llvm::LLVMContext Context;
  std::unique_ptr<llvm::Module> Code = toLLVM(Context);
  if (!Code)
    return failure();
  FailureOr<std::vector<char>> Object = timed("machine code", [&] {
    return codegen::linkHost(*Code, tile::targetOf(Module));
  });
  if (failed(Object))
    return failure();
  KernelImage Image;
  Image.Format = "elf";
  Image.Target = "x86_64-linux-gnu";
  Image.Features = Options.Target.Features;
  Image.Data = std::move(*Object);
  return Image;
}

/// Afterwards every kernel fits the GPU and, where there is an assembler, has
/// been accepted by it.
FailureOr<KernelImage> Compilation::gpuImage() {
  FailureOr<std::string> Text = toPtx();
  if (failed(Text))
    return failure();
  for (tile::KernelOp Kernel : Module.getOps<tile::KernelOp>())
    if (int64_t Bytes = ScratchBytes.lookup(Kernel.getSymName());
        Bytes > Options.Target.Shared)
      return Kernel.emitError("kernel '")
             << Kernel.getSymName() << "' needs " << Bytes
             << " bytes of shared memory a block, " << Options.Target.Name
             << " has " << Options.Target.Shared;
  if (std::string Assembler = codegen::findAssembler(); !Assembler.empty()) {
    auto Assembled = timed("ptxas", [&] {
      return codegen::assemble(*Text, tile::targetOf(Module), Assembler);
    });
    if (failed(Assembled))
      return failure();
    Resources = std::move(*Assembled);
  }
  KernelImage Image;
  Image.Format = "ptx";
  Image.Target = Options.Target.Name;
  Image.Data.assign(Text->begin(), Text->end());
  return Image;
}

FailureOr<std::vector<uint8_t>> Compilation::toFile() {
  FailureOr<KernelImage> Image = isForGpu() ? gpuImage() : hostImage();
  if (failed(Image))
    return failure();
  Image->ScratchBytes = ScratchBytes;
  Image->Threads = Threads;
  return timed("file", [&]() -> FailureOr<std::vector<uint8_t>> {
    std::vector<uint8_t> Plan =
        writePlan(Module, *Image, Options.Slots, Options.Length, Figures);
    // What cannot be loaded, for its bounds or its names, is not written.
    if (auto Loaded = LoadedPlan::fromBytes(Plan, "this model"); !Loaded.ok()) {
      Module.emitError() << std::string(Loaded.status().message());
      return failure();
    }
    return Plan;
  });
}
