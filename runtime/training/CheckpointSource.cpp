//===- CheckpointSource.cpp - what checkpoints take over ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/CheckpointSource.h"

#include "runtime/training/TrainerState.h"

#include <algorithm>
#include <filesystem>
#include <set>

using namespace m1;
namespace fs = std::filesystem;

namespace {
/// Whether a file of a checkpoint holds weights in some format, or says
/// something about weights that training changes.
bool belongsToWeights(std::string_view Name) {
  for (std::string_view End :
       {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack",
        ".gguf", ".onnx", ".safetensors.index.json", ".bin.index.json",
        ".digests.json"})
    if (Name.ends_with(End))
      return true;
  return Name == TrainerStateName;
}
} // namespace

absl::StatusOr<std::unique_ptr<CheckpointSource>>
CheckpointSource::open(const std::string &Path,
                       std::span<const TrainedTensor> Trained) {
  auto Result = std::make_unique<CheckpointSource>();
  M1_ASSIGN_OR_RETURN(Result->Weights, Checkpoint::open(Path));
  std::set<std::string_view> Names;
  for (const TrainedTensor &Tensor : Trained) {
    const TensorInfo *Found = Result->Weights->find(Tensor.Name);
    if (!Found)
      return makeError(Path, ": no tensor '", Tensor.Name,
                       "', which is trained");
    if (Found->Type != Tensor.Type || Found->Shape != Tensor.Shape)
      return makeError(Result->Weights->fileOf(*Found), ": tensor '",
                       Tensor.Name, "' is ", name(Found->Type), " ",
                       formatShape(Found->Shape), ", expected ",
                       name(Tensor.Type), " ", formatShape(Tensor.Shape),
                       " from the model that is trained");
    Names.insert(Tensor.Name);
  }
  for (const auto &[Name, Tensor] : Result->Weights->tensors())
    if (!Names.contains(Name))
      Result->Others.push_back(&Tensor);
  if (!Result->Weights->directory().empty())
    M1_RETURN_IF_ERROR(Result->readFiles(Result->Weights->directory()));
  return Result;
}

absl::Status CheckpointSource::readFiles(const std::string &Directory) {
  std::error_code Code;
  fs::directory_iterator It(Directory, Code), End;
  for (; !Code && It != End; It.increment(Code)) {
    const std::string Name = It->path().filename().string();
    std::error_code Ignored; // a link that leads nowhere is no file
    if (Name.starts_with(".") || belongsToWeights(Name) ||
        !It->is_regular_file(Ignored) || It->file_size(Ignored) > MaxFileBytes)
      continue;
    M1_ASSIGN_OR_RETURN(std::string Content,
                        readWholeFile(It->path().string(), MaxFileBytes));
    Files.push_back({Name, std::move(Content)});
  }
  if (Code)
    return makeError("cannot read directory ", Directory, ": ", Code.message());
  std::sort(Files.begin(), Files.end(),
            [](const File &A, const File &B) { return A.Name < B.Name; });
  return absl::OkStatus();
}
