//===- Frame.h - the values of one call -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_FRAME_H
#define M1C_DIALECTS_M1_REFERENCE_FRAME_H

#include "dialects/M1/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace m1::reference {

using TensorPtr = std::shared_ptr<const Tensor>;

/// The values of one call of a function on one rank, and the environment of its
/// ops.
class Frame {
public:
  /// `Depth` is the number of calls around this one.
  Frame(ParameterReader &Parameters, StateStore &Store, int64_t Rank = 0,
        int Depth = 0)
      : Parameters(Parameters), Store(Store), Rank(Rank), Depth(Depth) {}

  /// Runs a function on all ranks, op by op; returns the results of each.
  /// Inputs, which must match the argument types and m1.dim attributes, are the
  /// same on all. Frame i is that of rank i.
  static mlir::FailureOr<std::vector<llvm::SmallVector<TensorPtr>>>
  run(llvm::MutableArrayRef<Frame> Ranks, mlir::func::FuncOp Function,
      llvm::ArrayRef<llvm::SmallVector<TensorPtr>> Inputs);

  /// Evaluates the ops of `Body`, whose arguments are set and which has no
  /// collectives and calls; returns the operands of its terminator, which must
  /// be tensors.
  mlir::FailureOr<llvm::SmallVector<TensorPtr>> run(mlir::Block &Body);

  /// The values of a tensor on the ranks that differ from this one on `Axis`
  /// only, in the order of their coordinates. `Op` uses it.
  llvm::SmallVector<TensorPtr> shareAlong(mlir::Operation *Op,
                                          llvm::StringRef Axis, mlir::Value V);
  /// The number of this rank's first element of the axis that `Shard`, an
  /// attribute of `Op`, is about; 0 if it is null.
  int64_t first(mlir::Operation *Op, m1::ShardAttr Shard) const;

  /// The value of a tensor that was set before.
  const Tensor &get(mlir::Value V) { return *share(V); }
  TensorPtr share(mlir::Value V);

  /// Sets the value of an op's result, which must match its type.
  mlir::LogicalResult set(mlir::Value V, TensorPtr Result);
  mlir::LogicalResult set(mlir::Value V, Tensor Result) {
    return set(V, std::make_shared<const Tensor>(std::move(Result)));
  }

  /// Values of state types.
  const State &getState(mlir::Value V) { return States.find(V)->second; }
  void setState(mlir::Value V, State Now) { States[V] = std::move(Now); }

  /// Values of tensor states. A state that was never written is zero.
  Tensor getTensorState(mlir::Value V);
  void setTensorState(mlir::Value V, Tensor Now);

  ParameterReader &Parameters;
  StateStore &Store;
  const int64_t Rank;
  const int Depth;

private:
  static mlir::LogicalResult call(llvm::MutableArrayRef<Frame> Ranks,
                                  mlir::func::CallOp Op);
  mlir::LogicalResult bind(mlir::func::FuncOp Function,
                           llvm::ArrayRef<TensorPtr> Inputs);
  mlir::FailureOr<llvm::SmallVector<TensorPtr>> finish(mlir::Operation &End);
  mlir::LogicalResult checkInput(mlir::func::FuncOp Function, unsigned Index,
                                 const Tensor &Input);
  mlir::LogicalResult checkAxes(mlir::Operation *Op);
  mlir::LogicalResult evaluate(mlir::Operation &Op);
  void release(mlir::Operation &Op);

  llvm::DenseMap<mlir::Value, TensorPtr> Values;
  llvm::DenseMap<mlir::Value, State> States;
  llvm::DenseMap<mlir::Value, int64_t> Uses; ///< yet to be evaluated
  llvm::StringMap<int64_t> Extents;          ///< of symbols in m1.dim
  llvm::MutableArrayRef<Frame> Peers;        ///< of all ranks
};

} // namespace m1::reference

#include "dialects/M1/Reference/InterpretableOpInterface.h.inc"

namespace m1::reference {

/// Turns a check's message into a diagnostic of `Op`; an empty one is success.
inline mlir::LogicalResult report(mlir::Operation *Op,
                                  const std::string &Wrong) {
  return Wrong.empty() ? mlir::success() : Op->emitOpError(Wrong);
}

/// Checks the offsets of the sequences of `Tokens` tokens, if an op has them.
/// All that they decide is the order in which a sum is rounded.
mlir::LogicalResult checkSequences(mlir::Operation *Op, mlir::Value CuSeqlens,
                                   int64_t Tokens, Frame &Values);

namespace detail {
template <auto Interpret> struct Attach;
template <typename OpT, mlir::LogicalResult (*Interpret)(OpT, Frame &)>
struct Attach<Interpret> {
  struct Model : InterpretableOpInterface::ExternalModel<Model, OpT> {
    mlir::LogicalResult interpret(mlir::Operation *Op, Frame &Values) const {
      return Interpret(llvm::cast<OpT>(Op), Values);
    }
  };
  static void to(mlir::MLIRContext &Context) {
    OpT::template attachInterface<Model>(Context);
  }
};
} // namespace detail

/// Makes functions `LogicalResult (OpT, Frame &)` the evaluation of their ops.
template <auto... Interpret> void attach(mlir::MLIRContext &Context) {
  (detail::Attach<Interpret>::to(Context), ...);
}

// Each attaches the evaluation of one group of ops.
void attachState(mlir::MLIRContext &Context);
void attachRows(mlir::MLIRContext &Context);
void attachAttention(mlir::MLIRContext &Context);
void attachExperts(mlir::MLIRContext &Context);
void attachOutput(mlir::MLIRContext &Context);
void attachSharding(mlir::MLIRContext &Context);
void attachAttentionGradients(mlir::MLIRContext &Context);
void attachExpertGradients(mlir::MLIRContext &Context);
void attachRowGradients(mlir::MLIRContext &Context);
void attachPolicyLoss(mlir::MLIRContext &Context);
void attachOptimizer(mlir::MLIRContext &Context);

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_FRAME_H
