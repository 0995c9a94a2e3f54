//===- Exchange.cpp - copies of blocks in registers -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Exchange.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

Exchange::~Exchange() {
  for (Value Block : Copied)
    Context.Storage.removeCopy(Block);
}

void Exchange::copy(Value Block) {
  if (Context.Storage.hasCopy(Block))
    return;
  auto Type = cast<VectorType>(Block.getType());
  const Access From = *Context.Storage.buffer(Block);
  const Access To = Context.Scratch.allocate(Type.clone(From.Element));
  Threads.barrier();
  // With the guard, only one of the lanes that share a row's value writes it.
  const Extent Whole = Extent::of(Type);
  Threads.forEachSlot(*From.Layout, Type.getRank() == 1 ? &Whole : nullptr,
                      /*Vectorize=*/true, [&](const Position &P) {
                        Context.Eval.store(Context.Eval.load(From, P), To, P);
                      });
  Threads.barrier();
  Context.Storage.addCopy(Block, To);
  Copied.push_back(Block);
}

void Exchange::prepare(Value Block, const RegisterLayout *Where) {
  if (const Access *Buffer = Context.Storage.buffer(Block)) {
    if (Buffer->Layout && Buffer->Layout != Where)
      copy(Block);
    return;
  }
  if (const Access *Load = Context.Storage.lazyLoad(Block)) {
    if (Load->RowIndex)
      prepare(Load->RowIndex, nullptr);
    return;
  }
  Operation *Op = Block.getDefiningOp();
  const RegisterLayout *Inner = Where;
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
    Inner = Broadcast.getAxis() == 1 && Where ? Where->OfRows : nullptr;
  else if (!OpTrait::hasElementwiseMappableTraits(Op))
    Inner = nullptr;
  for (Value Operand : Op->getOperands())
    if (isa<VectorType>(Operand.getType()))
      prepare(Operand, Inner);
}
