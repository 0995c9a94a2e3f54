//===- MemoryPolicy.h - tensors without a model -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_TRAINING_MEMORYPOLICY_H
#define M1C_TEST_UNIT_TRAINING_MEMORYPOLICY_H

#include "runtime/training/Policy.h"
#include "runtime/weights/SafetensorsWriter.h"

#include <cmath>
#include <cstring>

namespace m1::test {

/// A policy that keeps tensors and computes nothing.
class MemoryPolicy : public Policy {
public:
  explicit MemoryPolicy(std::vector<TrainedTensor> Tensors)
      : Tensors(std::move(Tensors)) {
    for (const TrainedTensor &Tensor : this->Tensors)
      for (std::vector<std::vector<float>> &Kind : Kinds)
        Kind.emplace_back(elementCount(Tensor.Shape).value());
  }

  /// By kind and tensor.
  std::vector<float> &values(OptimizerTensor Kind, size_t Tensor) {
    return Kinds[static_cast<int>(Kind)][Tensor];
  }
  int Published = 0; ///< calls of publish

  /// Values that look like those after `Step` updates, and that no narrower
  /// type holds.
  void fill(int64_t Step) {
    for (size_t Kind = 0; Kind < 4; ++Kind)
      for (size_t I = 0; I < Tensors.size(); ++I)
        for (size_t E = 0; E < Kinds[Kind][I].size(); ++E)
          Kinds[Kind][I][E] = std::sin(
              static_cast<float>(Step * 1000 + Kind * 100 + I * 10) + E * 0.1F);
  }

  const PolicyLimits &limits() const override { return Limits; }
  std::span<const TrainedTensor> tensors() const override { return Tensors; }
  absl::Status generate(
      std::span<const std::vector<int64_t>>, const GenerateOptions &,
      const std::function<absl::Status(size_t, const Generated &)> &) override {
    return makeError("this policy has no model");
  }
  absl::StatusOr<TokenResults> addGradients(const TrainingBatch &, float,
                                            const LossBounds &,
                                            std::span<const float>) override {
    return makeError("this policy has no model");
  }
  absl::StatusOr<std::vector<int64_t>>
  expertCounts(const TrainingBatch &) override {
    return makeError("this policy has no model");
  }
  absl::StatusOr<UpdateResults> update(const UpdateSettings &) override {
    return makeError("this policy has no model");
  }
  absl::Status read(size_t Tensor, OptimizerTensor Kind,
                    std::span<float> To) override {
    const std::vector<float> &From = values(Kind, Tensor);
    if (To.size() != From.size())
      return makeError("read ", To.size(), " of ", From.size(), " elements");
    std::copy(From.begin(), From.end(), To.begin());
    return absl::OkStatus();
  }
  absl::Status write(size_t Tensor, OptimizerTensor Kind,
                     std::span<const float> From) override {
    std::vector<float> &To = values(Kind, Tensor);
    if (To.size() != From.size())
      return makeError("wrote ", From.size(), " of ", To.size(), " elements");
    std::copy(From.begin(), From.end(), To.begin());
    return absl::OkStatus();
  }
  absl::Status publish() override {
    ++Published;
    return absl::OkStatus();
  }

private:
  PolicyLimits Limits;
  std::vector<TrainedTensor> Tensors;
  std::vector<std::vector<float>> Kinds[4];
};

/// One tensor of each type of weights, one without elements and a number.
inline std::vector<TrainedTensor> smallTensors() {
  return {{"model.norm.weight", ElementType::F32, {5}},
          {"model.embed_tokens.weight", ElementType::BF16, {7, 3}},
          {"model.a.weight", ElementType::F16, {2, 2, 2}},
          {"model.b.weight", ElementType::F64, {4}},
          {"model.empty.weight", ElementType::F32, {0, 3}},
          {"model.scale", ElementType::BF16, {}}};
}

/// Writes DIRECTORY/model.safetensors with these tensors, their bytes all
/// `Byte`, and model.rotary.inv_freq, which is not trained: 4 F32 of bytes 7.
inline void writeSource(const std::string &Directory,
                        std::span<const TrainedTensor> Tensors,
                        int Byte = 0x3f) {
  std::vector<TensorSpec> Specs = {
      {"model.rotary.inv_freq", ElementType::F32, {4}}};
  for (const TrainedTensor &Tensor : Tensors)
    Specs.push_back({Tensor.Name, Tensor.Type, Tensor.Shape});
  auto Writer = SafetensorsWriter::create(Directory + "/model.safetensors",
                                          std::move(Specs));
  absl::Status Status = Writer.status();
  if (Status.ok()) {
    for (const TensorSpec &Spec : (*Writer)->tensors()) {
      const std::vector<std::byte> Bytes(
          *elementCount(Spec.Shape) * byteSize(Spec.Type),
          std::byte(Spec.Name == "model.rotary.inv_freq" ? 7 : Byte));
      Status.Update((*Writer)->write(Bytes));
    }
    auto File = (*Writer)->finish();
    Status.Update(File.ok() ? commit(std::move(*File)) : File.status());
  }
  if (!Status.ok())
    std::abort();
}

} // namespace m1::test

#endif // M1C_TEST_UNIT_TRAINING_MEMORYPOLICY_H
