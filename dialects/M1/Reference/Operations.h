//===- Operations.h - reference computations of m1 ops ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The m1 ops in their plainest form, one function each. This is the reference
// that compiled code is compared with: everything is computed in double
// precision, no value is rounded to its element type, and m1.cast is the
// identity.
//
// T tokens, B sequences, H heads of size d, G key/value heads, D model size,
// E experts of width F, K experts per token, V vocabulary. Shapes satisfy the
// op's verifier and its operand axes, indices the checks below.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H
#define M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H

#include "dialects/M1/Reference/Tensor.h"
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace m1::reference {

//===----------------------------------------------------------------------===//
// Checks of operand values. Each returns an error message, empty if there is no
// error.
//===----------------------------------------------------------------------===//

/// Every entry of `Indices`, called `Name`, is at least `Least` and less than
/// `Count`.
std::string checkIndices(const char *Name, const Tensor &Indices, int64_t Count,
                         int64_t Least = 0);

/// `CuSeqlens` [B+1] divides `Tokens` tokens into sequences.
std::string checkCuSeqlens(const Tensor &CuSeqlens, int64_t Tokens);

/// The tokens of B sequences that attention is computed for.
struct RaggedBatch {
  const Tensor &Positions; ///< [T]
  const Tensor &CuSeqlens; ///< [B+1]
  const Tensor &Slots;     ///< [B]
};

/// The sequences of a batch of `Tokens` tokens are well formed, and each starts
/// at position 0 or continues the sequence in its slot of `Before`.
std::string checkBatch(const RaggedBatch &In, int64_t Tokens,
                       const State &Before);
/// The same for a cache in blocks of `Positions`, of which `Blocks` [B, M] has
/// those of each sequence: every position up to a sequence's last has a block,
/// and no block that a sequence writes is another's too. Whatever precedes the
/// batch's tokens is taken as it is.
std::string checkBatch(const RaggedBatch &In, int64_t Tokens,
                       const Tensor &Blocks, int64_t Positions);

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// tokens [T], table [V, D] -> [T, D]
/// The table has the rows from `First` on of a larger one; the result of a
/// token with another row is -0.
Tensor embedding(const Tensor &Tokens, const Tensor &Table, int64_t First = 0);
/// x [T, K], weight [N, K] -> [T, partials * N]
Tensor linear(const Tensor &X, const Tensor &Weight, int64_t Leaves = 1,
              int64_t Partials = 1);
/// x [T, N], weight [N] -> [T, N]
Tensor rmsNorm(const Tensor &X, const Tensor &Weight, double Eps,
               int64_t Groups = 1);
/// The halves of a norm. x [T, n] -> [T, groups]; x [T, n], weight [n] and
/// squares [T, G] -> [T, n]
Tensor squares(const Tensor &X, int64_t Groups);
Tensor normalize(const Tensor &X, const Tensor &Weight, const Tensor &Squares,
                 int64_t Groups, double Eps);
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
              int64_t Dims, bool Inverse);
/// q, k, v [T, H, d], slopes [H] -> [T, H, d] and the updated state. The
/// recurrence itself, without chunks.
std::pair<Tensor, State> lightningAttention(const Tensor &Q, const Tensor &K,
                                            const Tensor &V,
                                            const State &Before,
                                            const RaggedBatch &In,
                                            const std::vector<double> &Slopes);
/// q [T, H, d], k and v [T, G, d] -> [T, H, d] and the updated cache
std::pair<Tensor, State> softmaxAttention(const Tensor &Q, const Tensor &K,
                                          const Tensor &V, const State &Before,
                                          const RaggedBatch &In, double Scale);
/// The same with a cache in blocks; the state has a "slot" for each of them.
std::pair<Tensor, State> softmaxAttention(const Tensor &Q, const Tensor &K,
                                          const Tensor &V, const State &Before,
                                          const RaggedBatch &In,
                                          const Tensor &Blocks,
                                          int64_t Positions, double Scale);

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

/// x [T, D], weight [E, D] -> experts and weights [T, K]
std::pair<Tensor, Tensor> router(const Tensor &X, const Tensor &Weight,
                                 int64_t Chosen);
/// The weights of experts: w1 and w3 [E, F, D], w2 [E, D, F]. Expert 0 of them
/// is number `First`.
struct ExpertWeights {
  const Tensor &W1, &W3, &W2;
  int64_t First = 0;
};
/// The halves of experts. x [T, D], experts [T, K] -> [T, K * partials * D];
/// outputs [T, K * D], weights [T, K] -> [T, D]
Tensor expertProducts(const Tensor &X, const Tensor &Experts,
                      const ExpertWeights &Of, int64_t Leaves,
                      int64_t Partials);
Tensor combineExperts(const Tensor &Outputs, const Tensor &Weights);
/// x [T, D], experts [T, K], w1 and w3 [E, F, D] -> gate and up [T, K, F]
std::pair<Tensor, Tensor> gateAndUp(const Tensor &X, const Tensor &Experts,
                                    const Tensor &W1, const Tensor &W3);
/// x [T, D], experts and weights [T, K], w1 and w3 [E, F, D], w2 [E, D, F]
/// -> [T, D]
Tensor experts(const Tensor &X, const Tensor &Experts, const Tensor &Weights,
               const Tensor &W1, const Tensor &W3, const Tensor &W2,
               int64_t Leaves = 1);

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

/// The indices 0 to `Count` - 1 in descending order of `Row`, NaN last, ties by
/// index.
std::vector<int64_t> descending(const double *Row, int64_t Count);

/// The temperature by which logits are divided.
inline double positiveTemperature(double Temperature) {
  return Temperature <= 0.0 ? 1.0 : Temperature;
}

/// The softmax of a row of logits, seen from one token. With
/// e_v = exp((logit_v - Max) / temperature):
struct TokenProbability {
  double Max = 0.0;
  double Others = 0.0;  ///< the sum of e_v over the other tokens
  double Sum = 0.0;     ///< over all tokens
  double LogSum = 0.0;  ///< log(Sum)
  double LogProb = 0.0; ///< of the token
};
TokenProbability tokenProbability(const double *Logits, int64_t Vocabulary,
                                  int64_t Target, double Temperature);

/// logits [T, V], targets and, unless it is null, temperature [T] -> [T]
Tensor tokenLogProb(const Tensor &Logits, const Tensor &Targets,
                    const Tensor *Temperature = nullptr);
/// logits [B, V], rows [B], bias and repetition [R, V] -> [B, V]
Tensor adjustLogits(const Tensor &Logits, const Tensor &Rows,
                    const Tensor &Bias, const Tensor &Repetition);
/// logits [B, V], all others [B] -> [B]; min_p may be null
Tensor sample(const Tensor &Logits, const Tensor &Temperature,
              const Tensor &TopP, const Tensor &TopK, const Tensor &Seeds,
              const Tensor &Positions, const Tensor *MinP);

//===----------------------------------------------------------------------===//
// Sharding
//===----------------------------------------------------------------------===//

/// The `Step` indices of an axis from `Begin` on; those past its extent are 0.
Tensor slice(const Tensor &X, size_t Axis, int64_t Begin, int64_t Step);

/// The first `Columns` columns of the tensors [T, n] side by side.
Tensor allGather(const std::vector<const Tensor *> &Ranks, int64_t Columns);

/// The tree over the partial sums of all tensors [T, G·M·N]: [T, G·N].
Tensor treeSum(const std::vector<const Tensor *> &Ranks, int64_t Groups,
               int64_t Partials);

/// The maxima, others and chosen [T, G] of logits [T, v], which are those of
/// the tokens from `First` on.
std::array<Tensor, 3> logProbParts(const Tensor &Logits, const Tensor &Targets,
                                   int64_t First, int64_t Vocabulary,
                                   int64_t GroupSize);
Tensor joinLogProb(const Tensor &Maxima, const Tensor &Others,
                   const Tensor &Chosen);

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_OPERATIONS_H
