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

/// Builds the module of a model: its parameters, its states and the functions
///
///   next(tokens[T], positions[T], cu_seqlens[B+1], slots[B], temperature[B],
///        top_p[B], top_k[B], seeds[B], sample_positions[B])
///       -> sampled[B], log_probs[B], logits[B, V]
///   score(tokens, positions, cu_seqlens, slots, targets[T]) -> log_probs[T]
///   logits(tokens, positions, cu_seqlens, slots) -> logits[T, V]
///
/// which share them. `Parameters` come from resolveParameters; `Chunk` is the
/// length of a lightning layer's chunks in tokens.
///
/// Element types: the residual stream, norms, routers, gates and logits are
/// f32. Operands of products, queries, keys and values are bf16 if the weight
/// is bf16, else f32.
mlir::OwningOpRef<mlir::ModuleOp>
buildModel(const Config &C, llvm::ArrayRef<Parameter> Parameters, int64_t Chunk,
           mlir::MLIRContext *Context);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_BUILDER_H
