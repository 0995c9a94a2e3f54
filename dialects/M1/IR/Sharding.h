//===- Sharding.h - the mesh of a module ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_SHARDING_H
#define M1C_DIALECTS_M1_IR_SHARDING_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace m1 {

class MeshAttr;
class ParameterOp;
class ShardAttr;

// The axes of meshes. Ranks of `data` have different sequences, those of
// `tensor` parts of each layer, those of `expert` different experts.
inline constexpr llvm::StringLiteral kDataAxis = "data";
inline constexpr llvm::StringLiteral kTensorAxis = "tensor";
inline constexpr llvm::StringLiteral kExpertAxis = "expert";

/// The most ranks of a mesh.
inline constexpr int64_t kMaxRanks = 4096;

/// Tokens of the vocabulary in a group of log-probabilities, which is computed
/// whole by one rank.
inline constexpr int64_t kVocabularyGroup = 1024;

/// Whether meshes can have an axis of this name.
bool isMeshAxis(llvm::StringRef Name);

/// The mesh of the module around `Op`; null if it has none.
MeshAttr meshOf(mlir::Operation *Op);

/// Verifies that the mesh of the module around `Op` has `Axis`.
llvm::LogicalResult expectMeshAxis(mlir::Operation *Op,
                                   llvm::StringRef Constraint,
                                   llvm::StringRef Axis);

/// Verifies that `Shard`, which may be null, has `Local` elements on a rank.
llvm::LogicalResult expectShard(mlir::Operation *Op, llvm::StringRef Constraint,
                                ShardAttr Shard, int64_t Local);

/// Constraints (C6) and (C7) of m1.parameter.
llvm::LogicalResult verifySharding(ParameterOp Op);

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_SHARDING_H
