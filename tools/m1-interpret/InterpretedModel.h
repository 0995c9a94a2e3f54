//===- InterpretedModel.h - a language model, interpreted -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1_INTERPRET_INTERPRETEDMODEL_H
#define M1C_TOOLS_M1_INTERPRET_INTERPRETEDMODEL_H

#include "dialects/M1/Reference/Interpreter.h"
#include "runtime/weights/Npy.h"

namespace m1::reference {

/// Prepares a .npy file of f64 or i64 elements and adds it to `Files`, for the
/// caller to commit. Errors name the file.
absl::Status writeTensor(const std::string &Path, const Tensor &Value,
                         OutputFiles &Files);

/// The results for one sequence of T tokens, prompt and response.
struct Sequence {
  Tensor Tokens;   ///< [T]
  Tensor LogProbs; ///< [T-1], of each token after the first
  Tensor Logits;   ///< [T, V]; empty unless requested
};

/// Runs the functions `next`, `score` and `logits` of a module for one
/// sequence, in slot 0.
class InterpretedModel {
public:
  InterpretedModel(mlir::ModuleOp Module, ParameterReader &Parameters)
      : Module(Module), Parameters(Parameters) {}

  /// Scores `Prompt`, which is not empty, and continues it greedily by
  /// `MaxNewTokens` tokens. An empty error message means that a diagnostic was
  /// emitted.
  absl::StatusOr<Sequence> run(std::vector<int64_t> Prompt,
                               int64_t MaxNewTokens, bool WithLogits);

private:
  /// Calls `Entry` on the tokens from `Position` on, followed by `More`.
  absl::StatusOr<llvm::SmallVector<Tensor>>
  call(llvm::StringRef Entry, llvm::ArrayRef<int64_t> Tokens, int64_t Position,
       llvm::ArrayRef<Tensor> More = {});

  mlir::ModuleOp Module;
  ParameterReader &Parameters;
  StateStore States;
};

} // namespace m1::reference

#endif // M1C_TOOLS_M1_INTERPRET_INTERPRETEDMODEL_H
