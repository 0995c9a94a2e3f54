//===- KernelFunction.cpp - kernels become functions ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/KernelFunction.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

LogicalResult m1::codegen::replaceKernels(
    ModuleOp Module,
    llvm::function_ref<SmallVector<Type>(tile::KernelOp)> Parameters,
    EmitKernelBody Emit) {
  for (tile::KernelOp Kernel :
       llvm::make_early_inc_range(Module.getOps<tile::KernelOp>())) {
    ScalarBuilder B(Kernel.getLoc(), Kernel.getOperation());
    auto Function = B.create<func::FuncOp>(
        Kernel.getSymName(), B.getFunctionType(Parameters(Kernel), {}));
    B.setInsertionPointToStart(Function.addEntryBlock());
    if (failed(Emit(Kernel, Function, B)))
      return failure();
    B.create<func::ReturnOp>();
    Kernel.erase();
  }
  return success();
}
