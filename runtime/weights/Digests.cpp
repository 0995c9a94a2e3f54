//===- Digests.cpp - digests of a checkpoint's tensors --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Digests.h"

#include "runtime/support/Json.h"
#include "runtime/support/ProjectVersion.h"
#include "runtime/weights/Checkpoint.h"

#include <charconv>
#include <cstdio>
#include <filesystem>

using namespace m1;
using nlohmann::json;

namespace {
const char FormatName[] = "m1-digests";
constexpr int FormatVersion = 1;
const char AlgorithmName[] = "xxh3-128";

/// Bytes of a digest file. An entry has some 250, and the largest published
/// models have some 100,000 tensors.
constexpr uint64_t MaxFileBytes = 1'000'000'000;

const char ChangedSince[] =
    "; the checkpoint has changed since its digests were written";

std::string quote(const std::string &Text) {
  // File names need not be UTF-8.
  return json(Text).dump(-1, ' ', false, json::error_handler_t::replace);
}

bool parseHex(std::string_view Text, uint64_t &Value) {
  const char *End = Text.data() + Text.size();
  auto [Stop, Error] = std::from_chars(Text.data(), End, Value, 16);
  return Error == std::errc() && Stop == End;
}

/// Reads the entry of one tensor. Returns what is wrong with it, or "".
std::string readEntry(const json &Object, DigestEntry &Entry) {
  auto Text = [&](const char *Key) {
    auto Found = Object.find(Key);
    return Found != Object.end() && Found->is_string()
               ? Found->get<std::string>()
               : std::string();
  };
  if (!Object.is_object())
    return "expected an object";
  Entry.File = Text("file");
  std::optional<ElementType> Type = elementTypeFromName(Text("dtype"));
  if (!Type)
    return "expected the name of an element type in 'dtype'";
  Entry.Type = *Type;
  auto Shape = Object.find("shape");
  if (Shape == Object.end() || !Shape->is_array())
    return "expected a list of numbers in 'shape'";
  for (const json &Extent : *Shape) {
    if (!Extent.is_number_integer())
      return "expected a list of numbers in 'shape'";
    Entry.Shape.push_back(Extent.get<int64_t>());
  }
  const std::optional<TensorDigest> Digest = parseDigest(Text("digest"));
  if (!Digest)
    return "expected 32 hexadecimal digits in 'digest'";
  Entry.Digest = *Digest;
  return "";
}
} // namespace

std::string m1::format(const TensorDigest &Digest) {
  char Text[33];
  std::snprintf(Text, sizeof Text, "%016llx%016llx",
                static_cast<unsigned long long>(Digest.High),
                static_cast<unsigned long long>(Digest.Low));
  return Text;
}

std::optional<TensorDigest> m1::parseDigest(std::string_view Text) {
  TensorDigest Result;
  if (Text.size() != 32 || !parseHex(Text.substr(0, 16), Result.High) ||
      !parseHex(Text.substr(16), Result.Low))
    return std::nullopt;
  return Result;
}

std::string DigestFile::defaultPath(const Checkpoint &Weights) {
  std::filesystem::path Path = Weights.files().front();
  if (!Weights.directory().empty())
    Path = std::filesystem::path(Weights.directory()) / "model.safetensors";
  return Path.string() + ".digests.json";
}

absl::StatusOr<DigestFile> DigestFile::read(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(json Content, readJson(Path, MaxFileBytes));
  auto At = [&](const char *Key) {
    return Content.is_object() && Content.contains(Key) ? Content[Key] : json();
  };
  if (At("format") != FormatName || !At("version").is_number_integer())
    return makeError(Path, ": not a digest file, which m1run digest writes");
  if (At("version") != FormatVersion)
    return makeError(Path, ": version ", At("version").dump(),
                     " of the format, expected ", FormatVersion);
  if (At("algorithm") != AlgorithmName)
    return makeError(Path, ": unknown algorithm, expected ", AlgorithmName);
  auto Tensors = Content.find("tensors");
  if (Tensors == Content.end() || !Tensors->is_object())
    return makeError(Path, ": no object 'tensors'");
  DigestFile Result;
  Result.Path = Path;
  for (const auto &[Name, Object] : Tensors->items()) {
    DigestEntry Entry;
    if (std::string Problem = readEntry(Object, Entry); !Problem.empty())
      return makeError(Path, ": tensor '", Name.substr(0, MaxNameBytes),
                       "': ", Problem);
    Result.Tensors.emplace(Name, std::move(Entry));
  }
  return Result;
}

std::string DigestFile::write(const Checkpoint &Weights,
                              std::span<const TensorDigest> Digests) {
  std::string Text = concat(
      "{\n  \"format\": ", quote(FormatName),
      ",\n  \"version\": ", FormatVersion,
      ",\n  \"tool\": ", quote(concat("m1run ", kProjectVersion)),
      ",\n  \"algorithm\": ", quote(AlgorithmName), ",\n  \"tensors\": {");
  size_t I = 0;
  for (const auto &[Name, Tensor] : Weights.tensors()) {
    Text += concat(I ? "," : "", "\n    ", quote(Name),
                   ": {\"file\": ", quote(Weights.nameOf(Tensor)),
                   ", \"dtype\": ", quote(std::string(name(Tensor.Type))),
                   ", \"shape\": ", formatShape(Tensor.Shape),
                   ", \"digest\": ", quote(format(Digests[I])), "}");
    ++I;
  }
  return Text + "\n  }\n}\n";
}

absl::Status DigestFile::checkTensors(const Checkpoint &Weights) const {
  for (const auto &[Name, Tensor] : Weights.tensors()) {
    auto Found = Tensors.find(Name);
    if (Found == Tensors.end())
      return makeError(Weights.fileOf(Tensor), ": tensor '", Name,
                       "' is not in ", Path, ChangedSince);
    const DigestEntry &Entry = Found->second;
    if (Entry.Type != Tensor.Type || Entry.Shape != Tensor.Shape)
      return makeError(Weights.fileOf(Tensor), ": tensor '", Name, "' is ",
                       name(Tensor.Type), " ", formatShape(Tensor.Shape),
                       ", expected ", name(Entry.Type), " ",
                       formatShape(Entry.Shape), " from ", Path, ChangedSince);
  }
  for (const auto &[Name, Entry] : Tensors)
    if (!Weights.find(Name))
      return makeError(Path, ": tensor '", Name, "' is not in the checkpoint",
                       ChangedSince);
  return absl::OkStatus();
}

absl::Status DigestFile::compare(const Checkpoint &Weights,
                                 std::span<const TensorDigest> Digests) const {
  const TensorInfo *First = nullptr;
  size_t I = 0, Others = 0;
  for (const auto &[Name, Tensor] : Weights.tensors()) {
    if (Tensors.find(Name)->second.Digest == Digests[I++])
      continue;
    if (First)
      ++Others;
    else
      First = &Tensor;
  }
  if (!First)
    return absl::OkStatus();
  return makeError(Weights.fileOf(*First), ": tensor '", First->Name, "'",
                   Others ? concat(" and ", Others, " more") : "",
                   ": the bytes differ from the digest in ", Path,
                   ": the weights are damaged, or changed since");
}
