//===- Operations.h - what each m1 operation computes -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The m1 operations in their plainest form, one function each, in double
// precision from beginning to end: this is the reference that everything
// faster is compared with, so no value is rounded to the element type that the
// module gives it, and m1.cast changes nothing.
//
// T tokens, B sequences, H heads of size d, G key/value heads, D model size,
// E experts of width F, K experts a token, V vocabulary. Shapes are those that
// the verifier of the op has checked; indices those that check.. has checked.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H
#define M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H

#include "dialects/M1/Reference/Tensor.h"
#include <array>
#include <string>
#include <utility>

namespace m1::reference {

//===----------------------------------------------------------------------===//
// Checks of data that types say nothing of. Each returns what is wrong, or an
// empty string.
//===----------------------------------------------------------------------===//

/// Every entry of `Indices`, called `Name`, is one of 0 to `Count` - 1.
std::string checkIndices(const char *Name, const Tensor &Indices,
                         int64_t Count);

/// `CuSeqlens` [B+1] cuts `Tokens` tokens into sequences.
std::string checkCuSeqlens(const Tensor &CuSeqlens, int64_t Tokens);

/// The batch that attention works on.
struct RaggedBatch {
  const Tensor &Positions; ///< [T]
  const Tensor &CuSeqlens; ///< [B+1]
  const Tensor &Slots;     ///< [B]
};

/// The sequences of a batch of `Tokens` tokens are well formed, and each
/// starts at position 0 or continues what its slot of `Before` holds.
std::string checkBatch(const RaggedBatch &In, int64_t Tokens,
                       const State &Before);

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// tokens [T], table [V, D] -> [T, D]
Tensor embedding(const Tensor &Tokens, const Tensor &Table);
/// x [T, K], weight [N, K] -> [T, N]
Tensor linear(const Tensor &X, const Tensor &Weight);
/// x [T, N], weight [N] -> [T, N]
Tensor rmsNorm(const Tensor &X, const Tensor &Weight, double Eps);
/// Elementwise, any shape.
Tensor silu(const Tensor &X);
Tensor sigmoidGate(const Tensor &X, const Tensor &Gate);
Tensor siluMul(const Tensor &A, const Tensor &B);
Tensor residual(const Tensor &Residual, const Tensor &Branch, double Alpha,
                double Beta);
/// moe and shared [T, D], coefficient [T, 1] -> [T, D]
Tensor sharedMix(const Tensor &Moe, const Tensor &Shared,
                 const Tensor &Coefficient);
/// x [T, N], cuSeqlens [B+1] -> [B, N]
Tensor selectLast(const Tensor &X, const Tensor &CuSeqlens);

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// [T, 3Hd] -> q, k and v [T, H, d]
std::array<Tensor, 3> splitQKV(const Tensor &X, int64_t Heads, int64_t HeadDim);
/// The same elements in another shape: splitting and merging heads.
Tensor reshape(const Tensor &X, std::vector<int64_t> Shape);
/// x [T, H, d], positions [T] -> [T, H, d]
Tensor rotary(const Tensor &X, const Tensor &Positions, double Theta,
              int64_t Dims);
/// q, k, v [T, H, d], slopes [H] -> [T, H, d] and the state's successor. The
/// recurrence itself, without chunks.
std::pair<Tensor, State> lightningAttention(const Tensor &Q, const Tensor &K,
                                            const Tensor &V,
                                            const State &Before,
                                            const RaggedBatch &In,
                                            const std::vector<double> &Slopes);
/// q [T, H, d], k and v [T, G, d] -> [T, H, d] and the cache's successor
std::pair<Tensor, State> softmaxAttention(const Tensor &Q, const Tensor &K,
                                          const Tensor &V, const State &Before,
                                          const RaggedBatch &In, double Scale);

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

/// x [T, D], weight [E, D] -> experts and weights [T, K]
std::pair<Tensor, Tensor> router(const Tensor &X, const Tensor &Weight,
                                 int64_t Chosen);
/// x [T, D], experts and weights [T, K], w1 and w3 [E, F, D], w2 [E, D, F]
/// -> [T, D]
Tensor experts(const Tensor &X, const Tensor &Experts, const Tensor &Weights,
               const Tensor &W1, const Tensor &W3, const Tensor &W2);

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

/// The indices 0 to `Count` - 1 by falling value of `Row`, ties by index.
std::vector<int64_t> descending(const double *Row, int64_t Count);

/// logits [T, V], targets [T] -> [T]
Tensor tokenLogProb(const Tensor &Logits, const Tensor &Targets);
/// All but logits are [B]; logits [B, V] -> [B]
Tensor sample(const Tensor &Logits, const Tensor &Temperature,
              const Tensor &TopP, const Tensor &TopK, const Tensor &Seeds,
              const Tensor &Positions);

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H
