//===- Sampling.h - drawing tokens ------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_SAMPLING_H
#define M1C_COMPILER_CONVERSION_KERNELS_SAMPLING_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// Memory of the launches that draw a token for each of B rows.
struct SampleMemory {
  int64_t Groups; // of columns
  int64_t Rounds; // launches of sampleCountKernel and sampleNarrowKernel
  mlir::MemRefType Maxima, Counts, Masses; // [B, groups] of f32, i32, f64
  mlir::MemRefType Weights;                // [B, V] of f32, as the logits
  mlir::MemRefType Sums;                   // [B, steps, groups] of f64
  mlir::MemRefType Words, Numbers;         // of each row, [B, n] of i32 and f64

  SampleMemory(const Blocking &Blocks, mlir::MLIRContext *Context,
               int64_t Vocabulary);
};

/// For each group of columns the largest logit, the first token that has it,
/// and the first token whose logit is NaN or infinity (2^31 - 1 if there is
/// none). Grid: (B, groups).
KernelDeclaration sampleMaximaKernel();
/// exp((logit - largest) / temperature), 0 for tokens that min_p drops, and its
/// sum for each group. Grid: (B, groups).
KernelDeclaration sampleWeightsKernel();
/// The token of each row that needs no draw: the one with the largest logit, or
/// -1 - t for the first token t whose logit is NaN or infinity. Starts the
/// search of the other rows. Grid: B.
KernelDeclaration sampleBeginKernel();
/// One round of each row's search. Grids: (B, groups) and B.
KernelDeclaration sampleCountKernel();
KernelDeclaration sampleNarrowKernel();
/// The token of each row that draws one: the number of tokens with the chosen
/// key in each group, then the token. Grids: (B, groups).
KernelDeclaration sampleTiesKernel();
KernelDeclaration samplePickKernel();

/// Logits under each row's rules. Grid: (B, groups).
KernelDeclaration adjustLogitsKernel();

/// m1.sample and m1.adjust_logits.
void addSamplingLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_SAMPLING_H
