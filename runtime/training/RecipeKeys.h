//===- RecipeKeys.h - the table of the keys of recipes ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_RECIPEKEYS_H
#define M1C_RUNTIME_TRAINING_RECIPEKEYS_H

#include "runtime/training/Recipe.h"

#include <limits>
#include <string_view>
#include <variant>
#include <vector>

namespace m1 {

/// Where a key's value is kept, which is also what says its type.
using RecipeMember =
    std::variant<bool Recipe::*, int64_t Recipe::*, double Recipe::*,
                 std::optional<double> Recipe::*, std::string Recipe::*,
                 std::vector<int64_t> Recipe::*, std::vector<double> Recipe::*,
                 std::vector<std::string> Recipe::*, nlohmann::json Recipe::*>;

/// The range of a number, or of each number of a list.
struct RecipeRange {
  double Min = -std::numeric_limits<double>::infinity();
  double Max = std::numeric_limits<double>::infinity();
  bool AboveMin = false; ///< Min itself is not in the range
  bool BelowMax = false;
};

enum class RecipeSection : uint8_t { Rollouts, Loss, Updates, Output };
enum class RecipeModes : uint8_t { Both, Reinforcement, Supervised };

struct RecipeKey {
  std::string_view Name;
  RecipeSection Section;
  RecipeModes Modes;
  RecipeMember Member;
  /// JSON; empty: the key must be given.
  std::string_view Default;
  /// The same for supervised training; empty: as Default.
  std::string_view SupervisedDefault;
  RecipeRange Range;
  /// For text: the values it can have; empty: any.
  std::vector<std::string_view> Choices;
  std::string_view Description;

  bool belongsTo(TrainingMode Mode) const {
    return Modes == RecipeModes::Both || (Modes == RecipeModes::Supervised) ==
                                             (Mode == TrainingMode::Supervised);
  }
  std::string_view defaultFor(TrainingMode Mode) const {
    return Mode == TrainingMode::Supervised && !SupervisedDefault.empty()
               ? SupervisedDefault
               : Default;
  }
};

/// All keys, in the order of the members of Recipe.
const std::vector<RecipeKey> &recipeKeys();

/// A key of another library, and what to use instead.
struct ForeignKey {
  std::string_view Name, Advice;
};
const std::vector<ForeignKey> &foreignKeys();

/// "an integer from 1 to 64", "a number above 0", "one of token, sequence".
std::string expectationOf(const RecipeKey &Key);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_RECIPEKEYS_H
