//===- Register.cpp - dialects and passes of the tools --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Register.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"

void m1c::registerDialects(mlir::DialectRegistry &Registry) {
  Registry.insert<m1::M1Dialect, mlir::arith::ArithDialect,
                  mlir::func::FuncDialect>();
}

void m1c::registerPasses() {
  mlir::registerTransformsPasses();
  registerTransformsPasses();
}
