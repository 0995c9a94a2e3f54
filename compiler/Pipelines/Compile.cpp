//===- Compile.cpp - the whole compilation --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read this file from top to bottom to learn the compiler: each stage names its
// passes in order and ends with one that verifies what must now hold.
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Compile.h"

#include "compiler/Codegen/CPU/HostCompiler.h"
#include "compiler/Codegen/CUDA/PtxCompiler.h"
#include "compiler/Codegen/Passes.h"
#include "compiler/Codegen/Targets.h"
#include "compiler/Conversion/Passes.h"
#include "compiler/Pipelines/Report.h"
#include "compiler/Plan/Passes.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Plan/IR/Plan.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "runtime/plan/Plan.h"
#include <chrono>

using namespace mlir;
using namespace m1;

template <typename Callable>
auto Compilation::timed(StringRef Name, Callable Run) {
  auto Start = std::chrono::steady_clock::now();
  auto Result = Run();
  std::chrono::duration<double> Took = std::chrono::steady_clock::now() - Start;
  Phases.push_back({Name.str(), Took.count()});
  return Result;
}

/// Runs a pipeline, and prints IR, times and statistics of its passes as the
/// command line asks for.
template <typename Callable>
LogicalResult Compilation::run(StringRef Name, ModuleOp On,
                               Callable BuildPipeline) {
  return timed(Name, [&]() -> LogicalResult {
    PassManager Passes(On.getContext());
    applyDefaultTimingPassManagerCLOptions(Passes);
    if (failed(applyPassManagerCLOptions(Passes)))
      return failure();
    BuildPipeline(Passes);
    return Passes.run(On);
  });
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// m1 to m1. Afterwards logits exist only where a function returns them, types
/// are those of one rank, every product has its epilogue, and every state can
/// be updated in place.
static void buildModelPipeline(OpPassManager &Passes) {
  // Only of functions with a loss.
  Passes.addPass(m1::createDifferentiate());
  Passes.addPass(m1::createBuildOptimizer());
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addNestedPass<func::FuncOp>(m1::createFuseHead());
  // Only of modules with a mesh.
  Passes.addPass(m1::createShard());
  Passes.addNestedPass<func::FuncOp>(m1::createFuseElementwise());
  Passes.addNestedPass<func::FuncOp>(m1::createVerifyStates());
}

LogicalResult Compilation::toModel() {
  return run("model", Module, buildModelPipeline);
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// m1 to plan and tile. Afterwards no m1 op is left, every buffer has its
/// offset, and code generation knows everything in the kernels.
static void buildSchedulePipeline(OpPassManager &Passes,
                                  const CompileOptions &Options,
                                  int64_t RecomputeLevel) {
  // No CSE on m1 ops after it.
  Passes.addNestedPass<func::FuncOp>(m1::createRecompute({RecomputeLevel}));
  Passes.addPass(createTileSetTarget({Options.Target}));
  M1ToPlanOptions Bounds;
  Bounds.tokens = Options.Tokens;
  Bounds.slots = Options.Slots;
  Bounds.length = Options.Length;
  Bounds.trainTokens = Options.TrainTokens;
  Bounds.gatherBytes = Options.GatherBytes;
  Bounds.cacheBlocks = Options.CacheBlocks;
  Passes.addPass(createM1ToPlan(Bounds));
  // No canonicalisation before tile-to-host and tile-to-gpu: upstream folds
  // vector ops into shape casts and masks, which code generation does not know.
  Passes.addPass(createCSEPass());
  Passes.addPass(createPlanAssignBuffers());
  Passes.addNestedPass<tile::KernelOp>(createTileVerify());
  Passes.addPass(createPlanVerify());
}

LogicalResult Compilation::schedule(ModuleOp On, int64_t RecomputeLevel) {
  return run("schedule", On, [&](OpPassManager &Passes) {
    buildSchedulePipeline(Passes, Options, RecomputeLevel);
  });
}

/// The lowest level at which activations take no more memory than they may. The
/// memory is known once every buffer has its offset, so each level is tried.
FailureOr<int64_t> Compilation::chooseRecomputeLevel() {
  constexpr int64_t MaxLevel = 3;
  if (Options.ActivationMemory == 0)
    return 0;
  int64_t Bytes = 0;
  for (int64_t Level = 0; Level <= MaxLevel; ++Level) {
    OwningOpRef<ModuleOp> Trial(Module.clone());
    if (failed(schedule(*Trial, Level)))
      return failure();
    Bytes = (*Trial)->getAttrOfType<IntegerAttr>(kActivationBytesAttr).getInt();
    if (Bytes <= Options.ActivationMemory)
      return Level;
  }
  return Module.emitError()
         << "activations need " << Bytes
         << " bytes, with all computed anew that can be; --activation-memory "
            "allows "
         << Options.ActivationMemory
         << "; compile for fewer tokens of a call (--train-tokens, "
            "--max-tokens)";
}

FailureOr<std::vector<PlanFigure>> Compilation::toPlan() {
  std::vector<PlanFigure> Figures = modelFigures(Module);
  FailureOr<int64_t> Level = chooseRecomputeLevel();
  if (failed(Level) || failed(schedule(Module, *Level)))
    return failure();
  llvm::append_range(Figures, planFigures(Module));
  return Figures;
}

//===----------------------------------------------------------------------===//
// The kernels: blocks to loops
//===----------------------------------------------------------------------===//

/// Blocks to loops for a CPU: one core per grid cell.
static void buildHostPipeline(OpPassManager &Passes) {
  Passes.addPass(createTileToHost());
  Passes.addNestedPass<func::FuncOp>(createTileAssignScratch());
  Passes.addPass(createTileVerifyLoops());
}

/// Blocks to the code of one thread for a GPU: one thread block per grid cell.
static void buildGpuPipeline(OpPassManager &Passes) {
  Passes.addNestedPass<tile::KernelOp>(createTileAssignLayouts());
  Passes.addNestedPass<tile::KernelOp>(createTileAssignProducts());
  Passes.addPass(createTileToGPU());
  Passes.addNestedPass<func::FuncOp>(createTileAssignScratch());
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addPass(createTileVerifyLoops());
}

Compilation::Backend Compilation::backend() {
  if (tile::targetOf(Module).getKind() == tile::TargetKind::Gpu)
    return {buildGpuPipeline, codegen::createGpuMachine, codegen::translateGpu,
            &Compilation::makeGpuCode};
  return {buildHostPipeline, codegen::createHostMachine, codegen::translateHost,
          &Compilation::makeHostCode};
}

/// Gives the ops of a kernel, which have no source location, that of a launch,
/// so that errors in them are reported there.
static void locate(tile::KernelOp Kernel, Location Launch) {
  Kernel->walk([&](Operation *Op) {
    if (auto Name = dyn_cast<NameLoc>(Op->getLoc());
        Name && isa<UnknownLoc>(Name.getChildLoc()))
      Op->setLoc(NameLoc::get(Name.getName(), Launch));
  });
}

OwningOpRef<ModuleOp> Compilation::kernels() {
  OwningOpRef<ModuleOp> Kernels = ModuleOp::create(Module.getLoc());
  (*Kernels)->setAttr(tile::kTargetAttr, tile::targetOf(Module));
  llvm::StringMap<tile::KernelOp> ByName;
  OpBuilder B = OpBuilder::atBlockEnd(Kernels->getBody());
  for (tile::KernelOp Kernel : Module.getOps<tile::KernelOp>())
    ByName[Kernel.getSymName()] = cast<tile::KernelOp>(B.clone(*Kernel));
  Module.walk([&](plan::LaunchOp Launch) {
    if (tile::KernelOp Kernel = ByName.lookup(Launch.getKernel()))
      locate(Kernel, Launch.getLoc());
  });
  return Kernels;
}

OwningOpRef<ModuleOp> Compilation::toLoops() {
  OwningOpRef<ModuleOp> Kernels = kernels();
  if (failed(run("loops", *Kernels, backend().BuildLoops)))
    return nullptr;
  return Kernels;
}

//===----------------------------------------------------------------------===//
// The kernels: loops to LLVM
//===----------------------------------------------------------------------===//

/// Loops, vectors and scalars to the LLVM dialect. Afterwards no other op is
/// left.
static void buildLLVMPipeline(OpPassManager &Passes) {
  Passes.addPass(createGPUToNVVM());
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addPass(createLoopInvariantCodeMotionPass());

  // Exponentials and the like become polynomials, bf16 becomes shifts.
  Passes.addPass(createExpandMath());
  arith::ArithExpandOpsPassOptions Expand;
  Expand.includeBf16 = true;
  Passes.addPass(arith::createArithExpandOpsPass(Expand));
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());

  Passes.addPass(createConvertSCFToCFPass());
  Passes.addPass(createConvertVectorToLLVMPass());
  Passes.addPass(createConvertMathToLLVMPass());
  Passes.addPass(createArithToLLVMConversionPass());
  Passes.addPass(createConvertControlFlowToLLVMPass());
  Passes.addPass(createConvertFuncToLLVMPass());
  Passes.addPass(createReconcileUnrealizedCastsPass());
  Passes.addPass(createVerifyLLVM());
}

FailureOr<KernelCode> Compilation::toLLVM() {
  KernelCode Code;
  Code.Lowered = toLoops();
  if (!Code.Lowered ||
      failed(run("LLVM dialect", *Code.Lowered, buildLLVMPipeline)))
    return failure();
  Code.Context = std::make_unique<llvm::LLVMContext>();
  Code.Machine = backend().CreateMachine(tile::targetOf(Module));
  Code.Module = timed("optimisation", [&] {
    return backend().Translate(*Code.Lowered, *Code.Context, *Code.Machine);
  });
  if (!Code.Module)
    return failure();
  return Code;
}

//===----------------------------------------------------------------------===//
// The kernels: LLVM to machine code
//===----------------------------------------------------------------------===//

FailureOr<MachineCode> Compilation::makeHostCode(KernelCode &Code) {
  auto Object = timed("machine code", [&] {
    return codegen::linkHost(*Code.Module, *Code.Machine, *Code.Lowered);
  });
  if (failed(Object))
    return failure();
  MachineCode Made;
  Made.Image.Format = "elf";
  Made.Image.Target = "x86_64-linux-gnu";
  Made.Image.Features = codegen::findTarget(tile::targetOf(Module))->Features;
  Made.Image.Data = std::move(*Object);
  return Made;
}

FailureOr<std::string> Compilation::emitPtx(KernelCode &Code) {
  return timed("PTX", [&] {
    return codegen::emitPtx(*Code.Module, *Code.Machine, *Code.Lowered);
  });
}

FailureOr<std::string> Compilation::toPtx() {
  FailureOr<KernelCode> Code = toLLVM();
  if (failed(Code))
    return failure();
  return emitPtx(*Code);
}

/// Also assembles the kernels, as a check, if there is an assembler.
FailureOr<MachineCode> Compilation::makeGpuCode(KernelCode &Code) {
  FailureOr<std::string> Text = emitPtx(Code);
  if (failed(Text))
    return failure();
  MachineCode Made;
  const tile::TargetAttr Target = tile::targetOf(Module);
  if (std::string Assembler = codegen::findAssembler(); !Assembler.empty()) {
    auto Assembled = timed(
        "ptxas", [&] { return codegen::assemble(*Text, Target, Assembler); });
    if (!Assembled) {
      emitError(UnknownLoc::get(Module.getContext()))
          << llvm::toString(Assembled.takeError());
      return failure();
    }
    Made.Resources = std::move(*Assembled);
  }
  Made.Image.Format = "ptx";
  Made.Image.Target = Target.getArchitecture();
  Made.Image.Data.assign(Text->begin(), Text->end());
  return Made;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

FailureOr<PlanFile> Compilation::toFile(ArrayRef<PlanFigure> Figures) {
  FailureOr<KernelCode> Code = toLLVM();
  if (failed(Code))
    return failure();
  FailureOr<MachineCode> Made = (this->*backend().MakeCode)(*Code);
  if (failed(Made))
    return failure();
  KernelImage &Image = Made->Image;
  for (auto Function : Code->Lowered->getOps<LLVM::LLVMFuncOp>()) {
    KernelLaunch &Launch = Image.Kernels[Function.getSymName()];
    if (auto Bytes = Function->getAttrOfType<IntegerAttr>(kScratchBytesAttr))
      Launch.ScratchBytes = Bytes.getInt();
    if (auto Threads = Function->getAttrOfType<IntegerAttr>(kThreadsAttr))
      Launch.Threads = Threads.getInt();
  }
  std::vector<uint8_t> Bytes = timed("file", [&] {
    return writePlan(Module, Image, Options.Slots, Options.Length, Figures);
  });
  // Do not write a plan that the runtime would refuse, because of its bounds or
  // its names.
  if (auto Loaded = LoadedPlan::fromBytes(Bytes, "this model"); !Loaded.ok()) {
    Module.emitError() << std::string(Loaded.status().message());
    return failure();
  }
  return PlanFile{std::move(Bytes), std::move(Image.Kernels),
                  std::move(Made->Resources)};
}
