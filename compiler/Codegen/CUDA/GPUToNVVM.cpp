//===- GPUToNVVM.cpp - threads, barriers and shuffles to NVVM -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Passes.h"

#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace m1 {
#define GEN_PASS_DEF_GPUTONVVM
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;

namespace {

struct GPUToNVVM : m1::impl::GPUToNVVMBase<GPUToNVVM> {
  using GPUToNVVMBase::GPUToNVVMBase;

  void runOnOperation() override {
    LLVMTypeConverter Types(&getContext());
    RewritePatternSet Patterns(&getContext());
    populateGpuToNVVMConversionPatterns(Types, Patterns);
    ConversionTarget Target(getContext());
    Target.addIllegalDialect<gpu::GPUDialect>();
    Target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), Target,
                                      std::move(Patterns))))
      signalPassFailure();
  }
};

} // namespace
