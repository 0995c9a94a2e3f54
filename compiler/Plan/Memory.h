//===- Memory.h - where the operands of a program's steps are ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_PLAN_MEMORY_H
#define M1C_COMPILER_PLAN_MEMORY_H

#include "compiler/Support/BufferAlignment.h"
#include "dialects/Plan/IR/Plan.h"
#include "runtime/schema/plan_generated.h"

#include <optional>

namespace m1 {

/// Alignment of buffers and globals in their arenas, in bytes.
inline constexpr int64_t kArenaAlignment = kBufferAlignment;

/// The file's element type for `T`; none if there is no such type in files.
std::optional<plan::DType> dtypeOf(mlir::Type T);

/// Bytes of one element.
int64_t elementBytes(mlir::MemRefType Type);

/// Emits that a value of `Type` is too large, at the op that makes it.
mlir::InFlightDiagnostic emitTooLarge(mlir::Operation *Owner, mlir::Type Type);

/// Bytes of a contiguous memref, whose axis 0 has the extent `Rows` if it is
/// dynamic. Fails with a diagnostic at `Owner` if the number does not fit 64
/// bits.
llvm::FailureOr<int64_t> bytesAtBound(mlir::Operation *Owner,
                                      mlir::MemRefType Type, int64_t Rows);

/// The value of `Size` at the bound of its symbol, or at the largest value for
/// which `User` is executed. Fails with a diagnostic at
/// `User` if the module has no bound for the symbol.
llvm::FailureOr<int64_t> sizeAtBound(mlir::Operation *User,
                                     plan::ExprAttr Size);

/// The bytes from the first element of a memref to the end of its last.
struct MemoryRange {
  /// What is viewed: an argument of the program, or the result of a
  /// plan.buffer, plan.global_ref or plan.parameter.
  mlir::Value Base;
  /// Of the first element, in bytes from the start of `Base`.
  int64_t Offset;
  /// Not positive if there are no elements. Contains no division.
  plan::ExprAttr Bytes;
  /// What is added to `Offset`, in bytes; null if nothing is.
  plan::ExprAttr Shift;
};

/// The range of `Memory`. Fails with a diagnostic at `User` where a plan file
/// cannot describe it.
llvm::FailureOr<MemoryRange> rangeOf(mlir::Operation *User, mlir::Value Memory);

} // namespace m1

#endif // M1C_COMPILER_PLAN_MEMORY_H
