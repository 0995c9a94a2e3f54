//===- Sharding.cpp - meshes and shards -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/Sharding.h"

#include "dialects/M1/IR/M1.h"
#include "dialects/Support/MeshSyntax.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace m1;

bool m1::isMeshAxis(StringRef Name) {
  return Name == kDataAxis || Name == kTensorAxis || Name == kExpertAxis;
}

MeshAttr m1::meshOf(Operation *Op) {
  auto Module = dyn_cast<ModuleOp>(Op);
  if (!Module)
    Module = Op->getParentOfType<ModuleOp>();
  return Module ? Module->getAttrOfType<MeshAttr>(kMeshAttr) : MeshAttr();
}

LogicalResult m1::expectMeshAxis(Operation *Op, StringRef Constraint,
                                 StringRef Axis) {
  MeshAttr Mesh = meshOf(Op);
  if (Mesh && Mesh.find(Axis))
    return success();
  InFlightDiagnostic Error = Op->emitOpError()
                             << Constraint << ": expected a mesh with axis "
                             << Axis << " (" << kMeshAttr << "), found ";
  if (Mesh)
    return Error << Mesh;
  return Error << "none";
}

LogicalResult m1::expectShard(Operation *Op, StringRef Constraint,
                              ShardAttr Shard, int64_t Local) {
  if (!Shard)
    return success();
  if (Shard.getStep() != Local)
    return Op->emitOpError() << Constraint << ": expected a step of " << Local
                             << ", found " << Shard;
  return expectMeshAxis(Op, Constraint, Shard.getAxis());
}

/// Verifies the name of an axis.
static LogicalResult verifyAxis(function_ref<InFlightDiagnostic()> EmitError,
                                StringRef Axis) {
  if (isMeshAxis(Axis))
    return success();
  return EmitError() << "expected axis " << kDataAxis << ", " << kTensorAxis
                     << " or " << kExpertAxis << ", found \"" << Axis << '"';
}

/// Verifies a number of elements, which `Name` is.
static LogicalResult
verifyElements(function_ref<InFlightDiagnostic()> EmitError, StringRef Name,
               int64_t Count) {
  if (Count >= 1 && Count <= kMaxExtent)
    return success();
  return EmitError() << "expected " << Name << " of 1 to " << kMaxExtent
                     << ", found " << Count;
}

//===----------------------------------------------------------------------===//
// MeshAttr
//===----------------------------------------------------------------------===//

LogicalResult MeshAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                               ArrayRef<StringAttr> Axes,
                               ArrayRef<int64_t> Extents) {
  if (Axes.empty() || Axes.size() != Extents.size())
    return EmitError() << "expected axes with an extent each, found "
                       << Axes.size() << " axes and " << Extents.size()
                       << " extents";
  int64_t Ranks = 1;
  for (auto [Number, Axis] : llvm::enumerate(Axes)) {
    if (failed(verifyAxis(EmitError, Axis)))
      return failure();
    if (llvm::is_contained(Axes.take_front(Number), Axis))
      return EmitError() << "expected each axis once, found " << Axis
                         << " twice";
    if (Extents[Number] < 1)
      return EmitError() << "expected an extent of at least 1, found "
                         << Axis.getValue() << " = " << Extents[Number];
    if (Extents[Number] > kMaxRanks || (Ranks *= Extents[Number]) > kMaxRanks)
      return EmitError() << "expected at most " << kMaxRanks << " ranks";
  }
  return success();
}

/// `<data = 2, tensor = 4>`
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

int64_t MeshAttr::getRanks() const {
  int64_t Ranks = 1;
  for (int64_t Extent : getExtents())
    Ranks *= Extent;
  return Ranks;
}

std::optional<unsigned> MeshAttr::find(StringRef Axis) const {
  for (auto [Number, Each] : llvm::enumerate(getAxes()))
    if (Each.getValue() == Axis)
      return Number;
  return std::nullopt;
}

int64_t MeshAttr::getExtent(StringRef Axis) const {
  std::optional<unsigned> Number = find(Axis);
  return Number ? getExtents()[*Number] : 1;
}

/// The difference of the numbers of ranks that are neighbours on axis `Number`.
static int64_t stepOf(ArrayRef<int64_t> Extents, unsigned Number) {
  int64_t Step = 1;
  for (int64_t Extent : Extents.drop_front(Number + 1))
    Step *= Extent;
  return Step;
}

int64_t MeshAttr::getCoordinate(int64_t Rank, StringRef Axis) const {
  std::optional<unsigned> Number = find(Axis);
  if (!Number)
    return 0;
  return Rank / stepOf(getExtents(), *Number) % getExtents()[*Number];
}

int64_t MeshAttr::getNeighbour(int64_t Rank, StringRef Axis,
                               int64_t Coordinate) const {
  return Rank + (Coordinate - getCoordinate(Rank, Axis)) *
                    stepOf(getExtents(), *find(Axis));
}

//===----------------------------------------------------------------------===//
// ShardAttr
//===----------------------------------------------------------------------===//

LogicalResult ShardAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                StringAttr Axis, int64_t Step, int64_t Extent) {
  return success(succeeded(verifyAxis(EmitError, Axis)) &&
                 succeeded(verifyElements(EmitError, "a step", Step)) &&
                 succeeded(verifyElements(EmitError, "an extent", Extent)));
}

//===----------------------------------------------------------------------===//
// ShardingAttr and SliceAttr
//===----------------------------------------------------------------------===//

/// Parses `0 over "tensor"`.
static ParseResult parseDimension(AsmParser &Parser, int64_t &Dimension,
                                  StringAttr &Axis) {
  return failure(Parser.parseInteger(Dimension) ||
                 Parser.parseKeyword("over") || Parser.parseAttribute(Axis));
}

/// Verifies what parseDimension parses.
static LogicalResult
verifyDimension(function_ref<InFlightDiagnostic()> EmitError, int64_t Dimension,
                StringRef Axis) {
  if (Dimension < 0)
    return EmitError() << "expected a dimension from 0 on, found " << Dimension;
  return verifyAxis(EmitError, Axis);
}

LogicalResult ShardingAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                   int64_t Dimension, StringAttr Axis,
                                   int64_t Unit, bool Replicable, bool Short) {
  if (failed(verifyDimension(EmitError, Dimension, Axis)) ||
      failed(verifyElements(EmitError, "a unit", Unit)))
    return failure();
  if (Replicable && Short)
    return EmitError() << "expected replicable or short, found both";
  return success();
}

/// `<0 over "tensor" unit 64>`, `... replicable>` or `... short>`
Attribute ShardingAttr::parse(AsmParser &Parser, Type) {
  int64_t Dimension = 0, Unit = 0;
  StringAttr Axis;
  SMLoc Location = Parser.getCurrentLocation();
  if (Parser.parseLess() || parseDimension(Parser, Dimension, Axis) ||
      Parser.parseKeyword("unit") || Parser.parseInteger(Unit))
    return {};
  const bool Replicable = succeeded(Parser.parseOptionalKeyword("replicable"));
  const bool Short = succeeded(Parser.parseOptionalKeyword("short"));
  if (Parser.parseGreater())
    return {};
  return ShardingAttr::getChecked([&] { return Parser.emitError(Location); },
                                  Parser.getContext(), Dimension, Axis, Unit,
                                  Replicable, Short);
}

void ShardingAttr::print(AsmPrinter &Printer) const {
  Printer << '<' << getDimension() << " over " << getAxis() << " unit "
          << getUnit();
  if (getReplicable())
    Printer << " replicable";
  if (getIsShort())
    Printer << " short";
  Printer << '>';
}

LogicalResult SliceAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                int64_t Dimension, StringAttr Axis,
                                int64_t Step, int64_t Extent,
                                int64_t Replicas) {
  if (failed(verifyDimension(EmitError, Dimension, Axis)) ||
      failed(verifyElements(EmitError, "a step", Step)) ||
      failed(verifyElements(EmitError, "an extent", Extent)))
    return failure();
  if (Replicas < 1 || Replicas > kMaxRanks)
    return EmitError() << "expected 1 to " << kMaxRanks << " replicas, found "
                       << Replicas;
  return success();
}

/// `<0 over "tensor" step 64 of 256>` or `... replicas 2>`
Attribute SliceAttr::parse(AsmParser &Parser, Type) {
  int64_t Dimension = 0, Step = 0, Extent = 0, Replicas = 1;
  StringAttr Axis;
  SMLoc Location = Parser.getCurrentLocation();
  if (Parser.parseLess() || parseDimension(Parser, Dimension, Axis) ||
      Parser.parseKeyword("step") || Parser.parseInteger(Step) ||
      Parser.parseKeyword("of") || Parser.parseInteger(Extent))
    return {};
  if (succeeded(Parser.parseOptionalKeyword("replicas")) &&
      Parser.parseInteger(Replicas))
    return {};
  if (Parser.parseGreater())
    return {};
  return SliceAttr::getChecked([&] { return Parser.emitError(Location); },
                               Parser.getContext(), Dimension, Axis, Step,
                               Extent, Replicas);
}

void SliceAttr::print(AsmPrinter &Printer) const {
  Printer << '<' << getDimension() << " over " << getAxis() << " step "
          << getStep() << " of " << getExtent();
  if (getReplicas() != 1)
    Printer << " replicas " << getReplicas();
  Printer << '>';
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void ParameterOp::build(OpBuilder &Builder, OperationState &State,
                        StringRef Name, RankedTensorType Type,
                        ArrayAttr Sources, bool Stacked, ArrayAttr Sharding) {
  build(Builder, State, Builder.getStringAttr(Name), TypeAttr::get(Type),
        Sources, Stacked ? Builder.getUnitAttr() : UnitAttr(), Sharding,
        ArrayAttr());
}

SliceAttr ParameterOp::getSlice(int64_t Dimension) {
  if (ArrayAttr Slices = getSlicesAttr())
    for (auto Slice : Slices.getAsRange<SliceAttr>())
      if (Slice.getDimension() == Dimension)
        return Slice;
  return {};
}

RankedTensorType ParameterOp::getWholeType() {
  auto Type = cast<RankedTensorType>(getType());
  SmallVector<int64_t> Shape(Type.getShape());
  for (auto [Dimension, Extent] : llvm::enumerate(Shape))
    if (SliceAttr Slice = getSlice(Dimension))
      Extent = Slice.getExtent();
  return RankedTensorType::get(Shape, Type.getElementType());
}

int64_t EmbeddingOp::getVocabulary() {
  return getShard()
             ? getShard()->getExtent()
             : cast<RankedTensorType>(getTable().getType()).getDimSize(0);
}

int64_t LogProbPartsOp::getVocabulary() {
  return getShard()
             ? getShard()->getExtent()
             : cast<RankedTensorType>(getWeight().getType()).getDimSize(0);
}
