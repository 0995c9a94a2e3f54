//===- Mesh.cpp - many ranks in the schedule dialect ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Plan.h"

#include "dialects/Support/MeshSyntax.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace m1::plan;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult MeshAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                               ArrayRef<StringAttr> Axes,
                               ArrayRef<int64_t> Extents) {
  if (Axes.empty() || Axes.size() != Extents.size())
    return EmitError() << "C1: expected axes with an extent each";
  llvm::StringSet<> Names;
  for (auto [Axis, Extent] : llvm::zip(Axes, Extents))
    if (Extent < 2 || !Names.insert(Axis.getValue()).second)
      return EmitError() << "C1: expected axes of different names with an "
                            "extent of at least 2, found "
                         << Axis << " = " << Extent;
  return success();
}

Attribute MeshAttr::parse(AsmParser &Parser, Type) {
  SmallVector<StringAttr> Axes;
  SmallVector<int64_t> Extents;
  SMLoc Location = Parser.getCurrentLocation();
  if (parseMeshAxes(Parser, Axes, Extents))
    return {};
  return MeshAttr::getChecked([&] { return Parser.emitError(Location); },
                              Parser.getContext(), ArrayRef<StringAttr>(Axes),
                              ArrayRef<int64_t>(Extents));
}

void MeshAttr::print(AsmPrinter &Printer) const {
  printMeshAxes(Printer, getAxes(), getExtents());
}

std::optional<unsigned> MeshAttr::find(StringRef Axis) const {
  for (auto [Number, Each] : llvm::enumerate(getAxes()))
    if (Each.getValue() == Axis)
      return Number;
  return std::nullopt;
}

StringAttr MeshAttr::symbolOf(MLIRContext *Context, StringRef Axis) {
  return StringAttr::get(Context, "mesh." + Axis);
}

LogicalResult
ConditionAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                      StringAttr Symbol, int64_t AtLeast, int64_t Below) {
  if (Symbol.empty() || AtLeast >= Below)
    return EmitError() << "expected a symbol and a range of its values, found "
                       << Symbol << " from " << AtLeast << " to " << Below;
  return success();
}

MeshAttr m1::plan::meshOf(Operation *Op) {
  auto Module = Op->getParentOfType<ModuleOp>();
  return Module ? Module->getAttrOfType<MeshAttr>(kMeshAttr) : MeshAttr();
}

bool m1::plan::isCoordinate(Operation *Op, StringAttr Symbol) {
  MeshAttr Mesh = meshOf(Op);
  return Mesh && llvm::any_of(Mesh.getAxes(), [&](StringAttr Axis) {
           return MeshAttr::symbolOf(Op->getContext(), Axis) == Symbol;
         });
}

//===----------------------------------------------------------------------===//
// ParameterOp
//===----------------------------------------------------------------------===//

SmallVector<int64_t> ParameterOp::getStoredShape() {
  SmallVector<int64_t> Shape(cast<MemRefType>(getType()).getShape());
  if (std::optional<ArrayAttr> Slices = getSlices())
    for (auto Slice : Slices->getAsRange<SliceAttr>())
      Shape[Slice.getDimension()] = Slice.getExtent();
  return Shape;
}

/// C1 and C2, for one slice after those of dimensions below `Next`.
static LogicalResult verifySlice(ParameterOp Op, SliceAttr Slice, int64_t Next,
                                 llvm::StringSet<> &Axes) {
  ArrayRef<int64_t> Shape = cast<MemRefType>(Op.getType()).getShape();
  MeshAttr Mesh = meshOf(Op);
  std::optional<unsigned> Axis =
      Mesh ? Mesh.find(Slice.getAxis()) : std::nullopt;
  if (Slice.getDimension() < Next ||
      Slice.getDimension() >= int64_t(Shape.size()) || !Axis ||
      !Axes.insert(Slice.getAxis()).second ||
      Shape[Slice.getDimension()] != Slice.getStep())
    return Op.emitOpError("C1: expected slices of ascending dimensions over "
                          "different axes of the mesh, with the step as "
                          "extent, found ")
           << Slice << " of " << Op.getType();
  const int64_t Ranks = Mesh.getExtents()[*Axis];
  const int64_t Replicas = Slice.getReplicas();
  const int64_t Length = Slice.getEnd() - Slice.getBegin();
  if (Slice.getBegin() < 0 || Length < 0 ||
      Slice.getEnd() > Slice.getExtent() || Replicas < 1 ||
      Ranks % Replicas != 0 ||
      llvm::divideCeilSigned(Length, Slice.getStep()) > Ranks / Replicas)
    return Op.emitOpError("C2: expected slices on ")
           << Ranks << " ranks that cover their part of the tensor, found "
           << Slice;
  return success();
}

LogicalResult ParameterOp::verify() {
  llvm::StringSet<> Axes;
  int64_t Next = 0;
  if (std::optional<ArrayAttr> Slices = getSlices())
    for (auto Slice : Slices->getAsRange<SliceAttr>()) {
      if (failed(verifySlice(*this, Slice, Next, Axes)))
        return failure();
      Next = Slice.getDimension() + 1;
    }
  if (!getNames() && !getNamesAxis())
    return success();
  MeshAttr Mesh = meshOf(*this);
  std::optional<unsigned> Axis =
      Mesh && getNamesAxis() ? Mesh.find(*getNamesAxis()) : std::nullopt;
  if (!getNames() || !Axis || Axes.contains(*getNamesAxis()) ||
      int64_t(getNames()->size()) != Mesh.getExtents()[*Axis] ||
      (*getNames())[0] != getTensorAttr())
    return emitOpError("C3: expected a name for each coordinate on an axis of "
                       "the mesh that no slice is over, the tensor's first, "
                       "found ")
           << getNamesAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// CollectiveOp
//===----------------------------------------------------------------------===//

int64_t CollectiveOp::getRanks() {
  MeshAttr Mesh = meshOf(*this);
  return Mesh.getExtents()[*Mesh.find(getAxis())];
}

LogicalResult CollectiveOp::verify() {
  if (getKind() != "all_gather" && getKind() != "all_to_all")
    return emitOpError("C1: expected \"all_gather\" or \"all_to_all\", found ")
           << getKindAttr();
  auto From = cast<MemRefType>(getSource().getType());
  auto To = cast<MemRefType>(getDestination().getType());
  if (!From.getLayout().isIdentity() || !To.getLayout().isIdentity() ||
      From.getElementType() != To.getElementType() || From.getRank() < 1 ||
      From.getRank() != To.getRank() ||
      From.getShape().drop_front() != To.getShape().drop_front())
    return emitOpError("C2: expected contiguous rows of the same shape and "
                       "element type on both sides, found ")
           << From << " and " << To;
  MeshAttr Mesh = meshOf(*this);
  if (!Mesh || !Mesh.find(getAxis()))
    return emitOpError("C3: expected the module to have a mesh with the axis ")
           << getAxisAttr() << ", found " << Mesh;
  if (isCoordinate(*this, getRows().getSymbol()))
    return emitOpError("C4: expected as many rows on all ranks, found ")
           << getRows();
  return success();
}
