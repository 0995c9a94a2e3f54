//===- ThreadLoops.h - loops over blocks in a thread block ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_THREADLOOPS_H
#define M1C_COMPILER_CODEGEN_CUDA_THREADLOOPS_H

#include "compiler/Codegen/Blocks/Materializer.h"
#include "compiler/Codegen/CUDA/ThreadBlock.h"

namespace m1::codegen {

/// A thread loops over its own elements of a block in registers, and over its
/// share of a block in memory.
class ThreadLoops final : public BlockLoops {
public:
  /// The builder is in the entry block of the new function.
  ThreadLoops(LoweringContext &Context, ThreadBlock &Threads,
              RegisterLayouts &Layouts)
      : Context(Context), B(Context.B), Threads(Threads), Layouts(Layouts),
        Entry(B.getInsertionBlock()) {}

  Access allocateFor(mlir::Value Block, mlir::VectorType Type) override;
  void forEach(mlir::Value Block, const Access &To, const Extent &E,
               bool Vectorize, Body Emit) override;

  /// Distributes the elements of a block over the threads, row by row.
  void forEachShared(const Extent &E, bool Vectorize, Body Emit);

private:
  LoweringContext &Context;
  ScalarBuilder &B;
  ThreadBlock &Threads;
  RegisterLayouts &Layouts;
  mlir::Block *Entry; // of the function, where registers are allocated
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_THREADLOOPS_H
