//===- LowerRowGradients.cpp - launches of gradients on rows --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/RowGradients.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

void m1::addRowGradientLowerings(MLIRContext *Context) {}
