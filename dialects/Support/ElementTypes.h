//===- ElementTypes.h - element types in MLIR -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_SUPPORT_ELEMENTTYPES_H
#define M1C_DIALECTS_SUPPORT_ELEMENTTYPES_H

#include "runtime/support/DType.h"

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace m1 {

/// The element type that an MLIR type stands for; none for types that neither
/// models nor plans have.
inline std::optional<ElementType> elementTypeOf(mlir::Type Type) {
  if (Type.isF32())
    return ElementType::F32;
  if (Type.isBF16())
    return ElementType::BF16;
  if (Type.isF16())
    return ElementType::F16;
  if (Type.isF64())
    return ElementType::F64;
  if (Type.isInteger(32))
    return ElementType::I32;
  if (Type.isInteger(64))
    return ElementType::I64;
  return std::nullopt;
}

/// The inverse for floating-point types; null for others.
inline mlir::FloatType floatTypeOf(mlir::MLIRContext *Context,
                                   ElementType Type) {
  switch (Type) {
  case ElementType::F32:
    return mlir::FloatType::getF32(Context);
  case ElementType::BF16:
    return mlir::FloatType::getBF16(Context);
  case ElementType::F16:
    return mlir::FloatType::getF16(Context);
  case ElementType::F64:
    return mlir::FloatType::getF64(Context);
  default:
    return {};
  }
}

} // namespace m1

#endif // M1C_DIALECTS_SUPPORT_ELEMENTTYPES_H
