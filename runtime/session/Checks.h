//===- Checks.h - checks of inputs and drawn tokens -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_CHECKS_H
#define M1C_RUNTIME_SESSION_CHECKS_H

#include "runtime/plan/Plan.h"
#include "runtime/session/HostTensor.h"

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace m1 {

/// Checks the elements of a call's inputs against the function's `checks`.
/// Kernels rely on them: they index memory by elements of inputs. `Symbols` are
/// those of the same inputs (Signature.h). Errors name the input and the
/// element, what was found and what was expected.
class ElementChecker {
public:
  absl::Status check(const plan::Function &Function,
                     std::span<const HostTensor> Inputs,
                     std::span<const int64_t> Symbols);

private:
  /// Scratch memory: elements of a row with their indices.
  std::vector<std::pair<int32_t, size_t>> Row;
};

/// The error for a value, `What`, of a token that is not finite; `Where` is
/// empty or like " at index 3". It is a "data loss" error, unlike all others:
/// the other values of a call that returns it are valid.
absl::Status notFinite(std::string_view What, int64_t Token,
                       std::string_view Where = "");

/// Reports sampling from logits that are not finite: outputs in
/// `Function.drawn` then hold -1 - t, where t is a token with such a logit.
absl::Status checkDrawn(const plan::Function &Function,
                        std::span<const HostTensor> Outputs);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_CHECKS_H
