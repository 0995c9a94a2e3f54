//===- TileTarget.cpp - what kernels are compiled for ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/IR/MatrixUnits.h"
#include "dialects/Tile/IR/Tile.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1::tile;

#include "dialects/Tile/IR/TileAttrInterfaces.cpp.inc"

//===----------------------------------------------------------------------===//
// Matrix units
//===----------------------------------------------------------------------===//

TargetKind AmxAttr::getTargetKind() const { return TargetKind::Cpu; }

bool AmxAttr::multiplies(Type Left, Type Right, Type Sum, int64_t Depth) const {
  return Left.isBF16() && Right.isBF16() && Sum.isF32() &&
         Depth % getDepth() == 0;
}

int64_t AmxAttr::getDepth() const { return kAmxDepth; }

int64_t AmxAttr::getRightRowsTogether() const { return 2; }

TargetKind Avx512Bf16Attr::getTargetKind() const { return TargetKind::Cpu; }

bool Avx512Bf16Attr::multiplies(Type Left, Type Right, Type Sum,
                                int64_t Depth) const {
  return Left.isBF16() && Right.isBF16() && Sum.isF32() &&
         Depth % getDepth() == 0;
}

int64_t Avx512Bf16Attr::getDepth() const { return kAvx512Bf16Depth; }

int64_t Avx512Bf16Attr::getRightRowsTogether() const { return 2; }

TargetKind MmaAttr::getTargetKind() const { return TargetKind::Gpu; }

bool MmaAttr::multiplies(Type Left, Type Right, Type Sum, int64_t Depth) const {
  return (Left.isBF16() || Left.isF32()) && Right.isBF16() && Sum.isF32() &&
         Depth % getDepth() == 0;
}

int64_t MmaAttr::getDepth() const { return kMmaDepth; }

int64_t MmaAttr::getRightRowsTogether() const { return 1; }

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                 TargetKind Kind, StringRef Architecture,
                                 int64_t Lanes, int64_t Registers,
                                 int64_t Shared, MatrixUnitAttrInterface Unit) {
  const bool IsCpu = Kind == TargetKind::Cpu;
  if (Registers < 1)
    return EmitError() << "C1: expected at least one register, found "
                       << Registers;
  if (IsCpu ? Lanes < 1 || !llvm::isPowerOf2_64(Lanes) : Lanes != 0)
    return EmitError() << "C2: expected "
                       << (IsCpu ? "a power of two as lanes of a cpu"
                                 : "no lanes for a gpu")
                       << ", found " << Lanes;
  if (IsCpu ? Shared != 0 : Shared < 1)
    return EmitError() << "C3: expected "
                       << (IsCpu ? "no shared memory for a cpu"
                                 : "at least one byte of shared memory for a "
                                   "gpu")
                       << ", found " << Shared;
  if (Unit && Unit.getTargetKind() != Kind)
    return EmitError() << "C4: expected a matrix unit of a "
                       << stringifyTargetKind(Kind) << ", found " << Unit;
  return success();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *Op,
                                                    NamedAttribute Attribute) {
  if (Attribute.getName() != kTargetAttr)
    return success();
  if (!isa<ModuleOp>(Op))
    return Op->emitOpError("has the attribute ")
           << kTargetAttr << ", expected it on a module";
  if (!isa<TargetAttr>(Attribute.getValue()))
    return Op->emitOpError("expected a #tile.target as ")
           << kTargetAttr << ", found " << Attribute.getValue();
  return success();
}

TargetAttr m1::tile::targetOf(Operation *Op) {
  for (; Op; Op = Op->getParentOp())
    if (isa<ModuleOp>(Op))
      if (auto Target = Op->getAttrOfType<TargetAttr>(kTargetAttr))
        return Target;
  return {};
}

llvm::FailureOr<TargetAttr>
m1::tile::requireTarget(Operation *Op, std::optional<TargetKind> Kind) {
  TargetAttr Target = targetOf(Op);
  if (!Target)
    return Op->emitError("expected a module with the attribute ")
           << kTargetAttr << ", found none; the pass tile-set-target sets it";
  if (Kind && Target.getKind() != *Kind)
    return Op->emitError("expected ")
           << kTargetAttr << " to be a " << stringifyTargetKind(*Kind)
           << ", found " << Target;
  return Target;
}
