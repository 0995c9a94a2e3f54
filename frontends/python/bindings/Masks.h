//===- Masks.h - masks from Python functions --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_PYTHON_BINDINGS_MASKS_H
#define M1C_FRONTENDS_PYTHON_BINDINGS_MASKS_H

#include "runtime/engine/Request.h"

#include <nanobind/nanobind.h>

namespace m1::python {

/// A mask that calls a Python function, as `Request.mask_with` describes it.
/// May be copied, called and destroyed on any thread, with the GIL or without.
MaskFunction masksFrom(nanobind::callable Function);

} // namespace m1::python

#endif // M1C_FRONTENDS_PYTHON_BINDINGS_MASKS_H
