//===- Interpreter.h - runs functions of the m1 dialect ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The executable meaning of the m1 dialect: every operation computed in the
// plainest way and in double precision (see Operations.h). Slow, and meant to
// be read and compared with.
//
//===----------------------------------------------------------------------===//

#ifndef M1_DIALECTS_M1_REFERENCE_INTERPRETER_H
#define M1_DIALECTS_M1_REFERENCE_INTERPRETER_H

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/Reference/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace m1::reference {

/// Where the values of parameters come from.
class ParameterSource {
public:
  virtual ~ParameterSource() = default;

  /// The value of `Parameter`, of the shape of its type. A failure has been
  /// reported, at the parameter.
  virtual mlir::FailureOr<std::shared_ptr<const Tensor>>
  load(m1::ParameterOp Parameter) = 0;
};

/// What states hold from call to call, by the name of the m1.state.
struct StateStore {
  llvm::StringMap<State> States;
};

/// Runs the function `Entry` of `Module`: m1 operations, arith.constant and
/// calls of functions like it, without control flow. Inputs must have the
/// shapes that the function's types and `m1.dim` attributes ask for; integers
/// where it takes integers. Returns its results. Reports what is wrong as
/// diagnostics; states written before an error stay written.
mlir::FailureOr<llvm::SmallVector<Tensor>>
interpret(mlir::ModuleOp Module, llvm::StringRef Entry,
          llvm::ArrayRef<Tensor> Inputs, ParameterSource &Parameters,
          StateStore &States);

} // namespace m1::reference

#endif // M1_DIALECTS_M1_REFERENCE_INTERPRETER_H
