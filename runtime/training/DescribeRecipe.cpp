//===- DescribeRecipe.cpp - recipes as JSON and as a page -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/RecipeKeys.h"

using namespace m1;
using nlohmann::ordered_json;

namespace {
template <typename Value> ordered_json toJson(const Value &V) { return V; }
ordered_json toJson(const std::optional<double> &V) {
  return V ? ordered_json(*V) : ordered_json(nullptr);
}

std::string_view titleOf(RecipeSection Section) {
  switch (Section) {
  case RecipeSection::Rollouts:
    return "Rollouts";
  case RecipeSection::Loss:
    return "Rewards and the loss";
  case RecipeSection::Updates:
    return "Updates";
  case RecipeSection::Output:
    return "What is written";
  }
  return "";
}

std::string_view commandsOf(RecipeModes Modes) {
  switch (Modes) {
  case RecipeModes::Both:
    return "both";
  case RecipeModes::Reinforcement:
    return "train";
  case RecipeModes::Supervised:
    return "sft";
  }
  return "";
}

std::string defaultText(const RecipeKey &Key) {
  auto Quoted = [](std::string_view Default) {
    return Default.empty() ? std::string("must be given")
                           : concat("`", Default, "`");
  };
  if (Key.SupervisedDefault.empty())
    return Quoted(Key.Default);
  return concat(Quoted(Key.Default), "; sft: ", Quoted(Key.SupervisedDefault));
}
} // namespace

ordered_json m1::describe(const Recipe &R) {
  ordered_json Result = ordered_json::object();
  for (const RecipeKey &Key : recipeKeys())
    if (Key.belongsTo(R.Mode))
      Result[std::string(Key.Name)] = std::visit(
          [&](auto Member) { return toJson(R.*Member); }, Key.Member);
  return Result;
}

std::string m1::recipesPage() {
  std::string Page =
      "<!-- Written from the table in runtime/training/RecipeKeys.cpp: run "
      "M1_WRITE_PAGES=1 build/bin/m1-training-tests. Do not edit. -->\n\n"
      "# Recipes\n\n"
      "A recipe is a JSON object with the settings of `m1run train` "
      "(reinforcement learning) or `m1run sft` (supervised\n"
      "fine-tuning). Keys have the names that they have in TRL or verl. An "
      "unknown key, a value of another type and one\n"
      "outside its range are errors, and so is a key of the other command.\n\n"
      "```json\n"
      "{\"environments\": [{\"name\": \"sorting\"}], \"max_steps\": 1000, "
      "\"learning_rate\": 1e-6, \"max_completion_length\": 512}\n"
      "```\n";
  std::string_view Title;
  for (const RecipeKey &Key : recipeKeys()) {
    if (titleOf(Key.Section) != Title) {
      Title = titleOf(Key.Section);
      Page += concat("\n## ", Title,
                     "\n\n| key | command | value | default | meaning |\n"
                     "| --- | --- | --- | --- | --- |\n");
    }
    Page += concat("| `", Key.Name, "` | ", commandsOf(Key.Modes), " | ",
                   expectationOf(Key), " | ", defaultText(Key), " | ",
                   Key.Description, " |\n");
  }
  return Page;
}
