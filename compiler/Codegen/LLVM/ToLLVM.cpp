//===- ToLLVM.cpp - from the LLVM dialect to machine code -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/LLVM/ToLLVM.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace m1::codegen;

std::unique_ptr<llvm::TargetMachine>
m1::codegen::createMachine(const MachineChoice &Choice) {
  std::string Error;
  const llvm::Target *Known =
      llvm::TargetRegistry::lookupTarget(Choice.Triple.str(), Error);
  if (!Known)
    llvm::report_fatal_error(llvm::Twine(Error), /*gen_crash_diag=*/false);
  llvm::TargetOptions Options;
  Options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(Known->createTargetMachine(
      Choice.Triple, Choice.Processor, Choice.Features, Options,
      Choice.Relocation, std::nullopt, llvm::CodeGenOptLevel::Default));
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

//===----------------------------------------------------------------------===//
// Machine code
//===----------------------------------------------------------------------===//

InFlightDiagnostic m1::codegen::emitKernelError(ModuleOp Kernels,
                                                StringRef Name) {
  Operation *Kernel = SymbolTable::lookupSymbolIn(Kernels, Name);
  return emitError(Kernel ? Kernel->getLoc() : Kernels.getLoc())
         << "kernel '" << Name << "' ";
}

namespace {

/// Keeps the first error that LLVM reports, which would otherwise end the
/// process.
struct FirstError : llvm::DiagnosticHandler {
  explicit FirstError(std::string &Message) : Message(Message) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &Info) override {
    if (Info.getSeverity() != llvm::DS_Error)
      return false;
    if (Message.empty()) {
      llvm::raw_string_ostream Stream(Message);
      llvm::DiagnosticPrinterRawOStream Printer(Stream);
      Info.print(Printer);
    }
    return true;
  }

  std::string &Message;
};

} // namespace

/// Writes `Module` as `Type`. Returns LLVM's first error, or "". A fatal error,
/// at which LLVM would end the process, is returned as well.
static std::string emitTo(llvm::raw_pwrite_stream &Stream, llvm::Module &Module,
                          llvm::TargetMachine &Machine,
                          llvm::CodeGenFileType Type) {
  std::string Message;
  auto OnFatalError = [](void *Out, const char *Reason, bool) {
    *static_cast<std::string *>(Out) =
        StringRef(Reason).split('\n').first.str();
    llvm::CrashRecoveryContext::GetCurrent()->HandleExit(1);
  };
  llvm::LLVMContext &Context = Module.getContext();
  std::unique_ptr<llvm::DiagnosticHandler> Saved =
      Context.getDiagnosticHandler();
  Context.setDiagnosticHandler(std::make_unique<FirstError>(Message));
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext Recovery;
  {
    llvm::ScopedFatalErrorHandler Handler(OnFatalError, &Message);
    const bool Ended = Recovery.RunSafely([&] {
      llvm::legacy::PassManager Passes;
      if (Machine.addPassesToEmitFile(Passes, Stream, nullptr, Type))
        Message = "LLVM cannot emit this file type for the target";
      else
        Passes.run(Module);
    });
    if (!Ended && Message.empty())
      Message = "LLVM crashed";
  }
  llvm::CrashRecoveryContext::Disable();
  Context.setDiagnosticHandler(std::move(Saved));
  return Message;
}

llvm::FailureOr<llvm::SmallString<0>>
m1::codegen::emit(llvm::Module &Module, llvm::TargetMachine &Machine,
                  llvm::CodeGenFileType Type, ModuleOp Kernels) {
  llvm::SmallString<0> Text;
  llvm::raw_svector_ostream Stream(Text);
  const std::string Message = emitTo(Stream, Module, Machine, Type);
  if (Message.empty())
    return Text;
  // LLVM does not say where: compile each kernel alone.
  for (const llvm::Function &F : Module) {
    if (F.isDeclaration())
      continue;
    llvm::ValueToValueMapTy Map;
    std::unique_ptr<llvm::Module> Alone =
        llvm::CloneModule(Module, Map, [&](const llvm::GlobalValue *Value) {
          return Value == &F || isa<llvm::GlobalVariable>(Value);
        });
    llvm::raw_null_ostream Nowhere;
    if (std::string Own = emitTo(Nowhere, *Alone, Machine, Type);
        !Own.empty()) {
      emitKernelError(Kernels, F.getName()) << "cannot be compiled: " << Own;
      return failure();
    }
  }
  Kernels.emitError("the kernels cannot be compiled: ") << Message;
  return failure();
}
