//===- TrainerState.cpp - where a run stands ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/TrainerState.h"

#include "runtime/support/Json.h"
#include "runtime/support/ProjectVersion.h"
#include "runtime/weights/TensorHasher.h"

#include <cmath>

using namespace m1;
using nlohmann::json;

namespace {
const char FormatName[] = "m1-trainer-state";
constexpr int FormatVersion = 1;
/// Bytes of the file: as for digest files, of which it holds two.
constexpr uint64_t MaxFileBytes = 1'000'000'000;

std::string text(const json &Value, int Indent = -1) {
  return Value.dump(Indent, ' ', /*ensure_ascii=*/true,
                    json::error_handler_t::replace);
}

/// Where a value has a number that is not finite; "" if nowhere.
std::string findNonFinite(const json &Value, const std::string &Path) {
  if (Value.is_number_float() && !std::isfinite(Value.get<double>()))
    return Path;
  if (Value.is_structured())
    for (const auto &[Key, Member] : Value.items())
      if (std::string Found = findNonFinite(Member, Path + "." + Key);
          !Found.empty())
        return Found;
  return "";
}

std::string digest(const json &Content) {
  TensorHasher Hasher;
  Hasher.add(text(Content));
  return format(Hasher.finish());
}

json write(const DigestMap &Digests) {
  json Result = json::object();
  for (const auto &[Name, Digest] : Digests)
    Result[Name] = format(Digest);
  return Result;
}

/// The digests in an object that a digest covers.
absl::StatusOr<DigestMap> read(const json &Object, const std::string &Path) {
  DigestMap Result;
  for (const auto &[Name, Text] : Object.items()) {
    const std::optional<TensorDigest> Digest =
        Text.is_string() ? parseDigest(Text.get_ref<const std::string &>())
                         : std::nullopt;
    if (!Digest)
      return makeError(Path, ": tensor '", Name,
                       "': expected 32 hexadecimal digits");
    Result.emplace(Name, *Digest);
  }
  return Result;
}
} // namespace

absl::StatusOr<std::string> m1::writeTrainerState(const TrainerState &State) {
  json Content = {{"format", FormatName},
                  {"version", FormatVersion},
                  {"tool", concat("m1run ", kProjectVersion)},
                  {"step", State.Step},
                  {"recipe", State.Recipe},
                  {"state", State.State},
                  {"weights", write(State.Weights)},
                  {"optimizer", write(State.Optimizer)}};
  for (const char *Key : {"recipe", "state"})
    if (std::string Found = findNonFinite(Content[Key], Key); !Found.empty())
      return makeError("the trainer's state has a number that is not finite at "
                       "'",
                       Found, "'");
  Content["digest"] = digest(Content);
  return text(Content, 1) + "\n";
}

absl::StatusOr<TrainerState>
m1::readTrainerState(const std::string &Directory) {
  const std::string Path = concat(Directory, "/", TrainerStateName);
  M1_ASSIGN_OR_RETURN(json Content, readJson(Path, MaxFileBytes));
  auto At = [&](const char *Key) {
    return Content.is_object() && Content.contains(Key) ? Content[Key] : json();
  };
  if (At("format") != FormatName || !At("version").is_number_integer())
    return makeError(Path, ": not the trainer's state of a checkpoint");
  if (At("version") != FormatVersion)
    return makeError(Path, ": version ", text(At("version")),
                     " of the format, expected ", FormatVersion);
  const json Stored = At("digest");
  Content.erase("digest");
  if (Stored != digest(Content))
    return makeError(Path, ": the content differs from its digest: the file is "
                           "damaged, or was edited");
  if (!At("step").is_number_integer() || !At("weights").is_object() ||
      !At("optimizer").is_object())
    return makeError(Path, ": expected 'step', 'weights' and 'optimizer'");
  TrainerState Result;
  Result.Step = At("step").get<int64_t>();
  Result.Recipe = At("recipe");
  Result.State = At("state");
  M1_ASSIGN_OR_RETURN(Result.Weights, read(Content["weights"], Path));
  M1_ASSIGN_OR_RETURN(Result.Optimizer, read(Content["optimizer"], Path));
  return Result;
}
