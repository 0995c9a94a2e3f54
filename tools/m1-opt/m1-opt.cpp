//===- m1-opt.cpp - runs passes over modules, for tests and debugging -----===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/ModuleFile.h"
#include "compiler/Pipelines/Register.h"
#include "mlir/Debug/CLOptionsSetup.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tools/CommandLine.h"
#include "tools/Diagnostics.h"
#include "tools/Failures.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;

static cl::OptionCategory Category("m1-opt options");
static cl::opt<std::string> Input(cl::Positional, cl::init("-"),
                                  cl::desc("<module.mlir>"), cl::cat(Category));
static cl::opt<std::string> Output("o", cl::init("-"), cl::desc("Output file"),
                                   cl::value_desc("file"), cl::cat(Category));

/// MlirOptMain for input whose nesting has been verified.
static mlir::LogicalResult runPasses(int Argc, char **Argv,
                                     mlir::DialectRegistry &Registry) {
  auto Config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (Config.shouldShowDialects()) // and read nothing
    return mlir::MlirOptMain(Argc, Argv, Input, Output, Registry);
  auto Fail = [](StringRef Message) {
    WithColor::error(errs(), "m1-opt") << m1::printable(Message) << '\n';
    return mlir::failure();
  };
  std::string Error;
  auto In = mlir::openInputFile(Input, &Error);
  if (!In)
    return Fail(Error);
  {
    mlir::MLIRContext Context(mlir::MLIRContext::Threading::DISABLED);
    m1::printDiagnosticsBriefly(Context, "m1-opt");
    if (failed(m1::verifyNesting(In->getBuffer(), Input, &Context)))
      return mlir::failure();
  }
  auto Out = mlir::openOutputFile(Output, &Error);
  if (!Out)
    return Fail(Error);
  if (failed(mlir::MlirOptMain(Out->os(), std::move(In), Registry, Config)))
    return mlir::failure();
  Out->keep(); // otherwise it is removed
  return mlir::success();
}

int main(int Argc, char **Argv) {
  InitLLVM Init(Argc, Argv);
  m1::reportFailuresBriefly("m1-opt");
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  m1::registerPasses();
  m1::hideRegisteredOptions(&Category);
  mlir::MlirOptMainConfig::registerCLOptions(Registry);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  mlir::tracing::DebugConfig::registerCLOptions();
  m1::parseCommandLine(
      Argc, Argv,
      "Runs passes on a module, for tests and debugging.\n\n"
      "  m1-opt module.mlir --canonicalize --m1-fuse-head\n"
      "  m1-opt module.mlir --tile-set-target=name=x86-64-v3 --m1-to-plan "
      "--mlir-print-ir-before-all\n"
      "  m1-opt module.mlir --pass-pipeline='builtin.module("
      "tile-set-target{name=x86-64-v3},m1-to-plan)'\n");
  return m1::runOnLargeStack(
      [&] { return mlir::asMainReturnCode(runPasses(Argc, Argv, Registry)); });
}
