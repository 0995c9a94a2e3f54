//===- Interpreter.h - runs functions of the m1 dialect ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The executable definition of the m1 dialect: every op computed in the
// simplest way, in double precision (Operations.h). It is slow; it is there to
// be read and to be compared with.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_INTERPRETER_H
#define M1C_DIALECTS_M1_REFERENCE_INTERPRETER_H

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/Reference/ParameterReader.h"
#include "dialects/M1/Reference/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace m1::reference {

/// What states hold between calls, by the name of the m1.state.
struct StateStore {
  llvm::StringMap<State> States;
  /// In a module with a mesh, those of ranks 1, 2, ...; the above are rank 0's.
  std::vector<StateStore> Others;
};

/// Makes ops interpretable: those of m1, func.call and arith.constant, in every
/// context that loads their dialects from `Registry`.
void registerInterpreter(mlir::DialectRegistry &Registry);

/// Runs the function `Entry` of `Module`, which has no control flow, and
/// returns its results. If the module has a mesh, all its ranks run it, with
/// the same inputs; it is an error if their results differ. Inputs must match
/// the function's argument types (in shape, and integers where it takes
/// integers) and m1.dim attributes. Reports errors as diagnostics; states
/// written before an error stay written.
mlir::FailureOr<llvm::SmallVector<Tensor>>
interpret(mlir::ModuleOp Module, llvm::StringRef Entry,
          llvm::ArrayRef<Tensor> Inputs, ParameterReader &Parameters,
          StateStore &States);

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_INTERPRETER_H
