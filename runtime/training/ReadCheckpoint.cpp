//===- ReadCheckpoint.cpp - reads a training checkpoint -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/ReadCheckpoint.h"

#include "runtime/training/PolicyDigests.h"
#include "runtime/training/WriteCheckpoint.h"
#include "runtime/weights/HashFiles.h"
#include "runtime/weights/TensorHasher.h"

#include <cstring>
#include <set>

using namespace m1;

namespace {
absl::Status checkDigest(const std::string &Path, const std::string &Name,
                         const TensorDigest &Digest, const DigestMap &Digests) {
  auto Expected = Digests.find(Name);
  if (Expected == Digests.end())
    return makeError(Path, ": tensor '", Name, "' is not in ",
                     TrainerStateName);
  if (Expected->second != Digest)
    return makeError(Path, ": tensor '", Name,
                     "': the bytes differ from the digest in ",
                     TrainerStateName, ": the file is damaged");
  return absl::OkStatus();
}

/// An error unless the checkpoint's trained tensors are the model's.
absl::Status checkModel(const std::string &Directory, const Checkpoint &Weights,
                        const TrainerState &State, const Policy &Model) {
  std::set<std::string> Names;
  for (const TrainedTensor &Tensor : Model.tensors()) {
    const std::string Master =
        optimizerName(OptimizerTensor::Master, Tensor.Name);
    Names.insert(Master);
    const TensorInfo *Found = Weights.find(Tensor.Name);
    if (!Found || !State.Optimizer.contains(Master))
      return makeError(Directory,
                       ": of another model: it has no trained "
                       "tensor '",
                       Tensor.Name, "'");
    if (Found->Type != Tensor.Type || Found->Shape != Tensor.Shape)
      return makeError(Directory, ": of another model: tensor '", Tensor.Name,
                       "' is ", name(Found->Type), " ",
                       formatShape(Found->Shape), ", expected ",
                       name(Tensor.Type), " ", formatShape(Tensor.Shape));
  }
  const std::string Prefix = optimizerName(OptimizerTensor::Master, "");
  for (const auto &[Name, Digest] : State.Optimizer)
    if (Name.starts_with(Prefix) && !Names.contains(Name))
      return makeError(Directory, ": of another model: its tensor '",
                       Name.substr(Prefix.size()),
                       "' is not trained, or not there");
  return absl::OkStatus();
}

absl::Status checkWeights(const Checkpoint &Weights,
                          const TrainerState &State) {
  M1_ASSIGN_OR_RETURN(const FileHashes Hashes,
                      hashFiles(Weights, /*Tensors=*/true,
                                std::vector<bool>(Weights.files().size()),
                                HashOptions()));
  size_t I = 0;
  for (const auto &[Name, Tensor] : Weights.tensors())
    M1_RETURN_IF_ERROR(checkDigest(Weights.fileOf(Tensor), Name,
                                   Hashes.Tensors[I++], State.Weights));
  return absl::OkStatus();
}
} // namespace

absl::Status m1::loadCheckpoint(const std::string &Directory,
                                const TrainerState &State, Policy &Model) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> Weights,
                      Checkpoint::open(Directory));
  M1_RETURN_IF_ERROR(checkModel(Directory, *Weights, State, Model));
  M1_RETURN_IF_ERROR(checkWeights(*Weights, State));

  const std::string Path = concat(Directory, "/", OptimizerFileName);
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> Optimizer,
                      Checkpoint::open(Path));
  TensorHasher Hasher;
  std::vector<float> Values;
  for (size_t I = 0; I < Model.tensors().size(); ++I)
    for (OptimizerTensor Kind : SavedKinds) {
      const TrainedTensor &Tensor = Model.tensors()[I];
      const std::string Name = optimizerName(Kind, Tensor.Name);
      const TensorInfo *Found = Optimizer->find(Name);
      if (!Found)
        return makeError(Path, ": no tensor '", Name, "'");
      if (Found->Type != ElementType::F32 || Found->Shape != Tensor.Shape)
        return makeError(Path, ": tensor '", Name, "' is ", name(Found->Type),
                         " ", formatShape(Found->Shape), ", expected F32 ",
                         formatShape(Tensor.Shape));
      M1_ASSIGN_OR_RETURN(std::span<const std::byte> Bytes,
                          Optimizer->data(*Found));
      Values.resize(Bytes.size() / sizeof(float));
      if (!Bytes.empty())
        std::memcpy(Values.data(), Bytes.data(), Bytes.size());
      Optimizer->release(*Found);
      Hasher.add(std::as_bytes(std::span(Values)));
      M1_RETURN_IF_ERROR(
          checkDigest(Path, Name, Hasher.finish(), State.Optimizer));
      M1_RETURN_IF_ERROR(Model.write(I, Kind, Values));
    }
  return Model.publish();
}
