//===- CheckpointFiles.cpp - which files are a checkpoint -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/CheckpointFiles.h"

#include "runtime/support/File.h"
#include "runtime/support/Json.h"
#include "runtime/weights/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <sys/stat.h>

using namespace m1;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {
const char SingleName[] = "model.safetensors";
const char IndexName[] = "model.safetensors.index.json";

/// Bytes of an index: as many as a safetensors header may have. That of a model
/// with 100,000 tensors has 10 MB.
constexpr uint64_t MaxIndexBytes = 100'000'000;

enum class Presence { Absent, File, Directory };

/// What is at a path. Only what does not exist is absent: a file that cannot be
/// examined is an error.
absl::StatusOr<Presence> inspect(const std::string &Path) {
  struct stat Stat;
  if (::stat(Path.c_str(), &Stat) == 0) {
    if (S_ISDIR(Stat.st_mode))
      return Presence::Directory;
    M1_RETURN_IF_ERROR(checkRegular(Path, Stat));
    return Presence::File;
  }
  if (errno != ENOENT)
    return makeError("cannot open ", Path, ": ", std::strerror(errno));
  if (::lstat(Path.c_str(), &Stat) == 0)
    return makeError("cannot open ", Path,
                     ": a symbolic link to a file that does not exist");
  return Presence::Absent;
}

absl::StatusOr<bool> isFile(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(Presence Found, inspect(Path));
  if (Found == Presence::Directory)
    return makeError("cannot read ", Path,
                     ": expected a regular file, found a directory");
  return Found == Presence::File;
}

/// The names in a directory, sorted; without those that begin with a dot, such
/// as the ._ files of macOS.
absl::StatusOr<std::vector<std::string>>
listDirectory(const std::string &Directory) {
  std::error_code Code;
  fs::directory_iterator It(Directory, Code), End;
  std::vector<std::string> Names;
  for (; !Code && It != End; It.increment(Code))
    if (std::string Name = It->path().filename().string(); Name[0] != '.')
      Names.push_back(std::move(Name));
  if (Code)
    return makeError("cannot read directory ", Directory, ": ", Code.message());
  std::sort(Names.begin(), Names.end());
  return Names;
}

/// A file name of an index in its shortest form; empty if it is not inside the
/// index's directory.
std::string normalize(const std::string &Name) {
  if (Name.empty() || Name.find('\0') != Name.npos)
    return "";
  fs::path Path = fs::path(Name).lexically_normal();
  if (Path.is_absolute() || !Path.has_filename() || Path == "." ||
      *Path.begin() == "..")
    return "";
  return Path.string();
}

/// Sets the files to those of an index, and which of them are missing.
absl::Status useIndex(CheckpointFiles &Files) {
  std::set<std::string> Names;
  for (const auto &[Tensor, Name] : Files.WeightMap)
    Names.insert(Name);
  for (const std::string &Name : Names) {
    Files.Names.push_back(Name);
    M1_ASSIGN_OR_RETURN(bool Exists, isFile(Files.path(Name)));
    if (!Exists)
      Files.Missing.push_back(Name);
  }
  return absl::OkStatus();
}

/// What to say of an index beside model.safetensors: nothing if it names that
/// file.
std::string describeIgnored(const CheckpointFiles &Files,
                            const std::string &IndexPath) {
  std::string Why;
  CheckpointFiles Other;
  Other.Directory = Files.Directory;
  if (auto Map = readSafetensorsIndex(IndexPath); !Map.ok()) {
    Why = "is damaged";
  } else {
    Other.WeightMap = std::move(*Map);
    absl::Status Status = useIndex(Other);
    if (Status.ok() && Other.Names == Files.Names)
      return "";
    Why = "names other files";
    if (!Other.Missing.empty())
      Why += concat(", ", Other.Missing.size(), " of which ",
                    Other.Missing.size() == 1 ? "does" : "do", " not exist");
  }
  return concat(Files.Directory, ": found both ", SingleName, " and ",
                IndexName, ", which ", Why, ": reading ", SingleName,
                ", as transformers does");
}

/// The first of the names that is a file of weights in another format.
std::string otherFormat(const std::vector<std::string> &Names) {
  for (const std::string &Name : Names)
    if (Name == "pytorch_model.bin.index.json" || Name.ends_with(".gguf") ||
        (Name.starts_with("pytorch_model") && Name.ends_with(".bin")) ||
        (Name.starts_with("consolidated") && Name.ends_with(".pth")))
      return Name;
  return "";
}
} // namespace

std::string CheckpointFiles::path(const std::string &Name) const {
  return Directory.empty() ? Name : (fs::path(Directory) / Name).string();
}

absl::StatusOr<std::map<std::string, std::string>>
m1::readSafetensorsIndex(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(json Index, readJson(Path, MaxIndexBytes));
  if (!Index.is_object())
    return makeError(Path, ": not a JSON object");
  auto WeightMap = Index.find("weight_map");
  if (WeightMap == Index.end() || !WeightMap->is_object())
    return makeError(Path, ": no object 'weight_map'");
  if (WeightMap->size() > MaxTensors)
    return makeError(Path, ": weight_map: found ", WeightMap->size(),
                     " tensors, expected at most ", MaxTensors);
  std::map<std::string, std::string> Result;
  for (const auto &[Tensor, File] : WeightMap->items()) {
    auto Where = [&] { return concat(Path, ": weight_map: tensor '", Tensor); };
    if (Tensor.size() > MaxNameBytes)
      return makeError(Path, ": weight_map: the name of tensor '",
                       Tensor.substr(0, 40), "...' has ", Tensor.size(),
                       " bytes, expected at most ", MaxNameBytes);
    if (!File.is_string())
      return makeError(Where(), "' has no file name");
    const std::string &Name = File.get_ref<const std::string &>();
    if (Name.size() > MaxNameBytes)
      return makeError(Where(), "': the name of its file has ", Name.size(),
                       " bytes, expected at most ", MaxNameBytes);
    std::string Normal = normalize(Name);
    if (Normal.empty())
      return makeError(Where(), "': '", Name,
                       "' is not the name of a file in the index's directory");
    Result.emplace(Tensor, std::move(Normal));
  }
  return Result;
}

absl::Status m1::missingFilesError(const CheckpointFiles &Files) {
  std::string More;
  if (Files.Missing.size() > 1)
    More = concat(" and ", Files.Missing.size() - 1, " more");
  return makeError(Files.IndexPath, ": ", Files.Missing.front(), More,
                   Files.Missing.size() > 1 ? " are" : " is",
                   " missing from the directory");
}

absl::StatusOr<CheckpointFiles>
m1::findCheckpointFiles(const std::string &Path) {
  CheckpointFiles Files;
  M1_ASSIGN_OR_RETURN(Presence Found, inspect(Path));
  if (Found == Presence::Absent)
    return makeError("no checkpoint at ", Path, ": no such file or directory");
  if (Found == Presence::File) {
    Files.Names = {Path};
    return Files;
  }
  Files.Directory = Path;
  std::string IndexPath = Files.path(IndexName);
  M1_ASSIGN_OR_RETURN(bool HasSingle, isFile(Files.path(SingleName)));
  M1_ASSIGN_OR_RETURN(bool HasIndex, isFile(IndexPath));
  if (HasSingle) {
    Files.Names = {SingleName};
    if (HasIndex)
      Files.Note = describeIgnored(Files, IndexPath);
    if (!HasIndex || !Files.Note.empty())
      return Files;
    Files.Names.clear(); // the index names this file, too
  }
  if (HasIndex) {
    Files.IndexPath = IndexPath;
    M1_ASSIGN_OR_RETURN(Files.WeightMap, readSafetensorsIndex(IndexPath));
    M1_RETURN_IF_ERROR(useIndex(Files));
    return Files;
  }
  M1_ASSIGN_OR_RETURN(std::vector<std::string> Names, listDirectory(Path));
  for (const std::string &Name : Names)
    if (Name.ends_with(".safetensors"))
      Files.Names.push_back(Name);
  if (!Files.Names.empty())
    return Files;
  if (std::string Other = otherFormat(Names); !Other.empty())
    return makeError(Path, ": found ", Other,
                     ", expected safetensors files: convert it, for example "
                     "with transformers: "
                     "AutoModelForCausalLM.from_pretrained(OLD).save_"
                     "pretrained(NEW, safe_serialization=True)");
  return Files;
}
