//===- Sequences.cpp - ragged batches inside kernels ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Sequences.h"

using namespace mlir;
using namespace m1;

void m1::withSequence(KernelBody &B,
                      llvm::function_ref<void(const Sequence &)> Body) {
  Value CuSeqlens = B["cu_seqlens"];
  Value Begin = B.at(CuSeqlens, B.X);
  Value End = B.at(CuSeqlens, B.plus(B.X, B.index(1)));
  B.ifThen(B.less(Begin, End), [&] {
    Body({Begin, B.minus(End, Begin), B.at(B["positions"], Begin),
          B.at(B["slots"], B.X)});
  });
}

void m1::withWholeSequence(KernelBody &B,
                           llvm::function_ref<void(const Sequence &)> Body) {
  Value CuSeqlens = B["cu_seqlens"];
  Value Begin = B.at(CuSeqlens, B.X);
  Value End = B.at(CuSeqlens, B.plus(B.X, B.index(1)));
  B.ifThen(B.less(Begin, End), [&] {
    const Sequence Seq{Begin, B.minus(End, Begin), B.index(0), Value()};
    Body(Seq);
  });
}

Value m1::chunkRow(KernelBody &B, const Sequence &Seq, Value Chunk, int64_t C) {
  return B.plus(B.plus(B.over(Seq.Begin, C), B.X), Chunk);
}

NewTokens m1::newTokens(KernelBody &B, const Sequence &Seq, Value Chunk,
                        int64_t C) {
  NewTokens New;
  Value Base = B.times(Chunk, C);
  Value Past = B.plus(Seq.Position, Seq.Count);
  New.First = B.larger(B.minus(Seq.Position, Base), B.index(0));
  New.Past = B.smaller(B.minus(Past, Base), B.index(C));
  New.Count = B.minus(New.Past, New.First);
  New.Token = B.plus(Seq.Begin, B.minus(B.plus(Base, New.First), Seq.Position));
  return New;
}

Value m1::shifted(KernelBody &B, Value Block, Value By) {
  return B.create<arith::AddIOp>(
      Block, B.fill(B.toI32(By), cast<VectorType>(Block.getType()).getShape()));
}
