//===- Shardable.h - how ops are spread over ranks --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What ShardableOpInterface is made of: rules, which say how the dimensions of
// an op's operands and results belong together, and the builder that ops make
// their sharded form with. docs/sharding.md explains both.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_SHARDABLE_H
#define M1C_DIALECTS_M1_IR_SHARDABLE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace m1 {

class ShardAttr;
class SliceAttr;

/// How a value is spread: a slice for each dimension of which ranks have a
/// part.
using ValueSharding = llvm::SmallVector<SliceAttr, 2>;

/// The extents that can be sharded: those of a tensor, the heads of a state.
llvm::SmallVector<int64_t> shardableShape(mlir::Type T);
/// The part of a value of type `Whole` that a rank has.
mlir::Type localType(mlir::Type Whole, llvm::ArrayRef<SliceAttr> Slices);
/// The slice of a dimension; null if a rank has it whole.
SliceAttr sliceOf(llvm::ArrayRef<SliceAttr> Slices, int64_t Dimension);

/// The part of a factor that a rank has, as SliceAttr.
struct FactorShard {
  mlir::StringAttr Axis;
  int64_t Step = 0, Extent = 0, Replicas = 1;

  bool operator==(const FactorShard &) const = default;
};

/// A rule, as ShardableOpInterface::getShardingRule states it.
class ShardingRule {
public:
  enum class Kind { Free, Sum, Whole };
  struct Factor {
    std::string Name;
    Kind Is = Kind::Free;
    int64_t Extent = mlir::ShapedType::kDynamic;
  };
  /// The numbers of the factors whose product a dimension is, the outermost
  /// first; none: an extent of 1.
  using Dimension = llvm::SmallVector<unsigned, 2>;
  using Shape = llvm::SmallVector<Dimension, 4>;

  /// Parses `Text` and finds the factors' extents in the types of `Op`.
  ShardingRule(llvm::StringRef Text, mlir::Operation *Op);

  llvm::SmallVector<Factor, 6> Factors;
  llvm::SmallVector<Shape, 6> Operands, Results;

  std::optional<unsigned> find(llvm::StringRef Name) const;

private:
  Shape parseShape(llvm::StringRef Text, mlir::Type Of);
  unsigned factor(llvm::StringRef Name);
  void solve(const Shape &Dimensions, mlir::Type Of);
};

/// The shards of an op's factors, by their numbers in its rule.
class OpSharding {
public:
  explicit OpSharding(ShardingRule Rule)
      : Rule(std::move(Rule)), Shards(this->Rule.Factors.size()) {}

  /// Whether any factor is sharded.
  bool any() const;
  /// The factors' shards that follow from a slice of a dimension. Returns false
  /// if ranks would have parts of elements that belong together.
  bool
  decode(const ShardingRule::Dimension &Dimension, SliceAttr Slice,
         llvm::SmallVectorImpl<std::pair<unsigned, FactorShard>> &Found) const;
  /// The slices of a value with these dimensions.
  ValueSharding encode(mlir::MLIRContext *Context,
                       const ShardingRule::Shape &Dimensions) const;

  ShardingRule Rule;
  llvm::SmallVector<std::optional<FactorShard>, 6> Shards;
};

/// Emits the sharded form of an op, whose operands are those of one rank.
class ShardBuilder : public mlir::ImplicitLocOpBuilder {
public:
  ShardBuilder(mlir::Operation *Op, const OpSharding &Sharding)
      : ImplicitLocOpBuilder(Op->getLoc(), Op), Op(Op), Sharding(Sharding) {}

  /// The shard of a factor of the op's rule; null if a rank has it whole.
  const FactorShard *find(llvm::StringRef Factor) const;
  /// The attribute `shard` of an op that depends on where a factor's part
  /// begins; null if `Shard` is.
  ShardAttr attribute(const FactorShard *Shard);
  /// The type of a result on one rank.
  mlir::Type resultType(unsigned Number) const;
  /// The same with elements of f32, which collectives add.
  mlir::RankedTensorType sumType(unsigned Number);

  /// The op with local types.
  llvm::SmallVector<mlir::Value> emitLocal();
  /// The columns of all ranks of the shard's axis, `Columns` in all.
  mlir::Value allGather(mlir::Value X, const FactorShard &Shard,
                        int64_t Columns);
  /// The sum over all ranks of the shard's axis.
  mlir::Value treeSum(mlir::Value X, const FactorShard &Shard, int64_t Partials,
                      int64_t Groups = 1);
  /// The number of partial sums that a rank makes of its `Leaves`: each is a
  /// subtree of the tree over the leaves of all ranks.
  static int64_t partialsOf(int64_t Leaves);
  /// `X` in the type of a result.
  mlir::Value castTo(mlir::Value X, unsigned Number);

  mlir::Operation *const Op;

private:
  const OpSharding &Sharding;
};

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_SHARDABLE_H
