//===- InterpretOptimizer.cpp - the optimiser -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/TrainingOperations.h"

using namespace mlir;
using namespace m1::reference;

void m1::reference::attachOptimizer(MLIRContext &Context) {}
