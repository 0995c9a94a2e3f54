//===- ScratchMemory.h - memory of a grid cell ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_SCRATCHMEMORY_H
#define M1C_COMPILER_CODEGEN_BLOCKS_SCRATCHMEMORY_H

#include "compiler/Codegen/Blocks/Access.h"
#include "dialects/Tile/IR/Tile.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

namespace m1::codegen {

/// Buffers in the memory of a grid cell. Each is a `tile.scratch`, live from
/// where it is allocated to its last use.
class ScratchMemory {
public:
  ScratchMemory(ScalarBuilder &B, mlir::Value Base) : B(B), Base(Base) {}

  /// A row-major buffer for a block of type `Type`.
  Access allocate(mlir::VectorType Type) {
    Access A;
    A.Element = Type.getElementType();
    A.Strides.assign(Type.getRank(), 1);
    A.RowAlignment = bufferAlignment(A.Element);
    if (Type.getRank() == 2) {
      A.Strides[0] = Type.getDimSize(1);
      A.RowAlignment = std::gcd(A.RowAlignment, A.Strides[0]);
    }
    const int64_t Bytes =
        Type.getNumElements() *
        llvm::divideCeil(Type.getElementTypeBitWidth(), uint64_t(8));
    A.Base = B.create<tile::ScratchOp>(Base.getType(), Base, Bytes);
    return A;
  }

  /// True if `A` is a buffer in this memory's address space.
  bool contains(const Access &A) const {
    return A.Base.getType() == Base.getType();
  }

private:
  ScalarBuilder &B;
  mlir::Value Base;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_SCRATCHMEMORY_H
