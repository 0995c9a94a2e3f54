//===- Environment.h - where prompts and rewards come from ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An environment of reinforcement learning makes prompts and judges responses.
// docs/environments.md describes them for users.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_ENVIRONMENT_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_ENVIRONMENT_H

#include "runtime/support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace m1 {

struct Prompt {
  std::vector<int64_t> Tokens; ///< at least one, each below the vocabulary
  /// An object for logs and for the one who judges.
  nlohmann::json Metadata = nlohmann::json::object();
  /// A response that gets the full reward, with the stop token at its end.
  /// Empty if the environment knows none.
  std::vector<int64_t> Solution;
};

/// A response that is to be judged. What it refers to is the caller's.
struct Answer {
  uint64_t Number = 0; ///< of the prompt
  std::span<const int64_t> Prompt;
  /// With the stop token at its end, unless it was cut off.
  std::span<const int64_t> Response;
  /// The response ended because of a limit, not by its stop token.
  bool Truncated = false;
  /// That of the prompt; null: none.
  const nlohmann::json *Metadata = nullptr;
};

/// Not for several threads at once.
class Environment {
public:
  virtual ~Environment();

  /// As in createEnvironment's description: "sorting".
  virtual const std::string &name() const = 0;
  /// All options, those that were not given with their defaults, and the name:
  /// createEnvironment makes the same environment from it.
  virtual const nlohmann::json &options() const = 0;
  /// Prompts and solutions consist of tokens from 0 to this - 1.
  virtual int64_t vocabulary() const = 0;
  /// The token that ends a response, if there is one.
  virtual std::optional<int64_t> stopToken() const = 0;

  /// Prompt number `Number`: a function of it, the seed and the options.
  virtual absl::StatusOr<Prompt> makePrompt(uint64_t Number) = 0;

  /// Writes the reward of each answer, [Answers]: a finite number, or NaN where
  /// there is none and the response is to be left out.
  virtual absl::Status rewards(std::span<const Answer> Answers,
                               std::span<double> Out) = 0;

  /// Tokens as a person reads them. By default their numbers.
  virtual std::string text(std::span<const int64_t> Tokens) const;
};

struct EnvironmentContext {
  /// What relative paths are relative to: the directory of the recipe. Empty:
  /// the current one.
  std::string Directory;
  /// Takes one-line notes, such as that a program was started again.
  std::function<void(const std::string &)> Note;
  /// True stops a wait for a program with a "cancelled" error. By default, a
  /// stop signal does (StopSignals.h).
  std::function<bool()> Cancelled;
};

/// Makes the environment that a recipe describes: {"name": "sorting", "seed":
/// 1, ...}. An error names the unknown name or option and the nearest known
/// one, or the value and what was expected.
absl::StatusOr<std::unique_ptr<Environment>>
createEnvironment(const nlohmann::json &Description,
                  const EnvironmentContext &Context = {});

/// An option of an environment.
struct EnvironmentOption {
  std::string Name;
  nlohmann::json Default; ///< null: must be given, or has no value
  std::string Description;
};
struct EnvironmentInfo {
  std::string Name, Description;
  std::vector<EnvironmentOption> Options;
};
/// What createEnvironment can make, the easiest first.
std::vector<EnvironmentInfo> listEnvironments();

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_ENVIRONMENT_H
