//===- EosTokens.cpp - the tokens that end a text -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/EosTokens.h"

#include "runtime/support/Json.h"

#include <filesystem>

using namespace m1;
namespace fs = std::filesystem;

namespace {
constexpr const char *Key = "eos_token_id";

absl::StatusOr<std::vector<int64_t>> tokensIn(const nlohmann::json &Value,
                                              const std::string &File) {
  std::vector<int64_t> Tokens;
  auto add = [&](const nlohmann::json &Token) {
    if (!Token.is_number_unsigned() ||
        Token.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      return false;
    Tokens.push_back(Token.get<int64_t>());
    return true;
  };
  bool AreTokens = true;
  if (Value.is_array())
    for (const nlohmann::json &Token : Value)
      AreTokens = AreTokens && add(Token);
  else if (!Value.is_null())
    AreTokens = add(Value);
  if (AreTokens)
    return Tokens;
  std::string Found =
      Value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return makeError(File, ": ", Key,
                   ": expected a token id or a list of them, "
                   "found ",
                   printable(Found, 100));
}
} // namespace

absl::StatusOr<EosTokens> m1::readEosTokens(const std::string &Path) {
  std::error_code Code;
  const fs::path Directory = fs::is_directory(Path, Code)
                                 ? fs::path(Path)
                                 : fs::path(Path).parent_path();
  for (const char *Name : {"generation_config.json", "config.json"}) {
    const std::string File = (Directory / Name).string();
    if (fs::symlink_status(File, Code).type() == fs::file_type::not_found)
      continue;
    M1_ASSIGN_OR_RETURN(nlohmann::json Config, readJson(File, MaxConfigBytes));
    if (!Config.is_object())
      return makeError(File, ": expected a JSON object");
    auto Found = Config.find(Key);
    if (Found == Config.end())
      continue;
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Tokens, tokensIn(*Found, File));
    if (!Tokens.empty())
      return EosTokens{std::move(Tokens), File};
  }
  return EosTokens();
}
