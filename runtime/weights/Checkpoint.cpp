//===- Checkpoint.cpp - a directory of safetensors files ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Checkpoint.h"

#include "runtime/support/File.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

using namespace m1;
using json = nlohmann::json;
namespace fs = std::filesystem;

absl::StatusOr<std::map<std::string, std::string>>
m1::readSafetensorsIndex(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(uint64_t Size, fileSize(Path));
  if (Size > (uint64_t(1) << 30))
    return makeError(Path, ": ", Size, " bytes are too many for an index");
  M1_ASSIGN_OR_RETURN(std::string Text, readFileRange(Path, 0, Size));
  json Index = json::parse(Text, nullptr, /*allow_exceptions=*/false);
  if (!Index.is_object())
    return makeError(Path, ": not a JSON object");
  auto WeightMap = Index.find("weight_map");
  if (WeightMap == Index.end() || !WeightMap->is_object())
    return makeError(Path, ": no object 'weight_map'");
  std::map<std::string, std::string> Result;
  for (const auto &[Name, File] : WeightMap->items()) {
    if (!File.is_string())
      return makeError(Path, ": weight_map: tensor '", Name,
                       "' has no file name");
    std::string FileName = File.get<std::string>();
    // Files must be in the index's directory.
    if (FileName.empty() || FileName.find('/') != std::string::npos ||
        FileName.find('\0') != std::string::npos)
      return makeError(Path, ": weight_map: tensor '", Name, "': '", FileName,
                       "' is not a file name");
    Result.emplace(Name, std::move(FileName));
  }
  return Result;
}

Checkpoint::~Checkpoint() = default;

absl::Status
Checkpoint::addFile(const std::string &Path,
                    const std::map<std::string, std::string> *Index) {
  M1_ASSIGN_OR_RETURN(std::vector<TensorInfo> Infos,
                      readSafetensorsHeader(Path));
  std::string FileName = fs::path(Path).filename().string();
  for (TensorInfo &Info : Infos) {
    Info.File = Files.size();
    if (Index) {
      auto Entry = Index->find(Info.Name);
      if (Entry == Index->end())
        return makeError(Path, ": tensor '", Info.Name,
                         "' is not in the index");
      if (Entry->second != FileName)
        return makeError(Path, ": tensor '", Info.Name, "' should be in ",
                         Entry->second, " by the index");
    }
    std::string Name = Info.Name;
    auto [Existing, Inserted] = Tensors.emplace(Name, std::move(Info));
    if (!Inserted)
      return makeError(Path, ": tensor '", Name, "' is also in ",
                       Files[Existing->second.File]);
  }
  Files.push_back(Path);
  Mapped.emplace_back();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Checkpoint>>
Checkpoint::open(const std::string &Path) {
  std::unique_ptr<Checkpoint> Result(new Checkpoint);
  std::error_code Code;
  fs::file_status Status = fs::status(Path, Code);
  if (!fs::exists(Status))
    return makeError("no checkpoint at ", Path, ": no such file or directory");
  if (!fs::is_directory(Status)) {
    M1_RETURN_IF_ERROR(Result->addFile(Path, nullptr));
    return Result;
  }

  fs::path Directory(Path);
  fs::path IndexPath = Directory / "model.safetensors.index.json";
  fs::path SinglePath = Directory / "model.safetensors";
  if (fs::exists(IndexPath, Code)) {
    M1_ASSIGN_OR_RETURN(auto Index, readSafetensorsIndex(IndexPath.string()));
    std::set<std::string> FileNames;
    for (const auto &[Name, File] : Index)
      FileNames.insert(File);
    for (const std::string &File : FileNames) {
      if (!fs::exists(Directory / File, Code))
        return makeError(IndexPath.string(), ": ", File,
                         " is missing from the directory");
      M1_RETURN_IF_ERROR(Result->addFile((Directory / File).string(), &Index));
    }
    for (const auto &[Name, File] : Index)
      if (!Result->find(Name))
        return makeError((Directory / File).string(), ": no tensor '", Name,
                         "', which the index puts there");
    return Result;
  }
  if (fs::exists(SinglePath, Code)) {
    M1_RETURN_IF_ERROR(Result->addFile(SinglePath.string(), nullptr));
    return Result;
  }
  std::vector<std::string> Paths;
  for (const fs::directory_entry &Entry : fs::directory_iterator(Path, Code))
    if (Entry.path().extension() == ".safetensors")
      Paths.push_back(Entry.path().string());
  if (Code)
    return makeError("cannot read directory ", Path, ": ", Code.message());
  if (Paths.empty())
    return makeError(Path, ": no safetensors files in this directory");
  std::sort(Paths.begin(), Paths.end());
  for (const std::string &File : Paths)
    M1_RETURN_IF_ERROR(Result->addFile(File, nullptr));
  return Result;
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
    M1_ASSIGN_OR_RETURN(File, MappedFile::open(Files[Tensor.File]));
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
