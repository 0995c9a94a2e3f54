//===- Verify.cpp - what holds after each stage of code generation --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Passes.h"
#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

namespace m1 {
#define GEN_PASS_DEF_TILEVERIFY
#define GEN_PASS_DEF_TILEVERIFYLOOPS
#define GEN_PASS_DEF_VERIFYLLVM
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;

/// Runs `Check` on every op inside `Root` up to the first failure.
static LogicalResult
checkAll(Operation *Root,
         llvm::function_ref<LogicalResult(Operation *)> Check) {
  return failure(Root->walk([&](Operation *Op) {
                       return Op == Root ? WalkResult::advance()
                                         : WalkResult(Check(Op));
                     })
                     .wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Kernels: what code generation knows
//===----------------------------------------------------------------------===//

static LogicalResult verifyBlocks(Operation *Op) {
  for (Type T : Op->getResultTypes())
    if (auto Block = dyn_cast<VectorType>(T);
        Block &&
        (Block.getRank() < 1 || Block.getRank() > 2 || Block.isScalable()))
      return Op->emitOpError("expected blocks of fixed shape and rank 1 or 2, "
                             "found ")
             << T;
  return success();
}

static LogicalResult verifyIsKnown(Operation *Op) {
  const bool IsKnown =
      isa<tile::TileDialect>(Op->getDialect())
          ? !isa<tile::ScratchOp>(Op)
          : isa<arith::ArithDialect, math::MathDialect>(Op->getDialect()) ||
                isa<memref::LoadOp, memref::StoreOp, scf::ForOp, scf::IfOp,
                    scf::YieldOp, vector::BroadcastOp,
                    vector::MultiDimReductionOp, vector::SplatOp,
                    vector::TransposeOp>(Op);
  return IsKnown ? success()
                 : Op->emitOpError("is not known to the code generator");
}

/// Math ops must become instructions: no mathematics library is linked.
static LogicalResult verifyMath(Operation *Op) {
  if (!isa<math::MathDialect>(Op->getDialect()))
    return success();
  // Every target has instructions for these.
  if (isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
          math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp,
          math::FloorOp, math::FmaOp, math::RoundEvenOp, math::RsqrtOp,
          math::SqrtOp, math::TruncOp>(Op))
    return success();
  // m1-expand-math has polynomials for these.
  if (!isa<math::AcosOp, math::AsinOp, math::Atan2Op, math::AtanOp,
           math::CbrtOp, math::CosOp, math::ErfOp, math::ExpM1Op, math::ExpOp,
           math::Log1pOp, math::Log2Op, math::LogOp, math::SinOp, math::TanhOp>(
          Op))
    return Op->emitOpError("has neither an instruction nor an expansion");
  if (Type T = Op->getResult(0).getType(); !getElementTypeOrSelf(T).isF32())
    return Op->emitOpError("has an expansion for f32 only, found ") << T;
  return success();
}

//===----------------------------------------------------------------------===//
// Kernels: constant bounds
//===----------------------------------------------------------------------===//

static std::optional<int64_t> constantOf(Value V) {
  APInt Constant;
  if (V && matchPattern(V, m_ConstantInt(&Constant)))
    return Constant.getSExtValue();
  return std::nullopt;
}

/// How many of a block's `Extent` rows or columns an access touches; `Bound`,
/// where given, limits them. None if the bound is not constant.
static std::optional<int64_t> touched(int64_t Extent, Value Bound) {
  if (!Bound)
    return Extent;
  if (std::optional<int64_t> Limit = constantOf(Bound))
    return std::min(Extent, *Limit);
  return std::nullopt;
}

/// Fails if an access to `Count` elements from `First` on is known to leave
/// `Extent`. An unknown first element is taken as 0, an unknown count as 0.
static LogicalResult verifyRange(Operation *Op, int64_t Axis, int64_t Extent,
                                 std::optional<int64_t> First,
                                 std::optional<int64_t> Count) {
  const int64_t From = First.value_or(0), Number = Count.value_or(0);
  const bool IsDynamic = Extent == ShapedType::kDynamic;
  if (From >= 0 && Number >= 0 && (IsDynamic || From + Number <= Extent))
    return success();
  auto Error = Op->emitOpError("is out of bounds on axis ") << Axis;
  Error << ": expected ";
  if (IsDynamic)
    Error << "an index and a count of at least 0";
  else
    Error << "elements below " << Extent;
  Error << ", found ";
  if (Count)
    Error << Number << " elements";
  if (Count && First)
    Error << " from ";
  if (First)
    Error << From;
  return Error;
}

/// tile.load and tile.store.
template <typename AccessOp>
static LogicalResult verifyBounds(AccessOp Op, VectorType Block) {
  auto MemRef = cast<MemRefType>(Op.getMemref().getType());
  SmallVector<std::optional<int64_t>> Counts(MemRef.getRank(), 1);
  for (auto [Axis, Dim] : llvm::enumerate(Op.getDims()))
    Counts[Dim] = touched(Block.getDimSize(Axis),
                          Axis == 0 ? Op.getRows() : Op.getCols());
  if (Op.getPairs()) {
    std::optional<int64_t> &Rows = Counts[Op.getDims()[0]];
    if (Rows)
      Rows = llvm::divideCeilSigned(*Rows, 2);
    Counts.back() = 2;
  }
  if (llvm::is_contained(Counts, 0)) // nothing is accessed
    return success();
  for (int64_t Axis = 0; Axis < MemRef.getRank(); ++Axis)
    if (failed(verifyRange(Op, Axis, MemRef.getDimSize(Axis),
                           constantOf(Op.getIndices()[Axis]), Counts[Axis])))
      return failure();
  return success();
}

static LogicalResult verifyBounds(Operation *Op) {
  if (auto Load = dyn_cast<tile::LoadOp>(Op))
    return verifyBounds(Load, cast<VectorType>(Load.getResult().getType()));
  if (auto Store = dyn_cast<tile::StoreOp>(Op))
    return verifyBounds(Store, cast<VectorType>(Store.getValue().getType()));
  // The rows of a gather or scatter are only known at run time.
  if (auto Gather = dyn_cast<tile::GatherOp>(Op))
    return verifyRange(
        Op, /*Axis=*/1, Gather.getMemref().getType().getDimSize(1),
        constantOf(Gather.getCol()),
        touched(cast<VectorType>(Gather.getResult().getType()).getDimSize(1),
                Gather.getCols()));
  if (auto Scatter = dyn_cast<tile::ScatterOp>(Op))
    return verifyRange(
        Op, /*Axis=*/1, Scatter.getMemref().getType().getDimSize(1),
        constantOf(Scatter.getCol()),
        touched(cast<VectorType>(Scatter.getValue().getType()).getDimSize(1),
                Scatter.getCols()));
  return success();
}

//===----------------------------------------------------------------------===//
// The passes
//===----------------------------------------------------------------------===//

namespace {

struct TileVerify : m1::impl::TileVerifyBase<TileVerify> {
  using TileVerifyBase::TileVerifyBase;

  void runOnOperation() override {
    if (failed(checkAll(getOperation(), [](Operation *Op) {
          return failure(failed(verifyIsKnown(Op)) ||
                         failed(verifyBlocks(Op)) || failed(verifyMath(Op)) ||
                         failed(verifyBounds(Op)));
        })))
      signalPassFailure();
  }
};

struct TileVerifyLoops : m1::impl::TileVerifyLoopsBase<TileVerifyLoops> {
  using TileVerifyLoopsBase::TileVerifyLoopsBase;

  void runOnOperation() override {
    if (failed(checkAll(getOperation(), [](Operation *Op) {
          return isa<tile::TileDialect>(Op->getDialect())
                     ? Op->emitOpError("is left after lowering to loops")
                     : success();
        })))
      return signalPassFailure();
    auto Target = tile::requireTarget(getOperation());
    if (failed(Target))
      return signalPassFailure();
    for (auto Function : getOperation().getOps<func::FuncOp>())
      if (failed(verifyScratch(Function, *Target)))
        return signalPassFailure();
  }

  static LogicalResult verifyScratch(func::FuncOp Function,
                                     tile::TargetAttr Target) {
    auto Bytes = Function->getAttrOfType<IntegerAttr>(kScratchBytesAttr);
    if (!Bytes)
      return Function.emitOpError("expected the attribute ")
             << kScratchBytesAttr
             << ", found none; the pass tile-assign-scratch sets it";
    if (Target.getKind() == tile::TargetKind::Gpu &&
        Bytes.getInt() > Target.getShared())
      return Function.emitError("kernel '")
             << Function.getSymName() << "' needs " << Bytes.getInt()
             << " bytes of shared memory per thread block, "
             << Target.getArchitecture() << " has " << Target.getShared();
    return success();
  }
};

struct VerifyLLVM : m1::impl::VerifyLLVMBase<VerifyLLVM> {
  using VerifyLLVMBase::VerifyLLVMBase;

  void runOnOperation() override {
    if (failed(checkAll(getOperation(), [](Operation *Op) {
          return isa_and_nonnull<LLVM::LLVMDialect, NVVM::NVVMDialect>(
                     Op->getDialect())
                     ? success()
                     : Op->emitOpError("has no lowering to LLVM");
        })))
      signalPassFailure();
  }
};

} // namespace
