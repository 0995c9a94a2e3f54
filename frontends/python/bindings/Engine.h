//===- Engine.h - the engine for Python -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_PYTHON_BINDINGS_ENGINE_H
#define M1C_FRONTENDS_PYTHON_BINDINGS_ENGINE_H

#include <nanobind/nanobind.h>

namespace m1::python {

void defineEngine(nanobind::module_ &Module);

} // namespace m1::python

#endif // M1C_FRONTENDS_PYTHON_BINDINGS_ENGINE_H
