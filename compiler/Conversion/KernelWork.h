//===- KernelWork.h - what launches cost ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELWORK_H
#define M1C_COMPILER_CONVERSION_KERNELWORK_H

#include "compiler/Conversion/Kernel.h"
#include "dialects/Plan/IR/Work.h"

namespace m1 {

/// Sets the attributes of Work.h of a launch of the kernel that is declared as
/// `Declaration`: the work of the equation that the kernel computes, without
/// what padding adds.
void describeWork(plan::LaunchOp Launch, llvm::StringRef Declaration,
                  llvm::ArrayRef<Named<mlir::Attribute>> Constants);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELWORK_H
