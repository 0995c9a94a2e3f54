//===- LanguageModel.h - a language model module, interpreted ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1_INTERPRET_LANGUAGEMODEL_H
#define M1C_TOOLS_M1_INTERPRET_LANGUAGEMODEL_H

#include "dialects/M1/Reference/Interpreter.h"
#include "runtime/weights/Npy.h"

namespace m1::reference {

/// Writes floats as f8, integers as i8. Adds the file to `Files`, for the caller
/// to commit. Errors name the file.
absl::Status writeTensor(const std::string &Path, const Tensor &Value,
                         OutputFiles &Files);

/// A sequence of T tokens, prompt and response, and a model's results for it.
struct Sequence {
  Tensor Tokens;   ///< [T]
  Tensor LogProbs; ///< [T-1]: of each token after the first
  Tensor Logits;   ///< [T, V], if requested
};

/// Runs the functions `next`, `score` and `logits` of a module, one sequence at
/// a time, in slot 0.
class LanguageModel {
public:
  LanguageModel(mlir::ModuleOp Module, ParameterSource &Parameters)
      : Module(Module), Parameters(Parameters) {}

  /// Scores `Prompt`, which is not empty, and continues it greedily by
  /// `MaxNewTokens` tokens.
  absl::StatusOr<Sequence> run(std::vector<int64_t> Prompt,
                               int64_t MaxNewTokens, bool WithLogits);

private:
  /// Calls `Entry` on the tokens from `Position` on, followed by `More`.
  absl::StatusOr<llvm::SmallVector<Tensor>>
  call(llvm::StringRef Entry, llvm::ArrayRef<int64_t> Tokens, int64_t Position,
       llvm::ArrayRef<Tensor> More = {});

  mlir::ModuleOp Module;
  ParameterSource &Parameters;
  StateStore States;
};

} // namespace m1::reference

#endif // M1C_TOOLS_M1_INTERPRET_LANGUAGEMODEL_H
