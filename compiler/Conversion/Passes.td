//===- Passes.td - passes between dialects -----------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_CONVERSION_PASSES
#define M1C_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def M1ToPlan : Pass<"m1-to-plan", "::mlir::ModuleOp"> {
  let summary = "Turns functions of m1 ops into programs that launch tile kernels";
  let description = [{
    Each function becomes a `plan.program`, each op one or a few launches. A kernel is created once, however many ops
    use it. Weights of products are packed by the program `init`. Functions name their dynamic axes by the argument
    attribute `m1.dim` ("T" where absent). The module's `tile.target` decides block sizes and how weights are packed.
    With a mesh, programs are those of every rank. States must be as `m1-verify-states` establishes.
  }];
  let options = [
    Option<"tokens", "tokens", "int64_t", "512", "Most tokens of one call (T)">,
    Option<"slots", "slots", "int64_t", "8", "Sequences whose state is kept, and most sequences of one call (B)">,
    Option<"length", "length", "int64_t", "4096", "Most tokens of one sequence">,
    Option<"trainTokens", "train-tokens", "int64_t", "4096", "Most tokens of one call that computes gradients (N)">,
    Option<"gatherBytes", "gather-bytes", "int64_t", "262144",
           "Bytes that a rank may receive more to save an exchange: m1.tree_sum of fewer rows gathers all partial sums">,
    Option<"cacheBlocks", "cache-blocks", "int64_t", "0",
           "Blocks of keys and values where caches are in blocks; 0: as many as sequences of the greatest length need in all slots">
  ];
  let dependentDialects = ["::m1::plan::PlanDialect", "::m1::tile::TileDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // M1C_CONVERSION_PASSES
