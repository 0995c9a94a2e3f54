//===- Keeping.h - which blocks get memory ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_KEEPING_H
#define M1C_COMPILER_CODEGEN_BLOCKS_KEEPING_H

#include "dialects/Tile/IR/Tile.h"

namespace m1::codegen {

/// Answers which blocks of a kernel are kept, in memory or registers of their
/// own: products, reductions, what loops carry and ifs choose, loads whose
/// memory changes before their last use, and expressions with an exponential or
/// the like that several users would otherwise compute anew. All others are
/// evaluated where they are needed.
class Keeping {
public:
  bool isKept(mlir::Value Block);

  /// True for loads and gathers that are read where their elements are needed.
  bool isDelayed(mlir::Value Block);

  /// True for ops that hand a block's elements on without needing it as a
  /// whole.
  static bool isTransparent(mlir::Operation *Op);

private:
  bool compute(mlir::Value Block);
  bool isWorthKeeping(mlir::Value Block);

  llvm::DenseMap<mlir::Value, bool> Known;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_KEEPING_H
