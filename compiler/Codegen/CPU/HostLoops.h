//===- HostLoops.h - loops over blocks on a CPU -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CPU_HOSTLOOPS_H
#define M1C_COMPILER_CODEGEN_CPU_HOSTLOOPS_H

#include "compiler/Codegen/Blocks/Materializer.h"

namespace m1::codegen {

/// One core computes a grid cell: plain loops, rows outside, vectors of columns
/// inside. All buffers are scratch memory.
class HostLoops final : public BlockLoops {
public:
  /// `Lanes` is the number of f32 elements in a vector register.
  HostLoops(LoweringContext &Context, int64_t Lanes)
      : B(Context.B), Scratch(Context.Scratch), Lanes(Lanes) {}

  Access allocateFor(mlir::Value Block, mlir::VectorType Type) override {
    return Scratch.allocate(Type);
  }
  void forEach(mlir::Value Block, const Access &To, const Extent &E,
               bool Vectorize, Body Emit) override;
  bool
  transpose(const Access &To, const Extent &E,
            llvm::function_ref<mlir::Value(const Position &)> Row) override;

  bool
  interleave(const Access &To, const Extent &E, bool Transposed,
             llvm::function_ref<mlir::Value(const Position &)> Row) override;

  void forEachRow(const Extent &E, llvm::function_ref<void(mlir::Value)> Emit);

private:
  /// Calls `Emit` with the first row and column of each square of `Size` by
  /// `Size` elements.
  void forEachSquare(int64_t Rows, int64_t Columns, int64_t Size,
                     llvm::function_ref<void(mlir::Value, mlir::Value)> Emit);

  ScalarBuilder &B;
  ScratchMemory &Scratch;
  int64_t Lanes;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CPU_HOSTLOOPS_H
