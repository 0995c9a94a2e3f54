//===- Softmax.h - softmax attention ----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_SOFTMAX_H
#define M1C_COMPILER_CONVERSION_KERNELS_SOFTMAX_H

#include "compiler/Conversion/Kernel.h"
#include "dialects/M1/IR/M1.h"

namespace m1 {

/// What a softmax layer keeps for each slot and key/value head, in key blocks
/// of C = `KeyRows` positions: k, transposed, [slots, G, inner, D, C]; v
/// [slots, G, length, D] with length = inner * C. A cache in blocks has `Parts`
/// blocks instead of slots, each of `Length` positions, which C divides.
struct CacheMemory {
  mlir::MemRefType Keys, Values;

  CacheMemory(KVCacheType Type, int64_t Parts, int64_t Length, int64_t KeyRows);
};

// All kernels that access the cache take the table `blocks` [B, M] of a cache
// in blocks; without it, x's slot is where its keys and values are.

/// Adds the call's keys and values to the cache. Grid: (sequences, G, key
/// blocks that T tokens can touch).
KernelDeclaration appendKernel();

/// Attention of a block of queries. With `segment_keys`, a multiple of C, keys
/// are summed in segments of that many, which are then joined in order, and
/// sequences with a single token are left to the next two kernels, which
/// compute the same bits. Grid: (sequences, H, query blocks that T tokens can
/// touch).
KernelDeclaration softmaxKernel();

/// The partial results of the cells that share a single query's keys: for each
/// sequence, head and segment the weighted sum of v, the largest score and the
/// sum of exponentials.
struct SegmentMemory {
  int64_t Cells; // that share the segments of a sequence and head
  mlir::MemRefType Sums, Numbers; // [B, H, segments, D], [B, H, segments]

  SegmentMemory(int64_t SegmentKeys, int64_t Length, int64_t Heads,
                int64_t Width, mlir::MLIRContext *Context);
};

/// Blocks of query heads that share a key/value head.
int64_t softmaxHeadBlocks(const Blocking &Blocks, int64_t Heads,
                          int64_t Groups);
/// Sums the segments of sequences with a single token. Rows of a block are the
/// query heads that share keys. Grid: (sequences, G * head blocks, cells).
KernelDeclaration softmaxSplitKernel();
/// Joins these segments in order. Grid: (sequences, H).
KernelDeclaration softmaxJoinKernel();

/// m1.softmax_attention.
void addSoftmaxLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_SOFTMAX_H
