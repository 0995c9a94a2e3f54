//===- m1-lsp-server.cpp - the dialects in an editor ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Register.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/CommandLine.h"

int main(int Argc, char **Argv) {
  m1::setVersionPrinter("m1-lsp-server");
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  return mlir::failed(mlir::MlirLspServerMain(Argc, Argv, Registry));
}
