//===- Checks.h - what a call's inputs must hold to -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_SESSION_CHECKS_H
#define M1_RUNTIME_SESSION_CHECKS_H

#include "runtime/session/Executor.h"

#include <span>

namespace m1 {

/// Checks the elements of a call's inputs against the function's `checks`,
/// which its kernels rely on: without it they would reach beyond their memory.
/// `Symbols` are those that Executor::bindSymbols found for the same inputs. An
/// error names the input and the element, what was found and what was expected.
absl::Status checkElements(const plan::Function &Function,
                           std::span<const HostTensor> Inputs,
                           std::span<const int64_t> Symbols);

/// An error where an output that holds tokens names a logit that is damaged.
absl::Status checkDrawn(const plan::Function &Function,
                        std::span<const HostTensor> Outputs);

} // namespace m1

#endif // M1_RUNTIME_SESSION_CHECKS_H
