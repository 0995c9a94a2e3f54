//===- Program.h - a plan's functions for Python ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_PYTHON_BINDINGS_PROGRAM_H
#define M1C_FRONTENDS_PYTHON_BINDINGS_PROGRAM_H

#include "runtime/session/Session.h"

#include <nanobind/nanobind.h>
#include <string>

namespace m1::python {

/// What `Program` and `Engine` take beside plan and weights.
struct OpenOptions {
  std::string Device;
  unsigned Threads = 0;
  uint64_t Seed = 0;
};

/// Opens a plan for one process. Holds no GIL while it loads.
std::unique_ptr<Session> openSession(const std::string &Plan,
                                     const std::string &Weights,
                                     const OpenOptions &Options);

/// A plan's facts as a dictionary: model, functions, symbols.
nanobind::dict describePlan(const LoadedPlan &Plan);

void defineProgram(nanobind::module_ &Module);

} // namespace m1::python

#endif // M1C_FRONTENDS_PYTHON_BINDINGS_PROGRAM_H
