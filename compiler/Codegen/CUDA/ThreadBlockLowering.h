//===- ThreadBlockLowering.h - kernels to a thread's code -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread block computes a grid cell. Blocks that `tile-assign-layouts` gave a
// register layout are in the threads' registers, all others in shared memory,
// with their elements distributed over all threads. The parts:
//
//   ThreadBlock     the threads: ids, layouts, barriers, shuffles
//   ThreadLoops     buffers, and loops over blocks
//   Exchange        copies of blocks in registers, to be read in another order
//   RowReductions   reductions
//   MmaProducts     products on matrix units; their operands are in shared
//                   memory (SharedTile) or pass through it (Staging)
//   FmaProducts     all other products
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_THREADBLOCKLOWERING_H
#define M1C_COMPILER_CODEGEN_CUDA_THREADBLOCKLOWERING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"
#include "compiler/Codegen/CUDA/FmaProducts.h"
#include "compiler/Codegen/CUDA/MmaProducts.h"
#include "compiler/Codegen/CUDA/RowReductions.h"

namespace m1::codegen {

/// Lowers a kernel to the code of one thread.
class ThreadBlockLowering final : public TargetLowering {
public:
  /// `Thread` is the thread's number in its block, as an index. The context's
  /// scratch memory is the block's dynamic shared memory.
  ThreadBlockLowering(LoweringContext &Context, mlir::Value Thread);

  Materializer &materializer() override { return Writer; }
  void reduceRows(mlir::Value Source, const Extent &E,
                  mlir::vector::CombiningKind Kind, mlir::Value Init,
                  const Access &Result) override {
    Reductions.reduce({Source, E, Kind, Init, Result});
  }
  void lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) override;
  std::optional<Access> materializeLeft(tile::DotOp Dot,
                                        const Access &Left) override;
  void once(llvm::function_ref<void()> Emit) override { Threads.once(Emit); }
  void invalidateBarrier() override { Threads.invalidateBarrier(); }

private:
  ScalarBuilder &B;
  ThreadBlock Threads;
  RegisterLayouts Layouts;
  ThreadLoops Loops;
  Materializer Writer;
  RowReductions Reductions;
  MmaProducts Mma;
  FmaProducts Fma;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_THREADBLOCKLOWERING_H
