//===- Materializer.cpp - writing blocks to buffers -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Materializer.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void Materializer::write(Value Block, const Access &To, const Extent &E) {
  auto Transpose = Block.getDefiningOp<vector::TransposeOp>();
  const bool IsTransposed = Transpose && !Context.Storage.access(Block);
  Value Source = IsTransposed ? Transpose.getVector() : Block;
  auto Row = [&](const Position &P) {
    return Context.B.convertFloat(Context.Eval.evaluate(Source, P), To.Element);
  };
  if (Context.Storage.isVectorizable(Source)) {
    if (To.Pairs && Loops.interleave(To, E, IsTransposed, Row))
      return;
    if (IsTransposed && Loops.transpose(To, E, Row))
      return;
  }
  const bool Vectorize =
      Context.Storage.isVectorizable(Block) && To.Strides.back() == 1;
  Extent Written = E;
  if (To.Pairs && !To.Rows && E.Rows) // whole pairs in a buffer
    Written.Rows =
        Context.B.times(Context.B.over(Context.B.plus(E.Rows, 1), 2), 2);
  Loops.forEach(Block, To, Written, Vectorize, [&](const Position &P) {
    Context.Eval.store(Context.Eval.evaluate(Block, P), To, P);
  });
}

Access Materializer::materialize(Value Block, Type Element) {
  auto Type = cast<VectorType>(Block.getType());
  if (!Element)
    Element = Type.getElementType();
  if (const Access *Buffer = Context.Storage.buffer(Block);
      Buffer && Buffer->Element == Element)
    return *Buffer;
  Access To = allocateFor(Block, Type.clone(Element));
  write(Block, To);
  return To;
}

Access Materializer::materializePairs(Value Block, Value Rows) {
  auto Type = cast<VectorType>(Block.getType());
  Access To = allocateFor(Block, Type);
  To.Strides = {2 * Type.getDimSize(1), 2};
  To.Pairs = true;
  Extent E = Context.demandedExtent(Block);
  if (Rows)
    E.Rows = Rows;
  write(Block, To, E);
  return To;
}

void Materializer::assign(ValueRange Values, ValueRange Current,
                          ArrayRef<Access> Targets) {
  BlockStorage &Storage = Context.Storage;
  auto IsAssigned = [&](size_t I) {
    if (Current.empty())
      return true;
    // A product that was added in place is where it belongs.
    const Access *Buffer = Storage.buffer(Values[I]);
    return Values[I] != Current[I] &&
           !(Buffer && Buffer->Base == Targets[I].Base);
  };
  // A target must not change while another value, or other elements of its own
  // value, are still computed from it. Such a value is computed to a temporary
  // buffer first.
  SmallVector<std::optional<Access>> Temporaries(Values.size());
  for (auto [I, V] : llvm::enumerate(Values)) {
    if (Current.empty() || !IsAssigned(I))
      continue;
    bool IsRead = Storage.permutesElements(V) && Storage.reads(V, Current[I]);
    for (auto [J, Other] : llvm::enumerate(Values))
      IsRead |= I != J && Storage.reads(Other, Current[I]);
    if (!IsRead)
      continue;
    if (!isa<BlockArgument>(V)) {
      Temporaries[I] = materialize(V);
      continue;
    }
    // The block of another target, whose buffer is about to change.
    Temporaries[I] = allocateFor(V, cast<VectorType>(V.getType()));
    write(V, *Temporaries[I]);
  }
  for (auto [I, V] : llvm::enumerate(Values))
    if (!Temporaries[I] && IsAssigned(I))
      write(V, Targets[I]);
  for (auto [V, To, Temporary] : llvm::zip(Values, Targets, Temporaries))
    if (Temporary) {
      BlockStorage::Redirection Meanwhile(Storage, V, *Temporary);
      write(V, To);
    }
}
