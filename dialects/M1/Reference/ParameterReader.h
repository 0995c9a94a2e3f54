//===- ParameterReader.h - values of parameters -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_PARAMETERREADER_H
#define M1C_DIALECTS_M1_REFERENCE_PARAMETERREADER_H

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/Reference/Tensor.h"
#include "runtime/weights/Checkpoint.h"
#include "llvm/ADT/StringMap.h"
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace m1::reference {

/// The stored tensors that parameters are made of.
class TensorSource {
public:
  virtual ~TensorSource();
  /// The bytes of a tensor, which stay valid until the next call. It is an
  /// error if it does not have this element type and shape.
  virtual absl::StatusOr<std::span<const std::byte>>
  read(std::string_view Name, ElementType Type,
       std::span<const int64_t> Shape) = 0;
};

/// The tensors of a checkpoint.
std::unique_ptr<TensorSource>
checkpointTensors(std::unique_ptr<Checkpoint> Weights);

/// Random values for every tensor: those of `m1run --weights none`.
std::unique_ptr<TensorSource> randomTensors(uint64_t Seed);

/// No tensors: every read is an error.
std::unique_ptr<TensorSource> noTensors();

/// Reads parameters from the tensors that their sources name and widens them to
/// doubles.
class ParameterReader {
public:
  explicit ParameterReader(std::unique_ptr<TensorSource> Tensors)
      : Tensors(std::move(Tensors)) {}

  /// The value of `Parameter` on a rank, of the shape of its type. Errors are
  /// reported at the parameter.
  mlir::FailureOr<std::shared_ptr<const Tensor>> load(m1::ParameterOp Parameter,
                                                      int64_t Rank);
  /// The whole parameter, without regard to `replace`.
  mlir::FailureOr<std::shared_ptr<const Tensor>>
  loadStored(m1::ParameterOp Parameter);
  /// Makes `Now` the value of `Parameter` from here on.
  void replace(m1::ParameterOp Parameter, std::shared_ptr<const Tensor> Now);

private:
  mlir::LogicalResult read(m1::ParameterOp Parameter, m1::SourceAttr Source,
                           llvm::ArrayRef<int64_t> Shape, double *To);

  std::unique_ptr<TensorSource> Tensors;
  /// Parameters that were updated.
  llvm::StringMap<std::shared_ptr<const Tensor>> Replaced;
  /// The first parameters to be loaded, up to a total size. Others are
  /// converted at each use.
  llvm::StringMap<std::shared_ptr<const Tensor>> Cache;
  int64_t CachedBytes = 0;
};

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_PARAMETERREADER_H
