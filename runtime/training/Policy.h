//===- Policy.h - a model that is trained -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What training does with a model: draw responses, add up gradients, update.
// `PlanPolicy` is the one that runs a plan; tests have simpler ones.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_POLICY_H
#define M1C_RUNTIME_TRAINING_POLICY_H

#include "runtime/engine/Generate.h"
#include "runtime/support/DType.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace m1 {

/// A tensor of the checkpoint that is trained.
struct TrainedTensor {
  std::string Name; ///< "model.layers.0.self_attn.q_proj.weight"
  ElementType Type; ///< in the checkpoint
  std::vector<int64_t> Shape;
};

/// What the optimiser keeps for each trained tensor, in f32.
enum class OptimizerTensor : uint8_t {
  Master, ///< the weight in full precision
  First,  ///< the moments of AdamW
  Second,
  Gradient ///< the sum since the last update
};

/// The bounds of what a policy computes at once.
struct PolicyLimits {
  int64_t Vocabulary = 0;
  int64_t MaxLength = 0;      ///< tokens of a sequence
  int64_t TrainTokens = 0;    ///< tokens of one call of addGradients
  int64_t TrainSequences = 0; ///< sequences of one call of addGradients
  int64_t Slots = 0;          ///< sequences that are generated at the same time
  int64_t Layers = 0;
  int64_t Experts = 0; ///< of each layer
};

/// Sequences whose gradients are added in one call: complete ones, laid end to
/// end in the order of their numbers.
struct TrainingBatch {
  std::vector<int32_t> Tokens;    ///< [T]
  std::vector<int32_t> CuSeqlens; ///< [B+1]
  // For the prediction of the token after each token, [T]. The last token of a
  // sequence predicts nothing: its target is 0 and its weight 0.
  std::vector<int32_t> Targets;
  std::vector<float> OldLogProbs; ///< under the policy that sampled
  std::vector<float> Advantages;
  /// The token's share of the loss: 0 for prompts, padding and masked tokens.
  std::vector<float> Weights;
};

/// The derivative of the loss in a token's log-probability is
/// -weight * advantage * clip(r, RatioMin, RatioMax) * M with r = exp(log-prob
/// - old log-prob), and M = 0 where advantage > 0 and r > MaskAbove or
/// advantage < 0 and r < MaskBelow, otherwise 1.
struct LossBounds {
  float RatioMin = 0, RatioMax = 5;
  float MaskBelow = 0; ///< 0: masks nothing
  /// Infinity masks nothing, not even a ratio that overflows.
  float MaskAbove = std::numeric_limits<float>::infinity();
};

struct TokenResults {
  std::vector<float> LogProbs; ///< [T], of the targets, at the temperature
  std::vector<float> Entropy;  ///< [T]
  std::vector<float> Balance;  ///< [T]: each token's part of the auxiliary loss
};

struct UpdateSettings {
  double LearningRate = 0;
  double Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-15;
  /// For each trained tensor, in order.
  std::vector<float> WeightDecay;
  double MaxGradNorm = 0; ///< 0: no clipping
  int64_t Step = 0;       ///< counted from 1, for the bias corrections
  /// False: only computes the norm and clears the gradients.
  bool Apply = true;
};

struct UpdateResults {
  float GradNorm = 0; ///< of all gradients, before clipping
  /// False if the norm was not finite or Apply was false: nothing but the
  /// gradients has changed.
  bool Applied = false;
};

class Policy {
public:
  virtual ~Policy();

  virtual const PolicyLimits &limits() const = 0;
  /// In an order that is the same for every run of a plan.
  virtual std::span<const TrainedTensor> tensors() const = 0;

  /// As m1::generate; LogProbs are those at Options.Temperature.
  virtual absl::Status
  generate(std::span<const std::vector<int64_t>> Prompts,
           const GenerateOptions &Options,
           const std::function<absl::Status(size_t, const Generated &)>
               &Finished) = 0;

  /// Runs the sequences forwards and backwards and adds the gradients of the
  /// loss to the optimiser's. `Balance` has, for each expert e, the coefficient
  /// α E f_e / (tokens * layers) of its mean probability in the auxiliary loss;
  /// zeros: none. Calls add up to the same bits however sequences are divided
  /// among them, if their order is kept.
  virtual absl::StatusOr<TokenResults>
  addGradients(const TrainingBatch &Batch, float Temperature,
               const LossBounds &Bounds, std::span<const float> Balance) = 0;

  /// How many of the batch's tokens each expert of each layer is chosen by,
  /// [layers * experts]. Runs the model forwards.
  virtual absl::StatusOr<std::vector<int64_t>>
  expertCounts(const TrainingBatch &Batch) = 0;

  /// One step of AdamW with the gradients' sum, which is then cleared. Later
  /// calls compute with the new weights.
  virtual absl::StatusOr<UpdateResults>
  update(const UpdateSettings &Settings) = 0;

  /// Copies what the optimiser keeps for tensor number `Tensor`, in the
  /// checkpoint's layout. `To` and `From` have as many elements as the tensor.
  virtual absl::Status read(size_t Tensor, OptimizerTensor Kind,
                            std::span<float> To) = 0;
  virtual absl::Status write(size_t Tensor, OptimizerTensor Kind,
                             std::span<const float> From) = 0;
  /// What `read` copies, in place and until the next call that is not
  /// `inPlace`; empty if it is not in one piece of the host's memory. Threads
  /// may call it at the same time.
  virtual absl::StatusOr<std::span<const float>> inPlace(size_t Tensor,
                                                         OptimizerTensor Kind);
  /// Threads that work on the model may use, including the caller.
  virtual unsigned threads() const;
  /// After master values were written: makes them, rounded to their element
  /// types, the weights that are computed with.
  virtual absl::Status publish() = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_POLICY_H
