//===- Import.cpp - imports a HuggingFace checkpoint ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Import.h"

#include "dialects/M1/IR/M1.h"
#include "frontends/huggingface/Builder.h"
#include "frontends/huggingface/Tensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace m1::huggingface;
using namespace mlir;

llvm::Expected<OwningOpRef<ModuleOp>> m1::huggingface::importCheckpoint(
    StringRef Directory, const ImportOptions &Options, MLIRContext *Context) {
  if (!llvm::sys::fs::is_directory(Directory))
    return llvm::createStringError(
        Directory + ": not a directory, expected one with a config.json");
  SmallString<128> ConfigFile(Directory);
  llvm::sys::path::append(ConfigFile, "config.json");
  llvm::Expected<Config> C = readConfig(ConfigFile);
  if (!C)
    return C.takeError();
  std::string Note;
  auto Parameters = resolveParameters(Directory, *C, Note);
  if (!Parameters)
    return Parameters.takeError();
  if (!Note.empty() && Options.Note)
    Options.Note(Note);
  if (Options.Warn)
    for (const std::string &Warning : C->Warnings)
      Options.Warn(Warning);

  Context->loadDialect<m1::M1Dialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> Module =
      buildModel(*C, *Parameters, Options.Model, Context);
  if (failed(verify(*Module)))
    return llvm::createStringError(
        ConfigFile + ": the model built from it is invalid: a defect of the "
                     "importer");
  return Module;
}
