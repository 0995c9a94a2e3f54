//===- Optimizer.h - the optimiser ------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H
#define M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_OPTIMIZER_H
