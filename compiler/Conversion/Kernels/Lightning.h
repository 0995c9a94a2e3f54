//===- Lightning.h - lightning attention ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LIGHTNING_H
#define M1C_COMPILER_CONVERSION_KERNELS_LIGHTNING_H

#include "compiler/Conversion/Kernel.h"
#include "dialects/M1/IR/M1.h"

namespace m1 {

/// What a lightning layer keeps for each slot and head: the open chunk's k,
/// transposed, once for each part of v's columns, [slots, H, parts, D, C]; its
/// v [slots, H, C, D]; the state S [slots, H, D, D] in f32 and, where the
/// element type is not f32, its image: S rounded to that type.
struct LightningMemory {
  mlir::MemRefType Keys, Values, State, Image; // Image is null for f32

  LightningMemory(LightningStateType Type, int64_t Slots, int64_t Parts);
};

/// The number of parts that v's columns are cut into so that a cell can carry
/// the state.
int64_t lightningParts(const Blocking &Blocks, int64_t HeadDim);

/// Each part writes memory of its own only. Grid: (sequences, heads, parts).
KernelDeclaration lightningKernel();

/// m1.lightning_attention.
void addLightningLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LIGHTNING_H
