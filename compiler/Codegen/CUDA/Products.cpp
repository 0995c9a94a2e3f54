//===- Products.cpp - how a thread block computes products ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Products.h"

#include "compiler/Codegen/Blocks/BlockLowering.h"
#include "compiler/Codegen/CUDA/Staging.h"
#include "compiler/Codegen/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {
#define GEN_PASS_DEF_TILEASSIGNPRODUCTS
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;
using tile::OperandSource;
using tile::ProductMethod;

/// What a side may take that lies in shared memory as a whole, in bytes.
static constexpr int64_t kMostWholeRight = 64 << 10;
static constexpr int64_t kMostWholeLeft = 32 << 10;

/// A product of rows at least so many times as long as a block has threads is
/// `split` if it has at most so many columns.
static constexpr int64_t kSplitDepth = 8;

static Type elementOf(Value Block) {
  return getElementTypeOrSelf(Block.getType());
}

static int64_t depthOf(tile::DotOp Dot) {
  return Dot.getA().getType().getDimSize(1);
}

Products::Products(tile::KernelOp Kernel, const StagingLimits &Limits)
    : Limits(Limits), Demanded(Kernel), Threads(Kernel.getThreads()),
      Known(Threads / kLanes) {
  Kernel.getBody().walk([&](tile::DotOp Dot) {
    auto Chosen = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
    const bool Wanted =
        Chosen ? Chosen.getLeft() &&
                     Chosen.getLeft().getSource() == OperandSource::Shared
               : repeats(Dot);
    if (Wanted && Keep.isDelayed(Dot.getA()))
      Resident.insert(Dot.getA());
  });
}

//===----------------------------------------------------------------------===//
// What can be done
//===----------------------------------------------------------------------===//

bool Products::canStage(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  if (!Keep.isDelayed(Block) || Resident.contains(Block) ||
      !Type.getElementType().isBF16() ||
      Type.getDimSize(1) % TileLayout::kChunk != 0)
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

bool Products::canUseUnits(tile::DotOp Dot) {
  Type Left = elementOf(Dot.getA());
  auto Right = Dot.getB().getType();
  return Right.getElementType().isBF16() && (Left.isBF16() || Left.isF32()) &&
         elementOf(Dot.getAcc()).isF32() && depthOf(Dot) % kUnitDepth == 0 &&
         Known.assigned(Dot.getResult()) &&
         (canStage(Dot.getB()) ||
          Right.getNumElements() * 2 <= kMostWholeRight);
}

bool Products::canSplit(tile::DotOp Dot) {
  const auto Result = Dot.getResult().getType();
  return !Known.assigned(Dot.getResult()) && Result.getElementType().isF32() &&
         depthOf(Dot) >= kSplitDepth * Threads && depthOf(Dot) % Threads == 0 &&
         Result.getDimSize(1) <= kMostSplitSums;
}

bool Products::reachesHeld(Value Block) {
  if (Keep.isKept(Block))
    return Known.assigned(Block);
  if (Keep.isDelayed(Block)) // in global memory, or resident in shared memory
    return false;
  return llvm::any_of(Block.getDefiningOp()->getOperands(), [&](Value V) {
    return isa<VectorType>(V.getType()) && reachesHeld(V);
  });
}

bool Products::isInRegisters(tile::DotOp Dot) {
  // Two tiles of accumulators side by side are a left side.
  const RegisterLayout *Left = Known.of(Dot.getA().getType().getShape());
  const RegisterLayout *Result = Known.assigned(Dot.getResult());
  return Left && Left->OfRows && Result && Result->OfRows &&
         reachesHeld(Dot.getA());
}

bool Products::canLieInShared(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return Type.getElementType().isBF16() &&
         Type.getDimSize(1) % TileLayout::kChunk == 0;
}

bool Products::repeats(tile::DotOp Dot) {
  return Dot.getA().getParentBlock() != Dot->getBlock() &&
         canLieInShared(Dot.getA()) && canUseUnits(Dot) &&
         Dot.getA().getType().getNumElements() * 2 <= kMostWholeLeft;
}

//===----------------------------------------------------------------------===//
// What is chosen
//===----------------------------------------------------------------------===//

tile::OperandAttr Products::staged(MLIRContext *Context, int64_t Cols) {
  const TileLayout L(/*Rows=*/1, Cols);
  return tile::OperandAttr::get(Context, OperandSource::Staged, L.Pitch, L.Mask,
                                L.Shift);
}

OperandSource Products::sourceOfLeft(tile::DotOp Dot) {
  Value A = Dot.getA();
  if (Resident.contains(A))
    return OperandSource::Shared;
  if (isInRegisters(Dot))
    return OperandSource::Registers;
  // A part that nobody looks at was not written.
  if (Keep.isKept(A) && !Known.assigned(A) && canLieInShared(A) &&
      !Demanded.limit(A, 0) && !Demanded.limit(A, 1))
    return OperandSource::Shared;
  return canStage(A) ? OperandSource::Staged : OperandSource::Evaluated;
}

tile::ProductAttr Products::choose(tile::DotOp Dot) {
  MLIRContext *Context = Dot.getContext();
  auto Plain = [&](ProductMethod Of) {
    return tile::ProductAttr::get(Context, Of, {}, {}, 0, 0);
  };
  const RegisterLayout *Result = Known.assigned(Dot.getResult());
  if (!Result)
    return Plain(canSplit(Dot) ? ProductMethod::Split : ProductMethod::Shared);
  if (!canUseUnits(Dot))
    return Plain(ProductMethod::Registers);

  const int64_t K = depthOf(Dot);
  int64_t Depth = Limits.Depth;
  while (K % Depth != 0)
    Depth /= 2;
  int64_t StageBytes = 0;
  auto Side = [&](OperandSource In, int64_t Rows, int64_t Cols) {
    if (In != OperandSource::Staged)
      return tile::OperandAttr::get(Context, In, 0, 0, 0);
    tile::OperandAttr Of = staged(Context, Cols);
    StageBytes += Rows * Of.getPitch();
    return Of;
  };
  auto Left = Side(sourceOfLeft(Dot), Result->Rows, Depth);
  auto Right =
      Side(canStage(Dot.getB()) ? OperandSource::Staged : OperandSource::Shared,
           Depth, Result->Cols);
  if (!StageBytes)
    return tile::ProductAttr::get(Context, ProductMethod::Matrix, Left, Right,
                                  0, 0);
  const int64_t Stages =
      std::min(K / Depth, std::clamp<int64_t>(Limits.Bytes / StageBytes, 2,
                                              Limits.Stages));
  return tile::ProductAttr::get(Context, ProductMethod::Matrix, Left, Right,
                                Depth, Stages);
}

//===----------------------------------------------------------------------===//
// What can be lowered
//===----------------------------------------------------------------------===//

LogicalResult Products::check(tile::DotOp Dot) {
  auto Product = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
  if (!Product)
    return Dot.emitOpError("has no ")
           << kProductAttr << "; tile-assign-products gives it one";
  auto Wrong = [&](const Twine &Why) {
    return Dot.emitOpError("cannot be computed as ") << Product << ": " << Why;
  };
  const ProductMethod Of = Product.getMethod();
  const bool InRegisters = Known.assigned(Dot.getResult());
  if (InRegisters !=
      (Of == ProductMethod::Matrix || Of == ProductMethod::Registers))
    return Wrong(InRegisters ? "its sums lie in registers"
                             : "its sums lie in shared memory");
  if (Of == ProductMethod::Split && !canSplit(Dot))
    return Wrong("the sums are too many, or too short");
  tile::OperandAttr Left = Product.getLeft(), Right = Product.getRight();
  if (Of != ProductMethod::Matrix)
    return Left || Right || Product.getDepth() || Product.getStages()
               ? Wrong("sides, depth and stages are the matrix unit's")
               : success();
  if (!Left || !Right)
    return Wrong("a side is not given");
  if (!canUseUnits(Dot))
    return Wrong("matrix units multiply f32 or bf16 with bf16 into f32, a "
                 "multiple of 16 in k");

  const OperandSource In = Left.getSource();
  if (In == OperandSource::Registers && !isInRegisters(Dot))
    return Wrong("the left side is not in registers");
  if (In == OperandSource::Shared && !canLieInShared(Dot.getA()))
    return Wrong("the left side is not bf16 of a multiple of 8 columns");
  if (In == OperandSource::Staged && !canStage(Dot.getA()))
    return Wrong("the left side cannot be copied as it lies");
  if (Right.getSource() == OperandSource::Staged && !canStage(Dot.getB()))
    return Wrong("the right side cannot be copied as it lies");
  if (Right.getSource() == OperandSource::Evaluated ||
      Right.getSource() == OperandSource::Registers)
    return Wrong("the right side is read from shared memory");

  const int64_t K = depthOf(Dot), Depth = Product.getDepth();
  const bool IsStaged =
      In == OperandSource::Staged || Right.getSource() == OperandSource::Staged;
  if (!IsStaged)
    return Depth || Product.getStages() ? Wrong("nothing is staged")
                                        : success();
  if (Depth < kUnitDepth || Depth % kUnitDepth != 0 || K % Depth != 0)
    return Wrong("the depth is no multiple of 16 that divides k");
  if (Product.getStages() < std::min<int64_t>(K / Depth, 2) ||
      Product.getStages() > K / Depth)
    return Wrong("there are at least two stages, and no more than tiles");
  auto Suits = [](tile::OperandAttr Side, int64_t Cols) {
    const int64_t Chunks = Cols / TileLayout::kChunk;
    const int64_t Turned = Side.getMask() + 1;
    return Side.getSource() != OperandSource::Staged ||
           (Side.getPitch() % TileLayout::kChunkBytes == 0 &&
            Side.getPitch() >= Chunks * TileLayout::kChunkBytes &&
            llvm::isPowerOf2_64(Turned) && Chunks % Turned == 0 &&
            Side.getShift() >= 0 && Side.getShift() < 32);
  };
  if (!Suits(Left, Depth) || !Suits(Right, Dot.getB().getType().getDimSize(1)))
    return Wrong("rows of chunks do not fit their pitch or their mask");
  return success();
}

namespace {

struct TileAssignProducts
    : m1::impl::TileAssignProductsBase<TileAssignProducts> {
  using TileAssignProductsBase::TileAssignProductsBase;

  void runOnOperation() override {
    if (depth < kUnitDepth || !llvm::isPowerOf2_64(depth) || stages < 2) {
      getOperation().emitOpError("cannot be staged in tiles of ")
          << depth.getValue() << " in k, " << stages.getValue()
          << " at once: expected a power of two from 16 on, and at least 2";
      return signalPassFailure();
    }
    if (failed(verifyLayouts(getOperation())))
      return signalPassFailure();
    Products Chosen(getOperation(), {depth, stages, bytes});
    getOperation().getBody().walk([&](tile::DotOp Dot) {
      Dot->setAttr(kProductAttr, Chosen.choose(Dot));
    });
  }
};

} // namespace
