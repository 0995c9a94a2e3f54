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

namespace m1 {

// The kernels of m1.policy_head. Each processes the tokens from `first` on, one
// block of them, whose logits are in memory: T is an axis of all tokens, B of
// those in the block. Cells whose tokens are past the argument `rows` do
// nothing.

/// The tokens of a block, so that its logits take about 32 MiB: a multiple of
/// the rows of a product's block.
int64_t policyBlock(const Blocking &Blocks, int64_t Vocabulary);

/// The rows of x rounded to the weight's type. Grid: blocks of few rows.
KernelDeclaration policyRoundKernel();
/// The logits of a block and, as the head's kernels, their GroupParts. Grid:
/// (blocks of `Blocking::HeadRows` rows, groups).
KernelDeclaration policyPartsKernel();
/// Log-probabilities, and what the gradient of a token's logits needs: the
/// largest logit, log(sum) and 1 / sum of the exponentials relative to it,
/// 1 - p of the target, and the loss's derivative in the target's logit before
/// the softmax, s / temperature. Grid: blocks of few rows.
KernelDeclaration policyLossKernel();
/// Replaces logits by the loss's gradient in them; the entropy of each group.
/// Grid: (blocks of rows, groups).
KernelDeclaration policyGradientKernel();
/// The sum of the groups' entropies. Grid: blocks of few rows.
KernelDeclaration policyEntropyKernel();
/// The gradient of x from that of the logits, a product with the transposed
/// weight. Grid: (blocks of rows, groups of panels).
KernelDeclaration policyXGradientKernel();
/// Adds the gradient of the weight to the state, one token after the other, up
/// to the token before `end`, or with "list" as addOverTokens() says. Grid:
/// (blocks of the weight's columns, blocks of its rows).
KernelDeclaration policyWeightGradientKernel();

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_POLICYHEAD_H
