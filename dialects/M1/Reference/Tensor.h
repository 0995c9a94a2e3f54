//===- Tensor.h - values of the reference interpreter -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_REFERENCE_TENSOR_H
#define M1C_DIALECTS_M1_REFERENCE_TENSOR_H

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace m1::reference {

/// A row-major tensor of doubles or of 64-bit integers. Values are never
/// rounded to the element type of the module.
struct Tensor {
  std::vector<int64_t> Shape;
  std::vector<double> Reals;     ///< empty in a tensor of integers
  std::vector<int64_t> Integers; ///< empty in a tensor of floats
  bool IsInteger = false;

  /// Zero-initialised.
  static Tensor reals(std::vector<int64_t> Shape) {
    Tensor Result{std::move(Shape), {}, {}, false};
    Result.Reals.resize(Result.size());
    return Result;
  }

  /// Zero-initialised.
  static Tensor integers(std::vector<int64_t> Shape) {
    Tensor Result{std::move(Shape), {}, {}, true};
    Result.Integers.resize(Result.size());
    return Result;
  }

  int64_t size() const {
    int64_t Product = 1;
    for (int64_t Extent : Shape)
      Product *= Extent;
    return Product;
  }

  /// The values at index `I` of axis 0.
  const double *row(int64_t I) const { return Reals.data() + I * rowSize(); }
  double *row(int64_t I) { return Reals.data() + I * rowSize(); }

  /// The number of values for each index of axis 0.
  int64_t rowSize() const {
    int64_t Product = 1;
    for (size_t Axis = 1; Axis < Shape.size(); ++Axis)
      Product *= Shape[Axis];
    return Product;
  }
};

/// The state of one attention layer for one slot.
struct SlotState {
  int64_t Length = 0; ///< tokens so far, which is the next position
  /// Lightning attention: S [H, d, d] after those tokens.
  std::vector<double> S;
  /// A tensor state, which is that of slot 0: its elements.
  std::vector<double> Elements;
  /// Softmax attention: the keys and values of those tokens, [Length, G, d].
  std::vector<double> Keys, Values;
};

/// The value of an m1 state by slot; unused slots are absent. Values are
/// immutable: an attention op makes a new one, which shares the slots that its
/// batch does not use.
using State = std::map<int64_t, std::shared_ptr<const SlotState>>;

} // namespace m1::reference

#endif // M1C_DIALECTS_M1_REFERENCE_TENSOR_H
