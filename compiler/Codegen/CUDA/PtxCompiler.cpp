//===- PtxCompiler.cpp - tile kernels to PTX ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/PtxCompiler.h"

#include "compiler/Codegen/LLVM/ToLLVM.h"
#include "compiler/Codegen/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

void m1::codegen::buildThreadPipeline(OpPassManager &Passes) {
  Passes.addNestedPass<tile::KernelOp>(createTileAssignLayouts());
  Passes.addNestedPass<tile::KernelOp>(createTileAssignProducts());
  // Blocks become loops over a thread's share.
  Passes.addPass(createTileToGPU());
  Passes.addNestedPass<func::FuncOp>(createTileAssignScratch());
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
}

void m1::codegen::buildPtxPipeline(OpPassManager &Passes) {
  buildThreadPipeline(Passes);
  Passes.addPass(createGPUToNVVM());
  buildLLVMPipeline(Passes);
}

static std::unique_ptr<llvm::TargetMachine>
machineFor(tile::TargetAttr Target) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  return createMachine(
      {kTriple, Target.getArchitecture(), "+ptx80", std::nullopt});
}

std::unique_ptr<llvm::Module>
m1::codegen::translateGpu(ModuleOp Module, llvm::LLVMContext &Context,
                          tile::TargetAttr Target) {
  std::unique_ptr<llvm::TargetMachine> Machine = machineFor(Target);
  if (!Machine)
    return nullptr;
  OpBuilder B(Module.getContext());
  for (auto Function : Module.getOps<LLVM::LLVMFuncOp>())
    if (auto Threads = Function->getAttrOfType<IntegerAttr>(kThreadsAttr)) {
      int32_t X = Threads.getInt();
      Function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                        B.getUnitAttr());
      Function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                        B.getDenseI32ArrayAttr({X, 1, 1}));
    }
  std::unique_ptr<llvm::Module> Translated =
      translate(Module, Context, *Machine);
  if (Translated)
    optimise(*Translated, *Machine);
  return Translated;
}

FailureOr<std::string> m1::codegen::emitPtx(llvm::Module &Module,
                                            tile::TargetAttr Target) {
  std::unique_ptr<llvm::TargetMachine> Machine = machineFor(Target);
  if (!Machine)
    return failure();
  llvm::SmallString<0> Text;
  llvm::raw_svector_ostream Stream(Text);
  llvm::legacy::PassManager Emit;
  if (Machine->addPassesToEmitFile(Emit, Stream, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile)) {
    llvm::WithColor::error(llvm::errs(), "m1c") << "LLVM cannot write PTX\n";
    return failure();
  }
  Emit.run(Module);
  return Text.str().str();
}
