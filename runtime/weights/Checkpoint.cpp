//===- Checkpoint.cpp - a directory of safetensors files ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Checkpoint.h"

#include <new>

using namespace m1;

Checkpoint::~Checkpoint() = default;

absl::Status Checkpoint::addFile(const CheckpointFiles &Found,
                                 const std::string &Name) {
  std::string Path = Found.path(Name);
  M1_ASSIGN_OR_RETURN(FileVersion Version, fileVersion(Path));
  M1_ASSIGN_OR_RETURN(std::vector<TensorInfo> Infos,
                      readSafetensorsHeader(Path));
  if (Tensors.size() + Infos.size() > MaxTensors)
    return makeError(Path, ": the checkpoint has more than ", MaxTensors,
                     " tensors");
  for (TensorInfo &Info : Infos) {
    Info.File = Files.size();
    if (!Found.IndexPath.empty()) {
      auto Entry = Found.WeightMap.find(Info.Name);
      if (Entry == Found.WeightMap.end())
        return makeError(Path, ": tensor '", Info.Name,
                         "' is not in the index");
      if (Entry->second != Name)
        return makeError(Path, ": tensor '", Info.Name, "' should be in ",
                         Entry->second, " by the index");
    }
    std::string Key = Info.Name;
    auto [Existing, Inserted] =
        Tensors.emplace(std::move(Key), std::move(Info));
    if (!Inserted)
      return makeError(Path, ": tensor '", Existing->first, "' is also in ",
                       Files[Existing->second.File]);
  }
  Files.push_back(std::move(Path));
  Names.push_back(Name);
  Versions.push_back(Version);
  Mapped.emplace_back();
  return absl::OkStatus();
}

absl::Status Checkpoint::addFiles(const CheckpointFiles &Found) {
  if (Found.Names.empty())
    return makeError(Found.Directory, ": no safetensors files in this "
                                      "directory");
  if (!Found.Missing.empty())
    return missingFilesError(Found);
  Note = Found.Note;
  Directory = Found.Directory;
  for (const std::string &Name : Found.Names)
    M1_RETURN_IF_ERROR(addFile(Found, Name));
  for (const auto &[Tensor, Name] : Found.WeightMap)
    if (!find(Tensor))
      return makeError(Found.path(Name), ": no tensor '", Tensor,
                       "', which the index puts there");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Checkpoint>>
Checkpoint::open(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(CheckpointFiles Files, findCheckpointFiles(Path));
  return open(Files);
}

absl::StatusOr<std::unique_ptr<Checkpoint>>
Checkpoint::open(const CheckpointFiles &Files) {
  try {
    std::unique_ptr<Checkpoint> Result(new Checkpoint);
    M1_RETURN_IF_ERROR(Result->addFiles(Files));
    return Result;
  } catch (const std::bad_alloc &) {
    return makeError(Files.Directory.empty() ? Files.Names.front()
                                             : Files.Directory,
                     ": not enough memory for the checkpoint's tensors");
  }
}

const TensorInfo *Checkpoint::find(std::string_view Name) const {
  auto Found = Tensors.find(Name);
  return Found == Tensors.end() ? nullptr : &Found->second;
}

absl::StatusOr<std::span<const std::byte>>
Checkpoint::data(const TensorInfo &Tensor) {
  std::lock_guard<std::mutex> Lock(MapMutex);
  std::unique_ptr<MappedFile> &File = Mapped[Tensor.File];
  if (!File) {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> Opened,
                        MappedFile::open(Files[Tensor.File]));
    if (Opened->version() != Versions[Tensor.File])
      return makeError(Files[Tensor.File],
                       ": was changed or replaced since its "
                       "header was read");
    File = std::move(Opened);
  }
  if (Tensor.Offset + Tensor.Bytes > File->bytes().size())
    return makeError(Files[Tensor.File], ": tensor '", Tensor.Name,
                     "': the file became shorter since its header was read");
  return File->bytes().subspan(Tensor.Offset, Tensor.Bytes);
}

void Checkpoint::release(const TensorInfo &Tensor) {
  std::lock_guard<std::mutex> Lock(MapMutex);
  if (const auto &File = Mapped[Tensor.File])
    File->release(Tensor.Offset, Tensor.Bytes);
}
