//===- Exchange.h - copies of blocks in registers ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_EXCHANGE_H
#define M1C_COMPILER_CODEGEN_CUDA_EXCHANGE_H

#include "compiler/Codegen/Blocks/LoweringContext.h"
#include "compiler/Codegen/CUDA/ThreadBlock.h"

namespace m1::codegen {

/// During its lifetime, blocks in registers that an evaluation reads at
/// positions of another layout can be read from copies in shared memory.
class Exchange {
public:
  Exchange(LoweringContext &Context, ThreadBlock &Threads)
      : Context(Context), Threads(Threads) {}
  ~Exchange();
  Exchange(const Exchange &) = delete;
  Exchange &operator=(const Exchange &) = delete;

  /// Makes the copies that evaluating `Block` needs at the positions of layout
  /// `Where` (null: at any position).
  void prepare(mlir::Value Block, const RegisterLayout *Where);

private:
  void copy(mlir::Value Block);

  LoweringContext &Context;
  ThreadBlock &Threads;
  llvm::SmallVector<mlir::Value> Copied;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_EXCHANGE_H
