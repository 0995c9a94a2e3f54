//===- ElementTypes.h - element types in a plan -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SCHEMA_ELEMENTTYPES_H
#define M1C_RUNTIME_SCHEMA_ELEMENTTYPES_H

#include "runtime/schema/plan_generated.h"
#include "runtime/support/DType.h"

#include <optional>

namespace m1 {

// The schema numbers the element types of plans, the first of ElementType, as
// ElementType does.
#define M1_SAME_NUMBER(Type)                                                   \
  static_assert(static_cast<int>(plan::DType::Type) ==                         \
                static_cast<int>(ElementType::Type))
M1_SAME_NUMBER(F32);
M1_SAME_NUMBER(BF16);
M1_SAME_NUMBER(F16);
M1_SAME_NUMBER(F64);
M1_SAME_NUMBER(I32);
M1_SAME_NUMBER(I64);
M1_SAME_NUMBER(U8);
#undef M1_SAME_NUMBER
static_assert(plan::DType::MAX == plan::DType::U8);

inline ElementType elementType(plan::DType Type) {
  return static_cast<ElementType>(Type);
}

/// None for an element type that plans cannot hold.
inline std::optional<plan::DType> planType(ElementType Type) {
  auto Result = static_cast<plan::DType>(Type);
  if (Result > plan::DType::MAX)
    return std::nullopt;
  return Result;
}

} // namespace m1

#endif // M1C_RUNTIME_SCHEMA_ELEMENTTYPES_H
