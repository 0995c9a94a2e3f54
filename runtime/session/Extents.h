//===- Extents.h - whether arguments stay inside tensors --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_EXTENTS_H
#define M1C_RUNTIME_SESSION_EXTENTS_H

#include "runtime/plan/Plan.h"

#include <span>
#include <string_view>
#include <vector>

namespace m1 {

/// The extent of an argument in bytes; a negative size counts as 0 (plan.fbs).
uint64_t extentOf(const plan::Expr &Bytes, std::span<const int64_t> Symbols);

/// Bytes that a rank adds to an argument's offset.
int64_t shiftOf(const plan::Arg &Arg, std::span<const int64_t> Symbols);

/// An argument that points into an input or output.
struct TensorArgument {
  const plan::Step *Step;
  const plan::Arg *Arg;
  const plan::Tensor *Tensor;
  std::string_view What, Source; ///< the kernel, "copy" or "collective"
};

/// The arguments of a function's steps that could exceed their input or output
/// for some values of the symbols. The verifier has checked all arguments at
/// the symbols' bounds, but inputs and outputs, unlike arenas, shrink with the
/// symbols. Usually all sizes are linear in one symbol, and the result is
/// empty.
std::vector<TensorArgument> unprovenArguments(const plan::Plan &Plan,
                                              const plan::Function &Function);

/// An error if an argument of a step that is executed exceeds its tensor for
/// these symbols.
absl::Status checkArguments(std::span<const TensorArgument> Arguments,
                            std::span<const int64_t> Symbols);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_EXTENTS_H
