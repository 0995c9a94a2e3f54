//===- Module.cpp - the extension module m1c._runtime ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Engine.h"
#include "frontends/python/bindings/Program.h"

#include "runtime/support/ProjectVersion.h"

#include <nanobind/nanobind.h>

NB_MODULE(_runtime, Module) {
  Module.doc() = "The runtime of m1c: plans, and an engine for requests. "
                 "The package m1c has what users need.";
  Module.attr("version") = m1::kProjectVersion;
  m1::python::defineProgram(Module);
  m1::python::defineEngine(Module);
}
