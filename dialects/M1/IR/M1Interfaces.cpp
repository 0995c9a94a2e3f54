//===- M1Interfaces.cpp - interfaces of m1 ops ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1Interfaces.h"

#include "dialects/M1/IR/M1.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace m1;

#include "dialects/M1/IR/M1Interfaces.cpp.inc"

static ArrayRef<int64_t> shapeOf(Value V) {
  return cast<RankedTensorType>(V.getType()).getShape();
}

static double elementsOf(Value V) {
  return cast<RankedTensorType>(V.getType()).getNumElements();
}

//===----------------------------------------------------------------------===//
// OperandAxesOpInterface
//===----------------------------------------------------------------------===//

StringRef EmbeddingOp::getOperandAxes() { return "T, V D"; }
StringRef CastOp::getOperandAxes() { return "..."; }
StringRef LinearOp::getOperandAxes() { return "T K, N K"; }
StringRef RMSNormOp::getOperandAxes() { return "T N, N"; }
StringRef SiluOp::getOperandAxes() { return "..."; }
StringRef SigmoidGateOp::getOperandAxes() { return "..., ..."; }
StringRef SiluMulOp::getOperandAxes() { return "..., ..."; }
StringRef ResidualOp::getOperandAxes() { return "..., ..."; }
StringRef SharedMixOp::getOperandAxes() { return "T D, T D, T 1"; }
StringRef SelectLastOp::getOperandAxes() { return "T N, B+1"; }
StringRef SplitQKVOp::getOperandAxes() { return "T N"; }
StringRef SplitHeadsOp::getOperandAxes() { return "T N"; }
StringRef MergeHeadsOp::getOperandAxes() { return "T H d"; }
StringRef RotaryOp::getOperandAxes() { return "T H d, T"; }
StringRef LightningAttentionOp::getOperandAxes() {
  return "T H d, T H d, T H d, -, T, B+1, B";
}
StringRef SoftmaxAttentionOp::getOperandAxes() {
  return "T H d, T G d, T G d, -, T, B+1, B, B M";
}
StringRef RouterOp::getOperandAxes() { return "T D, E D"; }
StringRef ExpertsOp::getOperandAxes() {
  return "T D, T K, T K, E F D, E F D, E D F";
}
StringRef TokenLogProbOp::getOperandAxes() { return "T V, T, T"; }
StringRef HeadLogProbOp::getOperandAxes() { return "T D, V D, T"; }
StringRef AdjustLogitsOp::getOperandAxes() { return "B V, B, R V, R V"; }
StringRef SampleOp::getOperandAxes() { return "B V, B, B, B, B, B, B"; }

StringRef SquaresOp::getOperandAxes() { return "T N"; }
StringRef NormalizeOp::getOperandAxes() { return "T N, N, T G"; }
StringRef ExpertProductsOp::getOperandAxes() {
  return "T D, T K, E F D, E F D, E D F";
}
StringRef CombineExpertsOp::getOperandAxes() { return "T N, T K"; }
StringRef AllGatherOp::getOperandAxes() { return "T N"; }
StringRef TreeSumOp::getOperandAxes() { return "T N"; }
StringRef LogProbPartsOp::getOperandAxes() { return "T D, V D, T"; }
StringRef JoinLogProbOp::getOperandAxes() { return "T G, T G, T G"; }

StringRef EmbeddingGradientOp::getOperandAxes() { return "T D, T, -"; }
StringRef LinearTransposedOp::getOperandAxes() { return "T N, N K"; }
StringRef LinearWeightGradientOp::getOperandAxes() {
  return "T N, T K, -, B+1";
}
StringRef RMSNormGradientOp::getOperandAxes() { return "T N, T N, N"; }
StringRef RMSNormWeightGradientOp::getOperandAxes() { return "T N, T N, -"; }
StringRef ScaleOp::getOperandAxes() { return "..."; }
StringRef SiluGradientOp::getOperandAxes() { return "..., ..."; }
StringRef SigmoidGateGradientOp::getOperandAxes() { return "..., ..., ..."; }
StringRef SiluMulGradientOp::getOperandAxes() { return "..., ..., ..."; }
StringRef SharedMixGradientOp::getOperandAxes() { return "T D, T D, T D, T 1"; }
StringRef MergeQKVOp::getOperandAxes() { return "T H d, T H d, T H d"; }
StringRef LightningAttentionGradientOp::getOperandAxes() {
  return "T H d, T H d, T H d, T H d, B+1";
}
StringRef SoftmaxAttentionGradientOp::getOperandAxes() {
  return "T H d, T H d, T G d, T G d, T H d, B+1";
}
StringRef RouterGradientOp::getOperandAxes() { return "T K, T K, T K"; }
StringRef RouterBalanceOp::getOperandAxes() { return "T D, E D, E"; }
StringRef ExpertsGradientOp::getOperandAxes() {
  return "T D, T D, T K, T K, E F D, E F D, E D F, T K F, T K F";
}
StringRef ExpertsWeightGradientOp::getOperandAxes() {
  return "T, T, T J, -, B+1";
}
StringRef PolicyHeadOp::getOperandAxes() {
  return "T D, V D, T, T, T, T, 1, 4, -, B+1";
}
StringRef StateValueOp::getOperandAxes() { return "-"; }
StringRef SquaredSumOp::getOperandAxes() { return "-"; }
StringRef AdamWOp::getOperandAxes() { return "-, -, -, -, 1, 1, P, P, 5"; }

//===----------------------------------------------------------------------===//
// StateUpdateOpInterface
//===----------------------------------------------------------------------===//

/// `Updated` if `Operand` is the operand `State`, otherwise null.
static OpResult updatedFrom(OpOperand &Operand, OpOperand &State,
                            Value Updated) {
  return &Operand == &State ? cast<OpResult>(Updated) : OpResult();
}

OpResult LightningAttentionOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult SoftmaxAttentionOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getCacheMutable(), getNewCache());
}
OpResult EmbeddingGradientOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult LinearWeightGradientOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult RMSNormWeightGradientOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult ExpertsWeightGradientOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult PolicyHeadOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult StateValueOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult SquaredSumOp::getUpdatedState(OpOperand &Operand) {
  return updatedFrom(Operand, getStateMutable(), getNewState());
}
OpResult MoveStateOp::getUpdatedState(OpOperand &Operand) {
  if (OpResult To = updatedFrom(Operand, getToMutable(), getNewTo()))
    return To;
  return updatedFrom(Operand, getFromMutable(), getNewFrom());
}
OpResult AdamWOp::getUpdatedState(OpOperand &Operand) {
  std::pair<OpOperand *, Value> Updates[] = {
      {&getMasterMutable(), getNewMaster()},
      {&getFirstMutable(), getNewFirst()},
      {&getSecondMutable(), getNewSecond()},
      {&getGradientMutable(), getNewGradient()}};
  for (auto [State, Updated] : Updates)
    if (State == &Operand)
      return cast<OpResult>(Updated);
  return {};
}

//===----------------------------------------------------------------------===//
// CostOpInterface
//===----------------------------------------------------------------------===//

StringRef EmbeddingOp::getCostKind() { return "embedding"; }
double EmbeddingOp::getOperationsPerToken() { return 0; }
/// One row of the table.
double EmbeddingOp::getShareRead(OpOperand &Operand) {
  return &Operand == &getTableMutable() ? 1.0 / shapeOf(getTable())[0] : 1.0;
}

StringRef LinearOp::getCostKind() { return "linear"; }
double LinearOp::getOperationsPerToken() { return 2 * elementsOf(getWeight()); }

StringRef LinearTransposedOp::getCostKind() { return "gradients of linear"; }
double LinearTransposedOp::getOperationsPerToken() {
  return 2 * elementsOf(getWeight());
}

StringRef HeadLogProbOp::getCostKind() { return "head"; }
double HeadLogProbOp::getOperationsPerToken() {
  return 2 * elementsOf(getWeight());
}

StringRef LogProbPartsOp::getCostKind() { return "head"; }
double LogProbPartsOp::getOperationsPerToken() {
  return 2 * elementsOf(getWeight());
}

StringRef RouterOp::getCostKind() { return "router"; }
double RouterOp::getOperationsPerToken() { return 2 * elementsOf(getWeight()); }

/// Of K experts per token, each with three products with a weight like `W1`.
static double expertOperations(Value Experts, Value W1) {
  ArrayRef<int64_t> W = shapeOf(W1);
  double K = shapeOf(Experts)[1];
  return 2 * K * 3 * W[1] * W[2];
}

StringRef ExpertsOp::getCostKind() { return "experts"; }
double ExpertsOp::getOperationsPerToken() {
  return expertOperations(getExperts(), getW1());
}
/// K of the E experts.
double ExpertsOp::getShareRead(OpOperand &) {
  return double(shapeOf(getExperts())[1]) / shapeOf(getW1())[0];
}

StringRef ExpertProductsOp::getCostKind() { return "experts"; }
/// On average a rank has its share of a token's experts.
double ExpertProductsOp::getOperationsPerToken() {
  return expertOperations(getExperts(), getW1()) * shapeOf(getW1())[0] /
         getExpertCount();
}
double ExpertProductsOp::getShareRead(OpOperand &) {
  return double(shapeOf(getExperts())[1]) / getExpertCount();
}

StringRef LightningAttentionOp::getCostKind() { return "lightning attention"; }
double LightningAttentionOp::getOperationsPerToken() {
  // Scores and values over half a chunk on average, q·S, and the update of S.
  double D = getState().getType().getHeadDim();
  double C = getState().getType().getChunk();
  return getState().getType().getHeads() * (2 * C * D + 2 * D * D + 2 * D * D);
}

StringRef SoftmaxAttentionOp::getCostKind() {
  return "softmax attention, per key";
}
double SoftmaxAttentionOp::getOperationsPerToken() {
  ArrayRef<int64_t> Q = shapeOf(getQ());
  return 4.0 * Q[1] * Q[2];
}

//===----------------------------------------------------------------------===//
// ResultRangeOpInterface
//===----------------------------------------------------------------------===//

std::optional<int64_t> RouterOp::getResultLimit(OpResult Result) {
  if (Result == getExperts())
    return shapeOf(getWeight())[0];
  return std::nullopt;
}

std::optional<int64_t> SampleOp::getResultLimit(OpResult) {
  return shapeOf(getLogits())[1];
}

//===----------------------------------------------------------------------===//
// F64OpInterface
//===----------------------------------------------------------------------===//

static bool isF64(Type T) {
  return isa<RankedTensorType>(T) && getElementTypeOrSelf(T).isF64();
}

/// An f64 operand may stay f64 or be rounded to f32.
static LogicalResult verifyRoundedF64(Operation *Op) {
  Type Result = getElementTypeOrSelf(Op->getResult(0).getType());
  if (llvm::any_of(Op->getOperandTypes(), isF64) && !Result.isF64() &&
      !Result.isF32())
    return Op->emitOpError("expected a result of f64 or f32 from f64, found ")
           << Result;
  return success();
}

LogicalResult EmbeddingOp::verifyF64() { return verifyRoundedF64(*this); }
LogicalResult CastOp::verifyF64() { return verifyRoundedF64(*this); }

LogicalResult LinearOp::verifyF64() {
  if (isF64(getX().getType()) != isF64(getWeight().getType()))
    return emitOpError("expected f64 on both sides or on none, found ")
           << getX().getType() << " and " << getWeight().getType();
  return verifyRoundedF64(*this);
}

/// Sums of squares are f64.
LogicalResult ClipNormOp::verifyF64() { return success(); }
LogicalResult SquaredSumOp::verifyF64() { return success(); }

LogicalResult m1::verifyF64(Operation *Op) {
  WalkResult Result = Op->walk([](Operation *Each) {
    if (llvm::none_of(Each->getOperandTypes(), isF64) &&
        llvm::none_of(Each->getResultTypes(), isF64))
      return WalkResult::advance();
    if (auto Known = dyn_cast<F64OpInterface>(Each))
      return WalkResult(Known.verifyF64());
    Each->emitOpError("does not support f64; cast its operands to f32");
    return WalkResult::interrupt();
  });
  return success(!Result.wasInterrupted());
}
