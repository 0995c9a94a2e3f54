//===- Masks.cpp - masks from Python functions ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Masks.h"

#include "runtime/support/Error.h"

#include <cstring>
#include <string>

namespace nb = nanobind;
using namespace m1;

namespace {
/// "ValueError: the text", in one line.
std::string describe(const nb::python_error &Error) {
  std::string Text = nb::type_name(Error.type()).c_str();
  try {
    Text += concat(": ", nb::str(Error.value()).c_str());
  } catch (nb::python_error &) {
    // Its text cannot be had.
  }
  return Text.substr(0, Text.find('\n'));
}

absl::StatusOr<Permit> permitOf(const nb::object &Found,
                                std::span<uint32_t> Words) {
  if (Found.is_none())
    return Permit::Any;
  if (Found.ptr() == Py_False)
    return Permit::End;
  if (!nb::isinstance<nb::bytes>(Found))
    return makeError("next_mask: expected None, False or bytes, found ",
                     nb::type_name(Found.type()).c_str());
  const auto Bytes = nb::borrow<nb::bytes>(Found);
  if (Bytes.size() != Words.size_bytes())
    return makeError("next_mask: expected ", Words.size_bytes(),
                     " bytes, found ", Bytes.size());
  std::memcpy(Words.data(), Bytes.data(), Bytes.size());
  return Permit::Listed;
}
} // namespace

MaskFunction python::masksFrom(nb::callable Given) {
  const std::shared_ptr<PyObject> Function(
      Given.release().ptr(), [](PyObject *Last) {
        // Nothing is left to do where the interpreter has ended.
        if (const nb::detail::cleanup_guard Locked{})
          Py_DECREF(Last);
      });
  return [Function](int32_t Choice, std::span<const int64_t> New,
                    std::span<uint32_t> Words) -> absl::StatusOr<Permit> {
    const nb::gil_scoped_acquire Locked;
    try {
      nb::list Tokens;
      for (int64_t Token : New)
        Tokens.append(Token);
      return permitOf(nb::handle(Function.get())(Choice, Tokens), Words);
    } catch (nb::python_error &Error) {
      return makeError("next_mask: ", describe(Error));
    }
  };
}
