//===- Errors.h - statuses as Python exceptions -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_PYTHON_BINDINGS_ERRORS_H
#define M1C_FRONTENDS_PYTHON_BINDINGS_ERRORS_H

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <nanobind/nanobind.h>
#include <utility>

namespace m1::python {

/// Raises the exception for an error: a class of m1c.errors. Needs the GIL.
[[noreturn]] void raise(const absl::Status &Error);

inline void check(const absl::Status &Status) {
  if (!Status.ok())
    raise(Status);
}
/// The value, or its error as an exception.
template <typename T> T check(absl::StatusOr<T> Value) {
  check(Value.status());
  return std::move(*Value);
}

} // namespace m1::python

#endif // M1C_FRONTENDS_PYTHON_BINDINGS_ERRORS_H
