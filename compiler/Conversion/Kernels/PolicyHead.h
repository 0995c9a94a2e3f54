//===- PolicyHead.h - the output head and its loss --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_POLICYHEAD_H
#define M1C_COMPILER_CONVERSION_KERNELS_POLICYHEAD_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_POLICYHEAD_H
