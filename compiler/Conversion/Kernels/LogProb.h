//===- LogProb.h - token log-probabilities ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H
#define M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The number of groups of panels that the vocabulary is cut into.
int64_t vocabularyGroups(const Blocking &Blocks, int64_t Vocabulary);

/// For each group and token the largest logit, the sum of exponentials relative
/// to it, and the target's logit if it lies in the group. Grid: (blocks of
/// rows, groups).
KernelDeclaration headPartsKernel();
/// The same, bit for bit, from logits instead of x and the head's weight.
KernelDeclaration logitsPartsKernel();
/// log softmax of the target from the parts. Grid: blocks of few rows.
KernelDeclaration logProbKernel();

/// m1.token_log_prob and m1.head_log_prob.
void addLogProbLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H
