//===- AssignProducts.cpp - how each product is computed ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Demand.h"
#include "compiler/Codegen/CUDA/ProductRules.h"
#include "compiler/Codegen/CUDA/SharedTile.h"
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

namespace {

struct TileAssignProducts
    : m1::impl::TileAssignProductsBase<TileAssignProducts> {
  using TileAssignProductsBase::TileAssignProductsBase;

  void runOnOperation() override {
    tile::KernelOp Kernel = getOperation();
    if (depth < tile::kMmaDepth || !llvm::isPowerOf2_64(depth) || stages < 2) {
      emitError(Kernel.getLoc(),
                "tile-assign-products: expected depth to be a power of two of "
                "at least ")
          << tile::kMmaDepth << " and at least 2 stages, found depth "
          << depth.getValue() << " and " << stages.getValue() << " stages";
      return signalPassFailure();
    }
    auto Target = tile::requireTarget(Kernel, tile::TargetKind::Gpu);
    if (failed(Target) || failed(verifyLayouts(Kernel)))
      return signalPassFailure();
    ProductRules Rules(Kernel, *Target);
    const Demand Demanded(Kernel);
    Kernel.getBody().walk([&](tile::DotOp Dot) {
      Dot->setAttr(kProductAttr, choose(Dot, Rules, Demanded));
    });
  }

  tile::ProductAttr choose(tile::DotOp Dot, ProductRules &Rules,
                           const Demand &Demanded) {
    auto Without = [&](ProductMethod Method) {
      return tile::ProductAttr::get(&getContext(), Method, {}, {}, 0, 0);
    };
    const RegisterLayout *Sums = Rules.sums(Dot);
    if (!Sums)
      return Without(Rules.canSplit(Dot) ? ProductMethod::Split
                                         : ProductMethod::Shared);
    if (!Rules.canUseMatrixUnit(Dot))
      return Without(ProductMethod::Registers);

    const int64_t K = depthOf(Dot);
    int64_t Depth = depth;
    while (leafDepthOf(Dot) % Depth != 0)
      Depth /= 2;
    int64_t StageBytes = 0;
    auto Operand = [&](OperandSource Source, int64_t Rows, int64_t Cols) {
      if (Source != OperandSource::Staged)
        return tile::OperandAttr::get(&getContext(), Source, 0, 0, 0);
      const TileLayout L(Rows, Cols);
      StageBytes += L.bytes();
      return tile::OperandAttr::get(&getContext(), Source, L.Pitch, L.Mask,
                                    L.Shift);
    };
    auto Left = Operand(leftSource(Dot, Rules, Demanded), Sums->Rows, Depth);
    auto Right = Operand(Rules.canStage(Dot.getB()) ? OperandSource::Staged
                                                    : OperandSource::Shared,
                         Depth, Sums->Cols);
    int64_t Stages = 0;
    if (StageBytes)
      Stages = std::min(K / Depth,
                        std::clamp<int64_t>(bytes / StageBytes, 2, stages));
    return tile::ProductAttr::get(&getContext(), ProductMethod::Matrix, Left,
                                  Right, StageBytes ? Depth : 0, Stages);
  }

  static OperandSource leftSource(tile::DotOp Dot, ProductRules &Rules,
                                  const Demand &Demanded) {
    Value Left = Dot.getA();
    if (Rules.isResident(Left))
      return OperandSource::Shared;
    if (Rules.isLeftInRegisters(Dot))
      return OperandSource::Registers;
    // A block with limited demand is not written as a whole.
    if (Rules.isMaterializedInShared(Left) && Rules.canBeInShared(Left) &&
        !Demanded.limit(Left, 0) && !Demanded.limit(Left, 1))
      return OperandSource::Shared;
    return Rules.canStage(Left) ? OperandSource::Staged
                                : OperandSource::Evaluated;
  }
};

} // namespace
