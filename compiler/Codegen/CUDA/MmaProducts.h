//===- MmaProducts.h - products on matrix units -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_MMAPRODUCTS_H
#define M1C_COMPILER_CODEGEN_CUDA_MMAPRODUCTS_H

#include "compiler/Codegen/Blocks/Materializer.h"
#include "compiler/Codegen/CUDA/ThreadLoops.h"

namespace m1::codegen {

/// Products of bf16, or of f32 and bf16, on matrix units (mma.m16n8k16), with
/// sums in registers.
class MmaProducts {
public:
  MmaProducts(LoweringContext &Context, ThreadBlock &Threads,
              RegisterLayouts &Layouts, ThreadLoops &Loops,
              Materializer &Writer)
      : Context(Context), Threads(Threads), Layouts(Layouts), Loops(Loops),
        Writer(Writer) {}

  /// C += A B as `Product` says. Warps for which `Used` (null: all) is false
  /// only help to copy operands.
  void multiply(tile::DotOp Dot, tile::ProductAttr Product, const Access &C,
                mlir::Value Used);
  /// The buffer in shared memory of a block of bf16, in which `ldmatrix` can
  /// read it; made if there is none.
  Access inShared(mlir::Value Block);

private:
  LoweringContext &Context;
  ThreadBlock &Threads;
  RegisterLayouts &Layouts;
  ThreadLoops &Loops;
  Materializer &Writer;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_MMAPRODUCTS_H
