//===- PtxCompiler.cpp - tile kernels to PTX ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/PtxCompiler.h"

#include "compiler/Codegen/Passes.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

void m1::codegen::buildPtxPipeline(OpPassManager &Passes) {
  // Blocks become loops over a thread's share.
  Passes.addPass(createTileToNVVM());
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());
  Passes.addPass(createLoopInvariantCodeMotionPass());

  // The same polynomials and roundings as on the host.
  Passes.addPass(createExpandMath());
  arith::ArithExpandOpsPassOptions Expand;
  Expand.includeBf16 = true;
  Passes.addPass(arith::createArithExpandOpsPass(Expand));
  Passes.addPass(createCanonicalizerPass());
  Passes.addPass(createCSEPass());

  // Everything is said in the LLVM and NVVM dialects.
  Passes.addPass(createConvertSCFToCFPass());
  ConvertVectorToLLVMPassOptions Vectors;
  Passes.addPass(createConvertVectorToLLVMPass(Vectors));
  Passes.addPass(createConvertMathToLLVMPass());
  Passes.addPass(createArithToLLVMConversionPass());
  Passes.addPass(createConvertControlFlowToLLVMPass());
  Passes.addPass(createConvertFuncToLLVMPass());
  Passes.addPass(createReconcileUnrealizedCastsPass());
}

FailureOr<std::string> m1::codegen::translatePtx(ModuleOp Module,
                                                 StringRef Architecture) {
  auto Fail = [](const Twine &Message) {
    llvm::WithColor::error(llvm::errs(), "m1c") << Message << "\n";
    return failure();
  };
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  std::string Error;
  const llvm::Target *Known =
      llvm::TargetRegistry::lookupTarget(kTriple.str(), Error);
  if (!Known)
    return Fail(Error);
  llvm::TargetOptions Options;
  Options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> Machine(Known->createTargetMachine(
      kTriple, Architecture, "+ptx80", Options, std::nullopt));

  OpBuilder B(Module.getContext());
  for (auto Function : Module.getOps<LLVM::LLVMFuncOp>())
    if (auto Threads = Function->getAttrOfType<IntegerAttr>(kThreadsAttr)) {
      int32_t X = Threads.getInt();
      Function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                        B.getUnitAttr());
      Function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                        B.getDenseI32ArrayAttr({X, 1, 1}));
    }

  registerBuiltinDialectTranslation(*Module->getContext());
  registerLLVMDialectTranslation(*Module->getContext());
  registerNVVMDialectTranslation(*Module->getContext());
  llvm::LLVMContext Context;
  std::unique_ptr<llvm::Module> Translated =
      translateModuleToLLVMIR(Module, Context, "m1c kernels");
  if (!Translated)
    return failure();
  Translated->setTargetTriple(kTriple);
  Translated->setDataLayout(Machine->createDataLayout());

  llvm::LoopAnalysisManager Loops;
  llvm::FunctionAnalysisManager Functions;
  llvm::CGSCCAnalysisManager Components;
  llvm::ModuleAnalysisManager Modules;
  llvm::PassBuilder Builder(Machine.get());
  Builder.registerModuleAnalyses(Modules);
  Builder.registerCGSCCAnalyses(Components);
  Builder.registerFunctionAnalyses(Functions);
  Builder.registerLoopAnalyses(Loops);
  Builder.crossRegisterProxies(Loops, Functions, Components, Modules);
  Builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(*Translated, Modules);

  llvm::SmallString<0> Text;
  llvm::raw_svector_ostream Stream(Text);
  llvm::legacy::PassManager Emit;
  if (Machine->addPassesToEmitFile(Emit, Stream, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return Fail("LLVM cannot write PTX");
  Emit.run(*Translated);
  return Text.str().str();
}
