//===- LogProb.h - token log-probabilities ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H
#define M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H

#include "compiler/Conversion/Kernel.h"

namespace m1 {

/// The number of groups (kVocabularyGroup) that the vocabulary is cut into.
int64_t vocabularyGroups(int64_t Vocabulary);

/// Loops over the panels of the group of cell coordinate y. `Body` is given a
/// panel's number and the carried values, and returns the next of these.
llvm::SmallVector<mlir::Value> forPanelsOfGroup(
    KernelBody &B, int64_t Vocabulary, mlir::ValueRange Carried,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                      mlir::ValueRange)>
        Body);
/// The tokens of a panel's columns, as a block [M, panel] of i32.
mlir::Value columnNumbers(KernelBody &B, mlir::Value Panel, int64_t M);
/// `Logits`, with columns past the vocabulary masked.
mlir::Value inVocabulary(KernelBody &B, mlir::Value Logits, mlir::Value Column,
                         int64_t Vocabulary);

/// What a group of the vocabulary contributes to tokens. The target is kept
/// apart from the sum, in which it would hide the others where it is almost
/// certain.
struct GroupParts {
  mlir::Value Max;    // the largest logit
  mlir::Value Others; // Σ exp((logit - Max) / temperature) without the target
  mlir::Value Chosen; // the target's logit, 0 if it is in another group
};

/// The parts of the group of cell coordinate y. `Target` and `Temperature` are
/// blocks [M]; a null temperature is 1. `Logits` returns the block [M, panel]
/// of a panel's logits.
GroupParts
emitGroupParts(KernelBody &B, int64_t Vocabulary, mlir::Value Target,
               mlir::Value Temperature,
               llvm::function_ref<mlir::Value(mlir::Value Panel)> Logits);
/// To and from the arguments `maxima`, `others` and `chosen` [T, groups].
void storeGroupParts(KernelBody &B, const GroupParts &Parts, mlir::Value First,
                     mlir::Value Rows);
GroupParts loadGroupParts(KernelBody &B, mlir::Value First, int64_t M,
                          mlir::Value Rows);

/// What the groups make together: blocks [M].
struct TokenParts {
  mlir::Value Max;     // the largest logit
  mlir::Value Others;  // Σ exp((logit - Max) / temperature) without the target
  mlir::Value Target;  // the target's term of this sum
  mlir::Value LogSum;  // log(Others + Target)
  mlir::Value LogProb; // log softmax of the target
};

/// `Parts` are blocks [M, groups].
TokenParts joinGroupParts(KernelBody &B, const GroupParts &Parts,
                          mlir::Value Temperature);

/// (Logit - Max) / temperature, whose exponential is a term of the sums.
mlir::Value logitAbove(KernelBody &B, mlir::Value Logit, mlir::Value Max,
                       mlir::Value Temperature);
/// Temperatures by which logits are divided: 1 where they are 0 or less.
mlir::Value positiveTemperature(KernelBody &B, mlir::Value Temperature);
/// These of the argument `temperature` [T]; null if the launch has none.
mlir::Value loadTemperature(KernelBody &B, mlir::Value First, int64_t M,
                            mlir::Value Rows);

/// GroupParts of x and the head's weight. Grid: (blocks of rows, groups).
KernelDeclaration headPartsKernel();
/// The same, bit for bit, on a rank that has `columns` of the vocabulary from
/// `first` on. The parts of groups without a column that exists are
/// unspecified.
KernelDeclaration shardPartsKernel();
/// The same, bit for bit, of logits.
KernelDeclaration logitsPartsKernel();
/// log softmax of the target from the parts. Grid: blocks of few rows.
KernelDeclaration logProbKernel();

/// m1.token_log_prob, m1.head_log_prob and the halves of the latter.
void addLogProbLowerings(mlir::MLIRContext *Context);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_LOGPROB_H
