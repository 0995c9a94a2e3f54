//===- BlockStorage.cpp - where a kernel's values are ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/BlockStorage.h"

#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// True if `Holds` is true for one of the blocks that `Op` takes.
static bool anyOperandBlock(Operation *Op,
                            llvm::function_ref<bool(Value)> Holds) {
  return llvm::any_of(Op->getOperands(), [&](Value V) {
    return isa<VectorType>(V.getType()) && Holds(V);
  });
}

const Access *BlockStorage::readable(Value Block,
                                     const RegisterLayout *Layout) const {
  const Access *Buffer = buffer(Block);
  if (!Buffer || !Buffer->Layout || Buffer->Layout == Layout)
    return Buffer;
  const Access *Copy = find(Copies, Block);
  assert(Copy && "registers are read in their own layout or from a copy");
  return Copy;
}

bool BlockStorage::isVectorizable(Value Block) const {
  if (const Access *A = access(Block))
    return A->Strides.back() == 1;
  Operation *Op = Block.getDefiningOp();
  if (isa<vector::TransposeOp>(Op))
    return false;
  // One element of the column is repeated along a row, however it is evaluated.
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op);
      Broadcast && Broadcast.getAxis() == 1)
    return true;
  return !anyOperandBlock(Op, [&](Value V) { return !isVectorizable(V); });
}

bool BlockStorage::permutesElements(Value Block) const {
  Operation *Op = Block.getDefiningOp();
  if (!Op || access(Block))
    return false;
  return isa<vector::TransposeOp>(Op) ||
         anyOperandBlock(Op, [&](Value V) { return permutesElements(V); });
}

bool BlockStorage::reads(Value Block, Value Target) const {
  if (Block == Target)
    return true;
  if (buffer(Block))
    return false;
  if (const Access *Load = lazyLoad(Block))
    return Load->RowIndex && reads(Load->RowIndex, Target);
  Operation *Op = Block.getDefiningOp();
  return Op && anyOperandBlock(Op, [&](Value V) { return reads(V, Target); });
}

BlockStorage::Redirection::Redirection(BlockStorage &Storage, Value Block,
                                       const Access &From)
    : Storage(Storage), Block(Block) {
  if (const Access *Buffer = Storage.buffer(Block))
    Before = *Buffer;
  Storage.Buffers[Block] = From;
}

BlockStorage::Redirection::~Redirection() {
  if (Before)
    Storage.Buffers[Block] = *Before;
  else
    Storage.Buffers.erase(Block);
}
