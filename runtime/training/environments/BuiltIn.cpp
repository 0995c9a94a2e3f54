//===- BuiltIn.cpp - an environment for a built-in task -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/BuiltIn.h"

#include "runtime/training/environments/Alphabet.h"

using namespace m1;
using nlohmann::json;

namespace {
struct BuiltInOptions {
  std::unique_ptr<Task> What;
  uint64_t Seed;
  double PartialCredit;
};

BuiltInOptions read(const TaskKind &Kind, OptionReader &Options) {
  BuiltInOptions Result;
  Result.Seed = Options.integer("seed", 0, 0, INT64_MAX, "seed of the prompts");
  Result.PartialCredit = Options.number(
      "partial_credit", 0, 0, 1,
      "a response that is right in part gets this times its right share");
  Result.What = Kind.Create(Options);
  return Result;
}

class BuiltIn : public Environment {
public:
  BuiltIn(const TaskKind &Kind, BuiltInOptions Read, json Values)
      : Name(Kind.Name), Options(std::move(Values)), What(std::move(Read.What)),
        Seed(Read.Seed), PartialCredit(Read.PartialCredit) {
    Options["name"] = Name;
  }

  const std::string &name() const override { return Name; }
  const json &options() const override { return Options; }
  int64_t vocabulary() const override { return Alphabet.size(); }
  std::optional<int64_t> stopToken() const override {
    return tokenOf(EndCharacter);
  }

  absl::StatusOr<Prompt> makePrompt(uint64_t Number) override {
    Draws D(Seed, Name, Number);
    const std::string Text = What->prompt(D);
    std::optional<std::string> Solution = What->solve(Text);
    if (!Solution)
      return absl::InternalError(
          concat("environment ", Name, " cannot solve its prompt ", Text));
    Prompt Result;
    Result.Tokens = tokensOf(Text);
    Result.Solution = tokensOf(*Solution + EndCharacter);
    Result.Metadata = {{"text", Text}, {"solution", *Solution}};
    return Result;
  }

  absl::Status rewards(std::span<const Answer> Answers,
                       std::span<double> Out) override {
    for (size_t I = 0; I < Answers.size(); ++I) {
      const std::string Text = textOf(Answers[I].Prompt);
      std::optional<std::string> Solution = What->solve(Text);
      if (!Solution)
        return makeError("environment ", Name, ": '", Text,
                         "' is not a prompt of it");
      const double Share =
          What->share(Text, textOf(Answers[I].Response), *Solution);
      Out[I] = Share == 1 ? 1 : PartialCredit * Share;
    }
    return absl::OkStatus();
  }

  std::string text(std::span<const int64_t> Tokens) const override {
    return textOf(Tokens);
  }

private:
  std::string Name;
  json Options;
  std::unique_ptr<Task> What;
  uint64_t Seed;
  double PartialCredit;
};
} // namespace

absl::StatusOr<std::unique_ptr<Environment>>
m1::createBuiltIn(const TaskKind &Kind, OptionReader &Options) {
  BuiltInOptions Read = read(Kind, Options);
  M1_RETURN_IF_ERROR(Options.finish());
  return std::make_unique<BuiltIn>(Kind, std::move(Read), Options.values());
}

void m1::readBuiltIn(const TaskKind &Kind, OptionReader &Options) {
  read(Kind, Options);
}
