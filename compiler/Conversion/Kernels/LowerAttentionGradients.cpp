//===- LowerAttentionGradients.cpp - launches of attention gradients ------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LightningGradient.h"
#include "compiler/Conversion/Kernels/SoftmaxGradient.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

void m1::addAttentionGradientLowerings(MLIRContext *Context) {}
