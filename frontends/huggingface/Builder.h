//===- Builder.h - builds the model in the m1 dialect -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_BUILDER_H
#define M1C_FRONTENDS_HUGGINGFACE_BUILDER_H

#include "frontends/huggingface/Names.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace m1::huggingface {

struct ModelOptions {
  /// Tokens in a chunk of a lightning layer.
  int64_t Chunk = 64;
  /// Adds the functions of a training step.
  bool Train = false;
  /// Adds what a server needs: see below.
  bool Serve = false;
  /// With `Serve`: most tokens of a sequence, and the positions of a block of
  /// keys and values.
  int64_t MaxLength = 4096;
  int64_t BlockPositions = 64;
};

/// Builds the module of a model: its parameters, its states and the functions
///
///   next(tokens[T], positions[T], cu_seqlens[B+1], slots[B], temperature[B],
///        top_p[B], top_k[B], seeds[B], sample_positions[B])
///       -> sampled[B], log_probs[B], logits[B, V]
///   score(tokens, positions, cu_seqlens, slots, targets[T]) -> log_probs[T]
///   logits(tokens, positions, cu_seqlens, slots) -> logits[T, V]
///
/// which share them. For training also
///
///   gradients(tokens[N], positions[N], cu_seqlens[B+1], slots[B], targets[N],
///             old_log_probs[N], advantages[N], weights[N], temperature[1],
///             bounds[4], balance[E])
///       -> log_probs[N], entropy[N], balance_loss[N]
///   routing(tokens[N], positions[N], cu_seqlens[B+1], slots[B])
///       -> experts.LAYER[N, K] for each layer
///
/// and a result of `next`, policy_log_probs[B]: the log-probabilities at the
/// temperature of the draw. `gradients` is the forward pass with the loss, to
/// which m1-differentiate adds the backward pass. `Parameters` come from
/// resolveParameters.
///
/// For serving, `next` has that result too, and further arguments min_p[B],
/// adjustments[B], bias[R, V] and repetition[R, V]: tokens are drawn, and
/// policy_log_probs computed, from the logits of m1.adjust_logits, whose rows
/// are `adjustments`; log_probs and logits are those of the model. If there are
/// softmax attention layers, their keys and values are in blocks, and every
/// function has a further argument after `slots`, blocks[B, M]: the blocks of
/// each sequence in the order of positions, M = ceil(MaxLength /
/// BlockPositions).
///
/// Element types: the residual stream, norms, routers, gates and logits are
/// f32. Operands of products, queries, keys and values are bf16 if the weight
/// is bf16, else f32.
mlir::OwningOpRef<mlir::ModuleOp>
buildModel(const Config &C, llvm::ArrayRef<Parameter> Parameters,
           const ModelOptions &Options, mlir::MLIRContext *Context);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_BUILDER_H
