//===- Errors.cpp - statuses as Python exceptions -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Errors.h"

#include <string>

namespace nb = nanobind;
using namespace m1;

namespace {
/// The class of m1c.errors for an error.
const char *nameOf(absl::StatusCode Code) {
  switch (Code) {
  case absl::StatusCode::kDataLoss:
    return "NotFinite";
  case absl::StatusCode::kResourceExhausted:
    return "QueueFull";
  case absl::StatusCode::kUnavailable:
  case absl::StatusCode::kFailedPrecondition:
  case absl::StatusCode::kCancelled:
    return "Stopped";
  default:
    return "Error";
  }
}
} // namespace

void python::raise(const absl::Status &Error) {
  const nb::object Type =
      nb::module_::import_("m1c.errors").attr(nameOf(Error.code()));
  PyErr_SetString(Type.ptr(), std::string(Error.message()).c_str());
  throw nb::python_error();
}
