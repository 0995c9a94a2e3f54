//===- RegisterLayouts.h - register layouts of a kernel ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_REGISTERLAYOUTS_H
#define M1C_COMPILER_CODEGEN_CUDA_REGISTERLAYOUTS_H

#include "compiler/Codegen/Blocks/Materialization.h"
#include "compiler/Codegen/Blocks/RegisterLayout.h"
#include "dialects/Tile/IR/Tile.h"

#include <array>
#include <map>

namespace m1::codegen {

/// Threads of a warp.
inline constexpr int64_t kLanes = 32;

/// The attribute of an op whose results have register layouts: an array with a
/// #tile.layout or a unit for each result.
inline constexpr llvm::StringLiteral kLayoutsAttr = "tile.layouts";

/// The register layouts of one kernel. Each is made once, so pointers to them
/// can be compared.
class RegisterLayouts {
public:
  /// Those of a kernel that has `tile.threads`, for the GPU that is its target.
  explicit RegisterLayouts(tile::KernelOp Kernel);

  /// The layout to choose for blocks of that shape; null for shapes that stay
  /// in memory.
  const RegisterLayout *of(llvm::ArrayRef<int64_t> Shape);
  /// The layout that `tile-assign-layouts` chose for a block; null for shared
  /// memory.
  const RegisterLayout *assigned(mlir::Value Block);

private:
  /// The layout of that shape with those warps. It must fit the shape.
  const RegisterLayout *made(llvm::ArrayRef<int64_t> Shape, int64_t WarpsDown,
                             int64_t WarpsAcross);

  int64_t Warps;
  /// A block with more slots per thread stays in memory.
  int64_t MaxSlots;
  /// By rows, columns (0 for rank 1), warps down and warps across.
  std::map<std::array<int64_t, 4>, RegisterLayout> Known;
};

/// True if evaluating `Block` reads registers of a block.
bool readsRegisters(mlir::Value Block, Materialization &Materialized,
                    RegisterLayouts &Layouts);

/// Fails with a diagnostic unless the kernel, whose target is a GPU, has
/// `tile.threads` and every `tile.layouts` in it is what RegisterLayouts has
/// for the block's shape.
llvm::LogicalResult verifyLayouts(tile::KernelOp Kernel);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_REGISTERLAYOUTS_H
