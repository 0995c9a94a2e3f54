//===- PlanPolicy.h - a plan that is trained --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_PLANPOLICY_H
#define M1C_RUNTIME_TRAINING_PLANPOLICY_H

#include "runtime/session/Session.h"
#include "runtime/training/Policy.h"

#include <memory>

namespace m1 {

/// A plan that was compiled for training (`m1c --train`).
class PlanPolicy : public Policy {
public:
  /// The session must outlive the policy. An error if the plan has no functions
  /// for training.
  static absl::StatusOr<std::unique_ptr<PlanPolicy>> create(Session &Running);
  ~PlanPolicy() override;
  /// What a plan computes at once, known without its weights; `Slots` is a
  /// bound. An error if the plan has no functions for training.
  static absl::StatusOr<PolicyLimits> limitsOf(const LoadedPlan &Plan);

  /// For each group of the plan, the weight decay of its tensors; `OfTensors`
  /// has that of each tensor. An error if tensors that are one parameter of the
  /// plan, such as the experts of a layer, have different ones.
  absl::StatusOr<std::vector<float>>
  groupDecays(std::span<const float> OfTensors) const;

  const PolicyLimits &limits() const override { return Limits; }
  std::span<const TrainedTensor> tensors() const override { return Tensors; }
  absl::Status
  generate(std::span<const std::vector<int64_t>> Prompts,
           const GenerateOptions &Options,
           const std::function<absl::Status(size_t, const Generated &)>
               &Finished) override;
  absl::StatusOr<TokenResults>
  addGradients(const TrainingBatch &Batch, float Temperature,
               const LossBounds &Bounds,
               std::span<const float> Balance) override;
  absl::StatusOr<std::vector<int64_t>>
  expertCounts(const TrainingBatch &Batch) override;
  absl::StatusOr<UpdateResults> update(const UpdateSettings &Settings) override;
  absl::Status read(size_t Tensor, OptimizerTensor Kind,
                    std::span<float> To) override;
  absl::Status write(size_t Tensor, OptimizerTensor Kind,
                     std::span<const float> From) override;
  absl::StatusOr<std::span<const float>> inPlace(size_t Tensor,
                                                 OptimizerTensor Kind) override;
  unsigned threads() const override { return Running.Program->threads(); }
  absl::Status publish() override;

private:
  class Function;
  /// The parts of one tensor among the plan's `trained`.
  struct Parts {
    std::vector<uint32_t> Numbers;
  };

  explicit PlanPolicy(Session &Running);
  absl::Status bind();
  absl::Status bindTensors();
  /// Sets the inputs that describe the batch. They refer to it and to
  /// `Positions` and `Slots`.
  absl::Status set(Function &Callee, const TrainingBatch &Batch);
  /// Calls CopyPart(arena, byte offset, runs, run length, distance between
  /// runs, first element) for each part of a tensor: `runs` runs of contiguous
  /// elements of the tensor are contiguous in the arena.
  template <typename Copy>
  absl::Status forParts(size_t Tensor, OptimizerTensor Kind, Copy CopyPart);

  Session &Running;
  PolicyLimits Limits;
  std::vector<TrainedTensor> Tensors;
  std::vector<Parts> PartsOf; ///< by tensor
  int64_t Groups = 0;         ///< learning rates and weight decays
  std::unique_ptr<LanguageModel> Model;
  std::unique_ptr<Function> Gradients, Routing, Collect, Update, Publish;
  std::vector<int32_t> Positions, Slots; ///< of the current batch
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_PLANPOLICY_H
