//===- PropagateShards.h - which part of each value a rank has --*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_TRANSFORMS_PROPAGATESHARDS_H
#define M1C_COMPILER_TRANSFORMS_PROPAGATESHARDS_H

#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

namespace m1 {

/// Decides which part of each value a rank has: it goes from the parameters,
/// which say how they can be sharded, through the ops in their order, by the
/// rules of ShardableOpInterface. Changes nothing.
class ShardPropagation {
public:
  ShardPropagation(mlir::ModuleOp Module, MeshAttr Mesh)
      : Module(Module), Mesh(Mesh) {}

  /// Fails after a diagnostic if ranks cannot share a parameter evenly, or an
  /// op would need what no rank has.
  mlir::LogicalResult run();

  /// Of parameters and states, by name. Those without an entry are whole.
  llvm::StringMap<ValueSharding> Parameters, States;
  llvm::DenseMap<mlir::Value, ValueSharding> Values;
  /// Of ops that compute with parts.
  llvm::DenseMap<mlir::Operation *, OpSharding> Ops;
  /// Operands that are sharded and needed whole.
  llvm::DenseSet<mlir::OpOperand *> Gathered;

private:
  mlir::LogicalResult seed(ParameterOp Parameter);
  mlir::LogicalResult visit(mlir::Operation *Op);
  mlir::LogicalResult visit(ShardableOpInterface Op);
  mlir::LogicalResult gather(mlir::OpOperand &Operand);
  std::optional<mlir::OpOperand *> findRejected(OpSharding &Sharding,
                                                mlir::Operation *Op);
  mlir::LogicalResult shardStates(OpSharding &Sharding, mlir::Operation *Op);
  /// The sharding of an operand; empty if it is whole, or gathered.
  llvm::ArrayRef<SliceAttr> shardingOf(mlir::OpOperand &Operand);

  mlir::ModuleOp Module;
  MeshAttr Mesh;
  /// State values to the names of their states.
  llvm::DenseMap<mlir::Value, mlir::StringAttr> StateNames;
};

} // namespace m1

#endif // M1C_COMPILER_TRANSFORMS_PROPAGATESHARDS_H
