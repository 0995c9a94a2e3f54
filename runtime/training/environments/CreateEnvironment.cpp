//===- CreateEnvironment.cpp - environments by name -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Suggestion.h"
#include "runtime/training/environments/BuiltIn.h"
#include "runtime/training/environments/Program.h"

using namespace m1;
using nlohmann::json;

Environment::~Environment() = default;

std::string Environment::text(std::span<const int64_t> Tokens) const {
  std::string Text;
  for (int64_t Token : Tokens)
    Text += (Text.empty() ? "" : " ") + std::to_string(Token);
  return Text;
}

absl::StatusOr<std::unique_ptr<Environment>>
m1::createEnvironment(const json &Description,
                      const EnvironmentContext &Context) {
  std::vector<std::string> Names;
  std::string Known;
  for (const EnvironmentInfo &Info : listEnvironments()) {
    Names.push_back(Info.Name);
    Known += (Known.empty() ? "" : ", ") + Info.Name;
  }
  if (!Description.is_object())
    return makeError("environment: found ", Description.type_name(),
                     ", expected an object such as {\"name\": \"sorting\"}");
  auto Named = Description.find("name");
  if (Named == Description.end() || !Named->is_string())
    return makeError("environment: its \"name\" is missing, expected one of ",
                     Known);
  const auto Name = Named->get<std::string>();
  OptionReader Options(concat("environment ", Name), Description);
  Options.skip("name");
  for (const TaskKind &Kind : taskKinds())
    if (Name == Kind.Name)
      return createBuiltIn(Kind, Options);
  if (Name == ProgramName)
    return createProgram(Options, Context);
  return makeError("unknown environment '", Name, "'", suggestion(Name, Names),
                   " (environments: ", Known, ")");
}

std::vector<EnvironmentInfo> m1::listEnvironments() {
  const json Nothing = json::object();
  std::vector<EnvironmentInfo> Result;
  for (const TaskKind &Kind : taskKinds()) {
    OptionReader Options(Kind.Name, Nothing);
    readBuiltIn(Kind, Options);
    Result.push_back({Kind.Name, Kind.Description, Options.declared()});
  }
  OptionReader Options(ProgramName, Nothing);
  readProgram(Options);
  Result.push_back({ProgramName,
                    "a program that makes prompts, or judges responses to "
                    "those of a file",
                    Options.declared()});
  return Result;
}
