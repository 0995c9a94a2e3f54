//===- ProductRules.cpp - how products can be computed --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/ProductRules.h"

#include "compiler/Codegen/Blocks/Access.h"
#include "compiler/Codegen/CUDA/SharedTile.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;
using tile::OperandSource;
using tile::ProductMethod;

/// The most bytes of an operand that is in shared memory as a whole; both
/// together fit the smallest thread block's shared memory, 99 KiB (sm_86).
static constexpr int64_t kMaxSharedRight = 64 << 10;
static constexpr int64_t kMaxSharedLeft = 32 << 10;

/// The least k of a `split` product, in multiples of the threads of a thread
/// block.
static constexpr int64_t kSplitDepth = 8;

static Type elementOf(Value Block) {
  return getElementTypeOrSelf(Block.getType());
}

ProductRules::ProductRules(tile::KernelOp Kernel, tile::TargetAttr Target)
    : Threads(Kernel.getThreads()), Unit(Target.getUnit()), Layouts(Kernel) {
  Kernel.getBody().walk([&](tile::DotOp Dot) {
    auto Chosen = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
    const bool Wanted =
        Chosen ? Chosen.getLeft() &&
                     Chosen.getLeft().getSource() == OperandSource::Shared
               : isReused(Dot);
    if (Wanted && Materialized.isLazyLoad(Dot.getA()))
      Resident.insert(Dot.getA());
  });
}

//===----------------------------------------------------------------------===//
// What is possible
//===----------------------------------------------------------------------===//

bool ProductRules::canStage(Value Block) {
  if (!Materialized.isLazyLoad(Block) || isResident(Block) ||
      !canBeInShared(Block))
    return false;
  MemRefType From;
  Value Col;
  if (auto Load = Block.getDefiningOp<tile::LoadOp>()) {
    From = cast<MemRefType>(Load.getMemref().getType());
    Col = Load.getIndices().back();
    if (Load.getDims()[1] != From.getRank() - 1)
      return false;
  } else {
    auto Gather = Block.getDefiningOp<tile::GatherOp>();
    From = cast<MemRefType>(Gather.getMemref().getType());
    Col = Gather.getCol();
  }
  int64_t Offset;
  SmallVector<int64_t> Strides;
  return succeeded(getStridesAndOffset(From, Strides, Offset)) &&
         Strides.back() == 1 &&
         rowAlignment(From, Col) % TileLayout::kChunk == 0;
}

bool ProductRules::canUseMatrixUnit(tile::DotOp Dot) {
  const auto Right = Dot.getB().getType();
  return Unit &&
         Unit.multiplies(elementOf(Dot.getA()), elementOf(Dot.getB()),
                         elementOf(Dot.getAcc()), leafDepthOf(Dot)) &&
         sums(Dot) &&
         (canStage(Dot.getB()) ||
          Right.getNumElements() * 2 <= kMaxSharedRight);
}

bool ProductRules::canSplit(tile::DotOp Dot) {
  const auto Result = Dot.getResult().getType();
  return !sums(Dot) && Result.getElementType().isF32() &&
         depthOf(Dot) >= kSplitDepth * Threads && depthOf(Dot) % Threads == 0 &&
         Dot.getLeaves() == 1 && Result.getDimSize(1) <= kMaxSplitSums;
}

bool ProductRules::isLeftInRegisters(tile::DotOp Dot) {
  // Two adjacent tiles of accumulators are a left operand.
  const RegisterLayout *Left = Layouts.of(Dot.getA().getType().getShape());
  const RegisterLayout *Sums = sums(Dot);
  return Left && Left->OfRows && Sums && Sums->OfRows &&
         readsRegisters(Dot.getA(), Materialized, Layouts);
}

bool ProductRules::canBeInShared(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return Type.getElementType().isBF16() &&
         Type.getDimSize(1) % TileLayout::kChunk == 0;
}

bool ProductRules::isReused(tile::DotOp Dot) {
  return Dot.getA().getParentBlock() != Dot->getBlock() &&
         canBeInShared(Dot.getA()) && canUseMatrixUnit(Dot) &&
         Dot.getA().getType().getNumElements() * 2 <= kMaxSharedLeft;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static InFlightDiagnostic refuse(tile::DotOp Dot, tile::ProductAttr Product) {
  return Dot.emitOpError("cannot be computed as ") << Product << ": ";
}

LogicalResult ProductRules::verify(tile::DotOp Dot) {
  auto Product = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
  if (!Product)
    return Dot.emitOpError("has no ")
           << kProductAttr << "; run tile-assign-products first";
  const ProductMethod Method = Product.getMethod();
  const bool InRegisters =
      Method == ProductMethod::Matrix || Method == ProductMethod::Registers;
  if (static_cast<bool>(sums(Dot)) != InRegisters)
    return refuse(Dot, Product)
           << "its sums are in "
           << (InRegisters ? "shared memory" : "registers");
  if (Method == ProductMethod::Split && !canSplit(Dot))
    return refuse(Dot, Product)
           << "expected f32 with at most " << kMaxSplitSums
           << " columns, one leaf, and k a multiple of " << Threads
           << " and at least " << kSplitDepth * Threads << " for " << Threads
           << " threads, found " << Dot.getResult().getType()
           << ", k = " << depthOf(Dot) << " and leaves = " << Dot.getLeaves();
  if (Method == ProductMethod::Matrix)
    return verifyMatrix(Dot, Product);
  if (Product.getLeft() || Product.getRight() || Product.getDepth() ||
      Product.getStages())
    return refuse(Dot, Product)
           << "operands, depth and stages need the method matrix";
  return success();
}

LogicalResult ProductRules::verifyMatrix(tile::DotOp Dot,
                                         tile::ProductAttr Product) {
  if (!Product.getLeft() || !Product.getRight())
    return refuse(Dot, Product) << "the method matrix needs left and right";
  if (!canUseMatrixUnit(Dot))
    return refuse(Dot, Product)
           << "the target's matrix unit cannot multiply "
           << elementOf(Dot.getA()) << " by " << elementOf(Dot.getB())
           << " into " << elementOf(Dot.getAcc())
           << " with k = " << leafDepthOf(Dot);
  const OperandSource Left = Product.getLeft().getSource();
  const OperandSource Right = Product.getRight().getSource();
  if (Left == OperandSource::Registers && !isLeftInRegisters(Dot))
    return refuse(Dot, Product) << "the left operand is not in registers";
  if (Left == OperandSource::Shared && !canBeInShared(Dot.getA()))
    return refuse(Dot, Product)
           << "the left operand is not bf16 with a multiple of "
           << TileLayout::kChunk << " columns";
  if (Left == OperandSource::Staged && !canStage(Dot.getA()))
    return refuse(Dot, Product) << "the left operand cannot be staged";
  if (Right == OperandSource::Staged && !canStage(Dot.getB()))
    return refuse(Dot, Product) << "the right operand cannot be staged";
  if (Right == OperandSource::Evaluated || Right == OperandSource::Registers)
    return refuse(Dot, Product) << "the right operand must be shared or staged";
  return verifyStages(Dot, Product);
}

LogicalResult ProductRules::verifyStages(tile::DotOp Dot,
                                         tile::ProductAttr Product) {
  const int64_t K = depthOf(Dot);
  const int64_t Depth = Product.getDepth(), Stages = Product.getStages();
  auto IsStaged = [](tile::OperandAttr Operand) {
    return Operand.getSource() == OperandSource::Staged;
  };
  if (!IsStaged(Product.getLeft()) && !IsStaged(Product.getRight())) {
    if (Depth || Stages)
      return refuse(Dot, Product) << "no operand is staged";
    return success();
  }
  const int64_t Leaf = leafDepthOf(Dot);
  if (Depth < tile::kMmaDepth || Depth % tile::kMmaDepth != 0 ||
      Leaf % Depth != 0)
    return refuse(Dot, Product)
           << "expected a multiple of " << tile::kMmaDepth
           << " that divides k = " << Leaf << " as depth, found " << Depth;
  const int64_t Tiles = K / Depth, Least = std::min<int64_t>(Tiles, 2);
  if (Stages < Least || Stages > Tiles)
    return refuse(Dot, Product) << "expected " << Least << " to " << Tiles
                                << " stages, found " << Stages;
  auto VerifyLayout = [&](StringRef Name, tile::OperandAttr Operand,
                          int64_t Cols) -> LogicalResult {
    const int64_t Chunks = Cols / TileLayout::kChunk;
    const int64_t Swizzled = Operand.getMask() + 1;
    if (!IsStaged(Operand) ||
        (Operand.getPitch() % TileLayout::kChunkBytes == 0 &&
         Operand.getPitch() >= Chunks * TileLayout::kChunkBytes &&
         llvm::isPowerOf2_64(Swizzled) && Chunks % Swizzled == 0 &&
         Operand.getShift() >= 0 && Operand.getShift() < 32))
      return success();
    return refuse(Dot, Product)
           << "the layout of the " << Name << " operand does not fit rows of "
           << Chunks << " chunks of " << TileLayout::kChunkBytes
           << " bytes: found pitch " << Operand.getPitch() << ", mask "
           << Operand.getMask() << " and shift " << Operand.getShift();
  };
  if (failed(VerifyLayout("left", Product.getLeft(), Depth)))
    return failure();
  return VerifyLayout("right", Product.getRight(),
                      Dot.getB().getType().getDimSize(1));
}
