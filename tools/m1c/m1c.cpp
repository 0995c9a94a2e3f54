//===- m1c.cpp - compiles a checkpoint --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//
//   m1c CHECKPOINT_DIR|GRAPH.mlir -o FILE [--emit=m1]
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "frontends/huggingface/Import.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace {

enum class Emit { M1 };

cl::opt<std::string> Input(cl::Positional, cl::Required,
                           cl::desc("<checkpoint directory or graph.mlir>"));
cl::opt<std::string> Output("o", cl::desc("Output file, - for stdout"),
                            cl::value_desc("file"), cl::init("-"));
cl::opt<Emit> EmitKind("emit", cl::desc("What to write:"),
                       cl::values(clEnumValN(Emit::M1, "m1",
                                             "the model in the m1 dialect")),
                       cl::init(Emit::M1));
cl::opt<bool> Locations("locations",
                        cl::desc("Print what each operation computes"));

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
readModule(mlir::MLIRContext *Context) {
  if (!StringRef(Input).ends_with(".mlir"))
    return m1c::huggingface::importCheckpoint(Input, {}, Context);
  Context->loadDialect<m1::M1Dialect, mlir::func::FuncDialect>();
  auto Module =
      mlir::parseSourceFile<mlir::ModuleOp>(Input, mlir::ParserConfig(Context));
  if (!Module)
    return createStringError(Input + ": not a valid module");
  return Module;
}

void print(mlir::ModuleOp Module, raw_ostream &Stream) {
  Module->print(Stream, mlir::OpPrintingFlags().enableDebugInfo(Locations));
  Stream << '\n';
}

Error writeModule(mlir::ModuleOp Module) {
  if (Output == "-") {
    print(Module, outs());
    return Error::success();
  }
  // Aside first: a full disk leaves no half file under the real name.
  auto Temporary = sys::fs::TempFile::create(Output + ".%%%%%%");
  if (!Temporary)
    return createFileError(Output, Temporary.takeError());
  {
    raw_fd_ostream Stream(Temporary->FD, /*shouldClose=*/false);
    print(Module, Stream);
    Stream.flush();
    if (std::error_code Code = Stream.error()) {
      Stream.clear_error();
      consumeError(Temporary->discard());
      return createFileError(Output, Code);
    }
  }
  return Temporary->keep(Output);
}

} // namespace

int main(int Argc, char **Argv) {
  InitLLVM Init(Argc, Argv);
  cl::ParseCommandLineOptions(Argc, Argv, "Compiles a checkpoint.\n");
  mlir::MLIRContext Context;
  auto Module = readModule(&Context);
  Error Failure = Module ? writeModule(Module->get()) : Module.takeError();
  if (!Failure)
    return 0;
  WithColor::error(errs(), "m1c") << toString(std::move(Failure)) << '\n';
  return 1;
}
