//===- Task.h - the built-in environments -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task makes prompts and judges responses as texts over the characters of the
// alphabet (Alphabet.h). BuiltIn.h makes an environment of it.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_TASK_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_TASK_H

#include "runtime/training/environments/Draws.h"
#include "runtime/training/environments/OptionReader.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace m1 {

class Task {
public:
  virtual ~Task();

  /// A prompt.
  virtual std::string prompt(Draws &D) const = 0;

  /// The right response to the prompt, without the end character. None if the
  /// text is no prompt of this task.
  virtual std::optional<std::string> solve(std::string_view Prompt) const = 0;

  /// How much of the response is right: 1 if and only if all of it is, with the
  /// end character at its end and nowhere else; at least 0. `Solution` is that
  /// of the prompt. By default the share of positions at which the response
  /// and the solution are the same, the end character and, if one of the two is
  /// longer, the positions that the other lacks included.
  virtual double share(std::string_view Prompt, std::string_view Response,
                       std::string_view Solution) const;
};

struct TaskKind {
  const char *Name, *Description;
  std::unique_ptr<Task> (*Create)(OptionReader &Options);
};
/// All tasks, the easiest first.
std::span<const TaskKind> taskKinds();

/// The share of positions at which the two texts are the same; 1 if they are
/// equal.
double equalShare(std::string_view A, std::string_view B);

/// From how many to how many digits, letters, ... a prompt has.
struct Lengths {
  int64_t Min, Max;
  int64_t draw(Draws &D) const { return D.between(Min, Max); }
};
/// The options min_length and max_length, at most `Limit`; `Unit` says of what:
/// "digits".
Lengths readLengths(OptionReader &Options, Lengths Default, int64_t Limit,
                    const char *Unit);

/// What is between the first character, which must be `Mark`, and the last,
/// which must be '='.
std::optional<std::string_view> between(std::string_view Prompt, char Mark);

// One function for each kind.
std::unique_ptr<Task> createCopy(OptionReader &Options);
std::unique_ptr<Task> createParity(OptionReader &Options);
std::unique_ptr<Task> createDigitSum(OptionReader &Options);
std::unique_ptr<Task> createSorting(OptionReader &Options);
std::unique_ptr<Task> createBrackets(OptionReader &Options);
std::unique_ptr<Task> createCipher(OptionReader &Options);
std::unique_ptr<Task> createModular(OptionReader &Options);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_TASK_H
