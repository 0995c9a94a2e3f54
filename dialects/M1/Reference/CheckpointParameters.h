//===- CheckpointParameters.h - parameters from safetensors -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_DIALECTS_M1_REFERENCE_CHECKPOINTPARAMETERS_H
#define M1_DIALECTS_M1_REFERENCE_CHECKPOINTPARAMETERS_H

#include "dialects/M1/Reference/Interpreter.h"
#include "runtime/weights/Checkpoint.h"

namespace m1::reference {

/// Reads parameters from the tensors that their sources name, which must have
/// the element type and the shape that the parameter's type asks for, and
/// widens them to doubles.
class CheckpointParameters : public ParameterSource {
public:
  /// Without a checkpoint every load is an error.
  explicit CheckpointParameters(std::unique_ptr<Checkpoint> Weights)
      : Weights(std::move(Weights)) {}

  mlir::FailureOr<std::shared_ptr<const Tensor>>
  load(m1::ParameterOp Parameter) override;

private:
  mlir::LogicalResult read(m1::ParameterOp Parameter, m1::SourceAttr Source,
                           llvm::ArrayRef<int64_t> Shape, double *To);

  std::unique_ptr<Checkpoint> Weights;
  /// Parameters converted before, as long as they are small in all; the rest
  /// are converted at each use.
  llvm::StringMap<std::shared_ptr<const Tensor>> Cache;
  int64_t CachedBytes = 0;
};

} // namespace m1::reference

#endif // M1_DIALECTS_M1_REFERENCE_CHECKPOINTPARAMETERS_H
