//===- m1-opt.cpp - runs passes over modules, for tests and debugging -----===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Register.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int Argc, char **Argv) {
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  m1::registerPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(Argc, Argv, "m1c pass driver\n", Registry));
}
