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
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tools/CommandLine.h"
#include "tools/Diagnostics.h"
#include "tools/Failures.h"
#include "tools/OutputStream.h"
#include "tools/ToolProcess.h"
#include "llvm/Support/Process.h"
#include <unistd.h>

using namespace llvm;

static cl::OptionCategory Category("m1-opt options");
static cl::opt<std::string> Input(cl::Positional, cl::init("-"),
                                  cl::desc("<module.mlir>"), cl::cat(Category));
static cl::opt<std::string> Output("o", cl::init("-"), cl::desc("Output file"),
                                   cl::value_desc("file"), cl::cat(Category));

/// Runs the passes on the module. A file appears when it is complete.
static int run(mlir::DialectRegistry &Registry,
               const mlir::MlirOptMainConfig &Config) {
  if (Input == "-" && sys::Process::FileDescriptorIsDisplayed(STDIN_FILENO))
    errs() << "(reading a module from standard input)\n";
  mlir::MLIRContext Context(mlir::MLIRContext::Threading::DISABLED);
  m1::printDiagnosticsBriefly(Context, "m1-opt");
  std::unique_ptr<MemoryBuffer> Module = m1::readModuleFile(Input, &Context);
  if (!Module)
    return EXIT_FAILURE;
  if (Output == "-")
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(outs(), std::move(Module), Registry, Config));
  auto write = [&]() -> absl::Status {
    M1_ASSIGN_OR_RETURN(auto Stream, m1::OutputStream::create(Output));
    if (mlir::failed(
            mlir::MlirOptMain(*Stream, std::move(Module), Registry, Config)))
      return m1::makeError(); // reported
    M1_RETURN_IF_ERROR(Stream->close());
    return Stream->commit();
  };
  absl::Status Status = write();
  if (Status.ok())
    return EXIT_SUCCESS;
  if (!Status.message().empty())
    WithColor::error(errs(), "m1-opt") << std::string(Status.message()) << '\n';
  return EXIT_FAILURE;
}

int main(int Argc, char **Argv) {
  m1::ToolProcess Process(Argc, Argv);
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
  auto Config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (Config.shouldShowDialects())
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(Argc, Argv, Input, Output, Registry));
  return m1::runOnLargeStack([&] { return run(Registry, Config); });
}
