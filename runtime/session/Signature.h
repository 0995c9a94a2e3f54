//===- Signature.h - shapes of a function's tensors -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_SIGNATURE_H
#define M1C_RUNTIME_SESSION_SIGNATURE_H

#include "runtime/plan/Plan.h"
#include "runtime/session/HostTensor.h"

#include <span>
#include <vector>

namespace m1 {

/// Derives the plan's symbols, in the order of Plan.symbols, from the shapes of
/// a function's inputs; 0 for a symbol that the function does not use. Errors:
/// wrong element types, shapes inconsistent with each other or with the plan, a
/// symbol beyond its bound. Allocates nothing on success.
absl::Status bindSymbols(const plan::Plan &Plan, const plan::Function &Function,
                         std::span<const HostTensor> Inputs,
                         std::span<int64_t> Symbols);

/// The shape of an input or output for given symbols.
std::vector<int64_t> shapeOf(const plan::Tensor &Tensor,
                             std::span<const int64_t> Symbols);
uint64_t bytesOf(const plan::Tensor &Tensor, std::span<const int64_t> Symbols);

/// Checks the types and shapes of the outputs that have memory, and that those
/// whose elements are checked after the call (Function.drawn) have some.
/// Allocates nothing on success.
absl::Status checkOutputs(const plan::Function &Function,
                          std::span<const HostTensor> Outputs,
                          std::span<const int64_t> Symbols);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_SIGNATURE_H
