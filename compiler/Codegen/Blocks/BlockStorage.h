//===- BlockStorage.h - where a kernel's values are -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_BLOCKSTORAGE_H
#define M1C_COMPILER_CODEGEN_BLOCKS_BLOCKSTORAGE_H

#include "compiler/Codegen/Blocks/Access.h"
#include "mlir/IR/IRMapping.h"

#include <optional>

namespace m1::codegen {

/// Where the values of a kernel are while it is lowered. A scalar or a memref
/// has a counterpart in the new code. A block is
/// - in a buffer, in memory or registers, if it was materialised;
/// - a lazy load, if it is loaded from the kernel's memory where it is used;
/// - otherwise an expression of other blocks, evaluated where it is used.
class BlockStorage {
public:
  // Scalars and memrefs.
  mlir::IRMapping Scalars;
  /// The counterpart of `V`; null for a null value.
  mlir::Value scalar(mlir::Value V) const {
    return V ? Scalars.lookup(V) : mlir::Value();
  }

  // Blocks. Null where the block has none.
  const Access *buffer(mlir::Value Block) const { return find(Buffers, Block); }
  const Access *lazyLoad(mlir::Value Block) const {
    return find(LazyLoads, Block);
  }
  /// The buffer, or else the lazy load.
  const Access *access(mlir::Value Block) const {
    const Access *Buffer = buffer(Block);
    return Buffer ? Buffer : lazyLoad(Block);
  }
  /// From now on the block is in that buffer, even if it was a lazy load.
  void setBuffer(mlir::Value Block, const Access &To) {
    LazyLoads.erase(Block);
    Buffers[Block] = To;
  }
  void setLazyLoad(mlir::Value Block, const Access &From) {
    LazyLoads[Block] = From;
  }

  // Copies of blocks in registers, for positions of another layout. Their
  // owner removes them.
  void addCopy(mlir::Value Block, const Access &Copy) { Copies[Block] = Copy; }
  void removeCopy(mlir::Value Block) { Copies.erase(Block); }
  bool hasCopy(mlir::Value Block) const { return Copies.contains(Block); }
  /// What to read a materialised block from at positions of `Layout`; null if
  /// the block has no buffer.
  const Access *readable(mlir::Value Block, const RegisterLayout *Layout) const;

  // Properties of a block's evaluation.
  /// True if several elements of a row can be evaluated at once.
  bool isVectorizable(mlir::Value Block) const;
  /// True if evaluating `Block` at a position reads what it is computed from at
  /// other positions.
  bool permutesElements(mlir::Value Block) const;
  /// True if evaluating `Block` reads the buffer of `Target`.
  bool reads(mlir::Value Block, mlir::Value Target) const;

  /// During its lifetime, `Block` is read from `From`.
  class Redirection {
  public:
    Redirection(BlockStorage &Storage, mlir::Value Block, const Access &From);
    ~Redirection();
    Redirection(const Redirection &) = delete;
    Redirection &operator=(const Redirection &) = delete;

  private:
    BlockStorage &Storage;
    mlir::Value Block;
    std::optional<Access> Before;
  };

private:
  using Map = llvm::DenseMap<mlir::Value, Access>;
  static const Access *find(const Map &In, mlir::Value Block) {
    auto It = In.find(Block);
    return It == In.end() ? nullptr : &It->second;
  }

  Map Buffers, LazyLoads, Copies;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_BLOCKSTORAGE_H
