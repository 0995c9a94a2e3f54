//===- PtxCompiler.cpp - kernels to PTX -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/PtxCompiler.h"

#include "compiler/Codegen/LLVM/ToLLVM.h"
#include "compiler/Codegen/Passes.h"
#include "compiler/Codegen/Targets.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

std::unique_ptr<llvm::TargetMachine>
m1::codegen::createGpuMachine(tile::TargetAttr Target) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  return createMachine({kTriple, Target.getArchitecture(),
                        findTarget(Target)->ExtraFeatures, std::nullopt});
}

std::unique_ptr<llvm::Module>
m1::codegen::translateGpu(ModuleOp Kernels, llvm::LLVMContext &Context,
                          llvm::TargetMachine &Machine) {
  OpBuilder B(Kernels.getContext());
  for (auto Function : Kernels.getOps<LLVM::LLVMFuncOp>())
    if (auto Threads = Function->getAttrOfType<IntegerAttr>(kThreadsAttr)) {
      int32_t X = Threads.getInt();
      Function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                        B.getUnitAttr());
      Function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                        B.getDenseI32ArrayAttr({X, 1, 1}));
    }
  std::unique_ptr<llvm::Module> Translated =
      translate(Kernels, Context, Machine);
  if (Translated)
    optimise(*Translated, Machine);
  return Translated;
}

FailureOr<std::string> m1::codegen::emitPtx(llvm::Module &Module,
                                            llvm::TargetMachine &Machine,
                                            ModuleOp Kernels) {
  auto Text =
      emit(Module, Machine, llvm::CodeGenFileType::AssemblyFile, Kernels);
  if (failed(Text))
    return failure();
  return Text->str().str();
}
