//===- ToLLVM.cpp - what all targets do with LLVM -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/LLVM/ToLLVM.h"

#include "compiler/Codegen/Passes.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

std::unique_ptr<llvm::TargetMachine>
m1::codegen::createMachine(const MachineChoice &Choice) {
  std::string Error;
  const llvm::Target *Known =
      llvm::TargetRegistry::lookupTarget(Choice.Triple.str(), Error);
  if (!Known) {
    llvm::WithColor::error(llvm::errs(), "m1c") << Error << "\n";
    return nullptr;
  }
  llvm::TargetOptions Options;
  Options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(Known->createTargetMachine(
      Choice.Triple, Choice.Processor, Choice.Features, Options,
      Choice.Relocation, std::nullopt, llvm::CodeGenOptLevel::Default));
}

void m1::codegen::buildLLVMPipeline(OpPassManager &Passes) {
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addPass(createLoopInvariantCodeMotionPass());

  // Nothing is left to a library of mathematics: exponentials and the like
  // become polynomials, bf16 becomes shifts.
  Passes.addPass(createExpandMath());
  arith::ArithExpandOpsPassOptions Expand;
  Expand.includeBf16 = true;
  Passes.addPass(arith::createArithExpandOpsPass(Expand));
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());

  // Everything is said in the LLVM dialect.
  Passes.addPass(createConvertSCFToCFPass());
  ConvertVectorToLLVMPassOptions Vectors;
  Passes.addPass(createConvertVectorToLLVMPass(Vectors));
  Passes.addPass(createConvertMathToLLVMPass());
  Passes.addPass(createArithToLLVMConversionPass());
  Passes.addPass(createConvertControlFlowToLLVMPass());
  Passes.addPass(createConvertFuncToLLVMPass());
  Passes.addPass(createReconcileUnrealizedCastsPass());
}

std::unique_ptr<llvm::Module>
m1::codegen::translate(ModuleOp Module, llvm::LLVMContext &Context,
                       const llvm::TargetMachine &Machine) {
  registerBuiltinDialectTranslation(*Module->getContext());
  registerLLVMDialectTranslation(*Module->getContext());
  registerNVVMDialectTranslation(*Module->getContext());
  std::unique_ptr<llvm::Module> Translated =
      translateModuleToLLVMIR(Module, Context, "m1c kernels");
  if (Translated) {
    Translated->setTargetTriple(Machine.getTargetTriple().str());
    Translated->setDataLayout(Machine.createDataLayout());
  }
  return Translated;
}

void m1::codegen::optimise(llvm::Module &Module, llvm::TargetMachine &Machine) {
  llvm::LoopAnalysisManager Loops;
  llvm::FunctionAnalysisManager Functions;
  llvm::CGSCCAnalysisManager Components;
  llvm::ModuleAnalysisManager Modules;
  llvm::PipelineTuningOptions Tuning;
  Tuning.LoopVectorization = false;
  Tuning.SLPVectorization = false;
  llvm::PassBuilder Builder(&Machine, Tuning);
  Builder.registerModuleAnalyses(Modules);
  Builder.registerCGSCCAnalyses(Components);
  Builder.registerFunctionAnalyses(Functions);
  Builder.registerLoopAnalyses(Loops);
  Builder.crossRegisterProxies(Loops, Functions, Components, Modules);
  Builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(Module, Modules);
}
