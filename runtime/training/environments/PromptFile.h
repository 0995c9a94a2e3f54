//===- PromptFile.h - prompts from a file -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROMPTFILE_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROMPTFILE_H

#include "runtime/training/environments/Environment.h"

namespace m1 {

/// The prompt in {"prompt": [1, 2], "metadata": {...}, "solution": [3]}; the
/// latter two may be missing or null. `Where` begins errors.
absl::StatusOr<Prompt> parsePrompt(const nlohmann::json &Value,
                                   const std::string &Where);

/// "prompt 5: token 3 is 70, expected ..." if a token of the prompt, or of its
/// solution, is not from 0 to `Vocabulary` - 1.
absl::Status checkPrompt(const Prompt &P, int64_t Vocabulary,
                         const std::string &Where);

/// Prompts in an order that depends on a seed: each once, then each once in
/// another order, and so on.
class PromptFile {
public:
  /// Reads a file of lines as for parsePrompt, or a .npy file with an array of
  /// integers [prompts, length]; negative numbers fill up its rows.
  static absl::StatusOr<PromptFile> read(const std::string &Path,
                                         uint64_t Seed);

  absl::Status check(int64_t Vocabulary) const;
  const Prompt &at(uint64_t Number);

private:
  std::string Path;
  uint64_t Seed = 0;
  std::vector<Prompt> Prompts;
  uint64_t Epoch = UINT64_MAX; ///< whose order is `Order`
  std::vector<uint64_t> Order;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_PROMPTFILE_H
