//===- Types.cpp - PTX types on the host ----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Types.h"

using namespace m1;
using namespace m1::ptx;

namespace {
struct Row {
  std::string_view Spelling;
  Type T;
  unsigned Bytes;
};
constexpr Row Rows[] = {
    {"pred", Type::Pred, 0},     {"b8", Type::B8, 1},
    {"b16", Type::B16, 2},       {"b32", Type::B32, 4},
    {"b64", Type::B64, 8},       {"u8", Type::U8, 1},
    {"u16", Type::U16, 2},       {"u32", Type::U32, 4},
    {"u64", Type::U64, 8},       {"s8", Type::S8, 1},
    {"s16", Type::S16, 2},       {"s32", Type::S32, 4},
    {"s64", Type::S64, 8},       {"f16", Type::F16, 2},
    {"bf16", Type::BF16, 2},     {"f16x2", Type::F16x2, 4},
    {"bf16x2", Type::BF16x2, 4}, {"f32", Type::F32, 4},
    {"f64", Type::F64, 8},       {"tf32", Type::TF32, 4},
};
} // namespace

std::optional<Type> ptx::parseType(std::string_view Spelling) {
  for (const Row &R : Rows)
    if (R.Spelling == Spelling)
      return R.T;
  return std::nullopt;
}

unsigned ptx::sizeOf(Type T) {
  for (const Row &R : Rows)
    if (R.T == T)
      return R.Bytes;
  return 0;
}
