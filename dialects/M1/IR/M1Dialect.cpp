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
// State types
//===----------------------------------------------------------------------===//

static LogicalResult
verifyStateType(function_ref<InFlightDiagnostic()> emitError, int64_t heads,
                int64_t headDim, Type elementType) {
  if (heads < 1 || headDim < 1)
    return emitError() << "expected a positive number of heads and a positive "
                          "head size, found "
                       << heads << " x " << headDim;
  if (!elementType.isF32() && !elementType.isBF16() && !elementType.isF16() &&
      !elementType.isF64())
    return emitError() << "expected f32, bf16, f16 or f64 elements, found "
                       << elementType;
  return success();
}

LogicalResult
LightningStateType::verify(function_ref<InFlightDiagnostic()> emitError,
                           int64_t heads, int64_t headDim, int64_t chunk,
                           Type elementType) {
  if (chunk < 1)
    return emitError() << "expected a positive chunk size, found " << chunk;
  return verifyStateType(emitError, heads, headDim, elementType);
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t heads, int64_t headDim,
                                  Type elementType) {
  return verifyStateType(emitError, heads, headDim, elementType);
}

//===----------------------------------------------------------------------===//
// SourceAttr
//===----------------------------------------------------------------------===//

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringAttr tensor, int64_t axis, int64_t begin,
                                 int64_t end, int64_t extent) {
  if (tensor.empty())
    return emitError() << "expected the name of a tensor, found \"\"";
  if (axis < -1)
    return emitError() << "expected an axis from 0 on, found " << axis;
  if (axis == -1) {
    if (begin != 0 || end != 0 || extent != 0)
      return emitError() << "a whole tensor has no range, found " << begin
                         << " to " << end << " of " << extent;
    return success();
  }
  if (begin < 0 || begin >= end || end > extent)
    return emitError() << "expected a range with 0 <= begin < end <= extent, "
                          "found "
                       << begin << " to " << end << " of " << extent;
  return success();
}

Attribute SourceAttr::parse(AsmParser &parser, Type) {
  StringAttr tensor;
  int64_t axis = -1, begin = 0, end = 0, extent = 0;
  SMLoc location = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseAttribute(tensor))
    return {};
  if (succeeded(parser.parseOptionalLSquare()) &&
      (parser.parseKeyword("axis") || parser.parseInteger(axis) ||
       parser.parseComma() || parser.parseInteger(begin) ||
       parser.parseKeyword("to") || parser.parseInteger(end) ||
       parser.parseKeyword("of") || parser.parseInteger(extent) ||
       parser.parseRSquare()))
    return {};
  if (parser.parseGreater())
    return {};
  auto emitError = [&] { return parser.emitError(location); };
  return SourceAttr::getChecked(emitError, parser.getContext(), tensor, axis,
                                begin, end, extent);
}

void SourceAttr::print(AsmPrinter &printer) const {
  printer << '<' << getTensor();
  if (getAxis() >= 0)
    printer << "[axis " << getAxis() << ", " << getBegin() << " to " << getEnd()
            << " of " << getExtent() << ']';
  printer << '>';
}
