//===- Kernels.h - the kernels of the model ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function returns a kernel that computes one op of the m1 dialect, or a
// part of one, made once for each combination of shapes and types. Above each:
// the grid, then the arguments in order. T, the number of tokens, is always an
// index argument; a packed weight [N, K] is [ceil(N / panel), K, panel], padded
// with zeros.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_KERNELS_H
#define M1C_COMPILER_CONVERSION_KERNELS_KERNELS_H

#include "compiler/Conversion/KernelBuilder.h"
#include "dialects/M1/IR/M1.h"

namespace m1 {

//===----------------------------------------------------------------------===//
// Products.cpp
//===----------------------------------------------------------------------===//

/// A weight [N, K] as products read it, in panels of `Panel` columns: [panels,
/// K, panel], or [panels, K / 2, panel, 2] with `Pairs`.
struct PackedLayout {
  int64_t Panels, K, Panel;
  bool Pairs;

  PackedLayout(int64_t N, int64_t K, int64_t Panel, bool Pairs);
  /// Of a packed weight's memory, without its axis of experts.
  explicit PackedLayout(llvm::ArrayRef<int64_t> Shape);
  llvm::SmallVector<int64_t> shape() const;
};
/// True if a product of these operands is one for the target's matrix units.
bool usesPairs(const Blocking &Blocks, mlir::Type X, mlir::Type W, int64_t K);
/// The block [K, panel] that lies in a packed weight at `Where`: the panel's
/// number, after the expert's if there is an axis of experts.
mlir::Value loadPanel(KernelBody &B, mlir::Value W, mlir::ValueRange Where);

/// Grid: panels. Arguments: source [N, K], destination as `To` says, of
/// `Element`, which is the source's type or a wider one.
tile::KernelOp packKernel(KernelCache &Cache, mlir::MemRefType Source,
                          mlir::Type Element, const PackedLayout &To);

/// An elementwise op at the end of a product. `Chained` is the operand that the
/// product, or the step before, provides; the others are read from memory, [T,
/// N] (or [T, 1], see isColumn).
struct ElementwiseStep {
  mlir::Operation *Op;
  unsigned Chained;
};
/// True if operand `Number` of an elementwise op is [T, 1].
bool isColumn(mlir::Operation *Op, unsigned Number);
/// Part of a kernel's name: the op, its attributes and its element types.
std::string nameOf(mlir::Operation *Elementwise);
/// The op on f32 blocks; the result is rounded to the op's element type and
/// widened again.
mlir::Value emitElementwise(KernelBody &B, mlir::Operation *Op,
                            mlir::ValueRange Operands);

/// x wᵀ, then the steps. Grid: (blocks of T, groups of panels). Arguments: x
/// [T, K], packed w, the steps' other operands in order, result [T, N], T.
tile::KernelOp linearKernel(KernelCache &Cache, mlir::MemRefType X,
                            mlir::MemRefType W, int64_t N,
                            llvm::ArrayRef<ElementwiseStep> Steps,
                            mlir::Type Result);

//===----------------------------------------------------------------------===//
// Rows.cpp: a few tokens a cell, whole rows
//===----------------------------------------------------------------------===//

/// Grid: few-row blocks of T. Arguments: the operands [T, N], result [T, N], T.
tile::KernelOp elementwiseKernel(KernelCache &Cache, mlir::Operation *Op,
                                 int64_t N);
/// Grid: few-row blocks of T. Arguments: x [T, N], weight [N], result [T, N],
/// T.
tile::KernelOp rmsNormKernel(KernelCache &Cache, RMSNormOp Op);
/// Grid: few-row blocks of T. Arguments: tokens [T], table [V, D], result [T,
/// D], T.
tile::KernelOp embeddingKernel(KernelCache &Cache, mlir::MemRefType Table,
                               mlir::Type Result);
/// Grid: sequences. Arguments: x [T, N], cu_seqlens [B+1], result [B, N].
tile::KernelOp selectLastKernel(KernelCache &Cache, mlir::MemRefType X);
/// Grid: (few-row blocks of T, heads). Arguments: x [T, H, d], positions [T],
/// result [T, H, d], T.
tile::KernelOp rotaryKernel(KernelCache &Cache, RotaryOp Op,
                            mlir::MemRefType X);

//===----------------------------------------------------------------------===//
// Attention.cpp
//===----------------------------------------------------------------------===//

/// What a lightning layer keeps, for each slot and head: the open chunk's k,
/// transposed, once for each part of v's columns, [slots, H, parts, d, C]; its
/// v [slots, H, C, d]; the state S [slots, H, d, d] in f32 and, where the
/// element type is not f32, its image in that type.
struct LightningMemory {
  mlir::MemRefType Keys, Values, State, Image; // Image is null for f32
};
LightningMemory lightningMemory(LightningStateType Type, int64_t Slots,
                                int64_t Parts);
/// Into how many parts v's columns are cut so that a cell can carry the state.
int64_t lightningParts(const Blocking &Blocks, int64_t HeadDim);
/// Parts share nothing that any of them writes. Grid: (sequences, heads,
/// parts). Arguments: q, k, v [T, H, d], keys, values, state, (image), slopes
/// [H] f32, positions [T], cu_seqlens [B+1], slots [B], result [T, H, d].
tile::KernelOp lightningKernel(KernelCache &Cache, LightningStateType State,
                               llvm::ArrayRef<mlir::MemRefType> QKV,
                               const LightningMemory &Memory,
                               mlir::Type Result);

/// What a softmax layer keeps, for each slot and key/value head, in blocks of
/// `KeyRows` positions: k, transposed, [slots, G, blocks, d, KeyRows]; v
/// [slots, G, blocks * KeyRows, d].
struct CacheMemory {
  mlir::MemRefType Keys, Values;
};
CacheMemory cacheMemory(KVCacheType Type, int64_t Slots, int64_t Length,
                        int64_t KeyRows);
/// Grid: (sequences, G, key blocks that T tokens can touch). Arguments: k, v
/// [T, G, d], keys, values, positions, cu_seqlens, slots.
tile::KernelOp appendKernel(KernelCache &Cache, mlir::MemRefType K,
                            mlir::MemRefType V, const CacheMemory &Memory);
/// Grid: (sequences, H, query blocks that T tokens can touch). Arguments: q [T,
/// H, d], keys, values, positions, cu_seqlens, slots, result [T, H, d]. With
/// `SegmentKeys`, a multiple of the keys of a block, keys are summed in
/// segments of so many, which are then joined in order, and sequences with a
/// single token are left to the next two kernels, which compute the same bits.
tile::KernelOp softmaxKernel(KernelCache &Cache, mlir::MemRefType Q,
                             const CacheMemory &Memory, double Scale,
                             int64_t SegmentKeys, mlir::Type Result);

/// What single tokens have seen of segments of `Keys` keys, anchored at
/// absolute positions: sums [B, H, segments, d] and, alike, maxima and sums [B,
/// H, segments], all f32. `Cells` thread blocks share the segments.
struct SegmentMemory {
  int64_t Keys, Cells;
  mlir::MemRefType O, Max;
};
SegmentMemory segmentMemory(int64_t SegmentKeys, int64_t Length, int64_t Heads,
                            int64_t Width, mlir::MLIRContext *Context);
/// Into how many blocks of rows the heads that share keys are cut.
int64_t softmaxHeadBlocks(const Blocking &Blocks, int64_t Heads,
                          int64_t Groups);
/// Grid: (sequences, G * head blocks, cells). Arguments: q [T, H, d], keys,
/// values, positions, cu_seqlens, slots; the parts: sums, maxima, sums of
/// powers.
tile::KernelOp softmaxSplitKernel(KernelCache &Cache, mlir::MemRefType Q,
                                  const CacheMemory &Memory, double Scale,
                                  const SegmentMemory &Parts);
/// Grid: (sequences, H). Arguments: the parts, positions, cu_seqlens, slots,
/// result [T, H, d].
tile::KernelOp softmaxJoinKernel(KernelCache &Cache, const SegmentMemory &Parts,
                                 mlir::Type Result);

//===----------------------------------------------------------------------===//
// Experts.cpp
//===----------------------------------------------------------------------===//

/// Grid: few-row blocks of T. Arguments: x [T, D], packed w (one panel),
/// experts [T, K], weights [T, K], T.
tile::KernelOp routerKernel(KernelCache &Cache, mlir::MemRefType X,
                            mlir::MemRefType W, int64_t Experts, int64_t K);
/// The rows t * K + k that chose each expert, ascending. Grid: experts.
/// Arguments: experts [T, K], list [E, bound], count [E], T.
tile::KernelOp routeKernel(KernelCache &Cache, mlir::MemRefType Lists,
                           int64_t K);
/// silu(x w1ᵀ) * (x w3ᵀ) of each chosen pair. Grid: (blocks of T, groups of
/// panels, experts). Arguments: x [T, D], packed w1 and w3 [E, panels, D,
/// panel], list, count, hidden [T * K, F].
tile::KernelOp expertsUpKernel(KernelCache &Cache, mlir::MemRefType X,
                               mlir::MemRefType W, mlir::MemRefType Lists,
                               int64_t F, int64_t K, mlir::Type Hidden);
/// hidden w2ᵀ of each chosen pair. Grid as above. Arguments: hidden [T * K, F],
/// packed w2 [E, panels, F, panel], list, count, pairs [T * K, D].
tile::KernelOp expertsDownKernel(KernelCache &Cache, mlir::MemRefType Hidden,
                                 mlir::MemRefType W, mlir::MemRefType Lists,
                                 int64_t D);
/// Grid: few-row blocks of T. Arguments: pairs [T, K, D], weights [T, K],
/// result [T, D], T.
tile::KernelOp combineKernel(KernelCache &Cache, int64_t K, int64_t D,
                             mlir::Type Result);

//===----------------------------------------------------------------------===//
// Output.cpp
//===----------------------------------------------------------------------===//

/// The vocabulary is cut into groups of panels; of each group and token: the
/// largest logit, the sum of exponentials relative to it, and the target's
/// logit if it lies there. Grid: (blocks of T, groups). Arguments: x [T, D],
/// packed w, targets [T], maxima, sums, chosen, each [T, groups], T.
tile::KernelOp headPartsKernel(KernelCache &Cache, mlir::MemRefType X,
                               mlir::MemRefType W, int64_t Vocabulary);
/// The same bits from logits [T, V] in place of x and w.
tile::KernelOp logitsPartsKernel(KernelCache &Cache, int64_t Vocabulary);
int64_t vocabularyGroups(const Blocking &Blocks, int64_t Vocabulary);
/// Grid: few-row blocks of T. Arguments: maxima, sums, chosen [T, groups],
/// result [T], T.
tile::KernelOp logProbKernel(KernelCache &Cache, int64_t Groups);

//===----------------------------------------------------------------------===//
// Sampling.cpp: a row a cell, or a group of a row's columns
//===----------------------------------------------------------------------===//

/// Memory of the launches that draw a token for each of B rows.
struct SampleMemory {
  int64_t Groups; // of columns
  int64_t Rounds; // launches of sampleCountKernel and sampleNarrowKernel
  mlir::MemRefType Maxima, Counts, Masses; // [B, groups] of f32, i32, f64
  mlir::MemRefType Weights;                // [B, V] of f32, as the logits
  mlir::MemRefType Sums;                   // [B, steps, groups] of f64
  mlir::MemRefType Words, Numbers;         // of each row, [B, n] of i32 and f64
};
SampleMemory sampleMemory(const Blocking &Blocks, mlir::MLIRContext *Context,
                          int64_t Vocabulary);

/// Of each group of columns the largest logit, the first token that has it, and
/// the first whose logit is NaN or infinity, 2^31 - 1 if there is none. Grid:
/// (B, groups). Arguments: logits, maxima, counts, counts.
tile::KernelOp sampleMaximaKernel(KernelCache &Cache, int64_t Vocabulary);
/// exp((logit - largest) / temperature), and the sum of each group. Grid: (B,
/// groups). Arguments: logits, temperature [B], maxima, weights, masses.
tile::KernelOp sampleWeightsKernel(KernelCache &Cache, int64_t Vocabulary);
/// The token of a row that is not drawn: the one with the largest logit, or -1
/// less the first whose logit is NaN or infinity. The others begin to search.
/// Grid: B. Arguments: temperature, top_p, top_k, seeds, positions [B]; what
/// sampleMaximaKernel made; masses, words, numbers, result [B].
tile::KernelOp sampleBeginKernel(KernelCache &Cache, int64_t Vocabulary);
/// One step of each row's search. Grids: (B, groups) and B. Arguments: logits,
/// weights, words, sums; temperature, top_p [B], sums, words, numbers.
tile::KernelOp sampleCountKernel(KernelCache &Cache, int64_t Vocabulary);
tile::KernelOp sampleNarrowKernel(KernelCache &Cache, int64_t Vocabulary);
/// The token of a row that is drawn. Grids: (B, groups). Arguments: logits,
/// words, counts; logits, words, counts, result [B].
tile::KernelOp sampleTiesKernel(KernelCache &Cache, int64_t Vocabulary);
tile::KernelOp samplePickKernel(KernelCache &Cache, int64_t Vocabulary);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_KERNELS_H
