//===- M1Dialect.cpp - types and attributes -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace m1;

#include "dialects/M1/IR/M1Dialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/M1/IR/M1Types.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/M1/IR/M1Attrs.cpp.inc"

void M1Dialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/M1/IR/M1Types.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/M1/IR/M1Attrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/M1/IR/M1Ops.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

LogicalResult m1::verifySize(function_ref<InFlightDiagnostic()> EmitError,
                             Type Ty) {
  auto Tensor = dyn_cast<RankedTensorType>(Ty);
  if (!Tensor)
    return success();
  // Without the axes of extent 0: the product is also of the steps from one
  // index of an axis to the next.
  int64_t Elements = 1;
  for (int64_t Extent : Tensor.getShape()) {
    if (ShapedType::isDynamic(Extent))
      continue;
    if (Extent > kMaxExtent)
      return EmitError() << "expected extents of at most " << kMaxExtent
                         << ", found " << Ty;
    Elements *= std::max<int64_t>(Extent, 1);
    if (Elements > kMaxElements)
      return EmitError() << "expected at most " << kMaxElements
                         << (Tensor.hasStaticShape() ? " elements"
                                                     : " elements per row")
                         << ", found " << Ty;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// State types
//===----------------------------------------------------------------------===//

static LogicalResult
verifyStateType(function_ref<InFlightDiagnostic()> EmitError, int64_t Heads,
                int64_t HeadDim, Type ElementType) {
  if (Heads < 1 || HeadDim < 1)
    return EmitError() << "expected a positive number of heads and a positive "
                          "head size, found "
                       << Heads << " x " << HeadDim;
  if (!ElementType.isF32() && !ElementType.isBF16() && !ElementType.isF16() &&
      !ElementType.isF64())
    return EmitError() << "expected f32, bf16, f16 or f64 elements, found "
                       << ElementType;
  return success();
}

/// Verifies the size of a part of a state for one slot.
static LogicalResult
verifyStatePart(function_ref<InFlightDiagnostic()> EmitError,
                ArrayRef<int64_t> Shape, Type ElementType) {
  return verifySize(EmitError, RankedTensorType::get(Shape, ElementType));
}

LogicalResult
LightningStateType::verify(function_ref<InFlightDiagnostic()> EmitError,
                           int64_t Heads, int64_t HeadDim, int64_t Chunk,
                           Type ElementType) {
  if (Chunk < 1)
    return EmitError() << "expected a positive chunk size, found " << Chunk;
  if (failed(verifyStateType(EmitError, Heads, HeadDim, ElementType)) ||
      failed(
          verifyStatePart(EmitError, {Heads, HeadDim, HeadDim}, ElementType)))
    return failure();
  return verifyStatePart(EmitError, {Chunk, Heads, HeadDim}, ElementType);
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> EmitError,
                                  int64_t Heads, int64_t HeadDim,
                                  Type ElementType, int64_t Block) {
  if (Block < 0)
    return EmitError() << "expected a positive block size, found " << Block;
  if (failed(verifyStateType(EmitError, Heads, HeadDim, ElementType)))
    return failure();
  if (Block > 0)
    return verifyStatePart(EmitError, {Block, Heads, HeadDim}, ElementType);
  return verifyStatePart(EmitError, {Heads, HeadDim}, ElementType);
}

LogicalResult
TensorStateType::verify(function_ref<InFlightDiagnostic()> EmitError,
                        ArrayRef<int64_t> Shape, Type ElementType) {
  if (!ElementType.isF32())
    return EmitError() << "expected f32 elements, found " << ElementType;
  if (llvm::any_of(Shape, ShapedType::isDynamic))
    return EmitError() << "expected static extents";
  auto Tensor = RankedTensorType::get(Shape, ElementType);
  if (Shape.empty() || llvm::is_contained(Shape, 0))
    return EmitError() << "expected an axis or more, and extents of at least "
                          "1, found "
                       << Tensor;
  return verifySize(EmitError, Tensor);
}

/// `<64x32xf32>`
Type TensorStateType::parse(AsmParser &Parser) {
  SmallVector<int64_t> Shape;
  Type Element;
  if (Parser.parseLess() ||
      Parser.parseDimensionList(Shape, /*allowDynamic=*/false) ||
      Parser.parseType(Element) || Parser.parseGreater())
    return {};
  return getChecked([&] { return Parser.emitError(Parser.getNameLoc()); },
                    Parser.getContext(), Shape, Element);
}

void TensorStateType::print(AsmPrinter &Printer) const {
  Printer << '<';
  for (int64_t Extent : getShape())
    Printer << Extent << 'x';
  Printer << getElementType() << '>';
}

//===----------------------------------------------------------------------===//
// SourceAttr
//===----------------------------------------------------------------------===//

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                                 StringAttr Tensor, int64_t Axis, int64_t Begin,
                                 int64_t End, int64_t Extent, Type Stored) {
  if (Stored && !Stored.isBF16() && !Stored.isF16() && !Stored.isF32())
    return EmitError() << "expected a tensor stored as f32, bf16 or f16, found "
                       << Stored;
  if (Tensor.empty())
    return EmitError() << "expected the name of a tensor, found \"\"";
  if (Axis < -1)
    return EmitError() << "expected an axis from 0 on, found " << Axis;
  if (Axis == -1) {
    if (Begin != 0 || End != 0 || Extent != 0)
      return EmitError() << "a whole tensor has no range, found " << Begin
                         << " to " << End << " of " << Extent;
    return success();
  }
  if (Begin < 0 || Begin >= End || End > Extent || Extent > kMaxExtent)
    return EmitError() << "expected a range with 0 <= begin < end <= extent <= "
                       << kMaxExtent << ", found " << Begin << " to " << End
                       << " of " << Extent;
  return success();
}

Attribute SourceAttr::parse(AsmParser &Parser, Type) {
  StringAttr Tensor;
  int64_t Axis = -1, Begin = 0, End = 0, Extent = 0;
  mlir::Type Stored;
  SMLoc Location = Parser.getCurrentLocation();
  if (Parser.parseLess() || Parser.parseAttribute(Tensor))
    return {};
  if (succeeded(Parser.parseOptionalLSquare()) &&
      (Parser.parseKeyword("axis") || Parser.parseInteger(Axis) ||
       Parser.parseComma() || Parser.parseInteger(Begin) ||
       Parser.parseKeyword("to") || Parser.parseInteger(End) ||
       Parser.parseKeyword("of") || Parser.parseInteger(Extent) ||
       Parser.parseRSquare()))
    return {};
  if (succeeded(Parser.parseOptionalKeyword("as")) && Parser.parseType(Stored))
    return {};
  if (Parser.parseGreater())
    return {};
  auto EmitError = [&] { return Parser.emitError(Location); };
  return SourceAttr::getChecked(EmitError, Parser.getContext(), Tensor, Axis,
                                Begin, End, Extent, Stored);
}

void SourceAttr::print(AsmPrinter &Printer) const {
  Printer << '<' << getTensor();
  if (getAxis() >= 0)
    Printer << "[axis " << getAxis() << ", " << getBegin() << " to " << getEnd()
            << " of " << getExtent() << ']';
  if (getStored())
    Printer << " as " << getStored();
  Printer << '>';
}
