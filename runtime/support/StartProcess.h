//===- StartProcess.h - starts a program ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_STARTPROCESS_H
#define M1C_RUNTIME_SUPPORT_STARTPROCESS_H

#include "runtime/support/Error.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace m1 {

/// What a program starts with. It gets copies of the descriptors.
struct ProcessSettings {
  int Input = -1; ///< its standard input; -1: it is empty
  int Output, Errors;
  std::string Directory = ""; ///< empty: the current one
};

/// Starts `Command`, a program, which is looked for in PATH, and its arguments,
/// in a process group of its own: a Ctrl-C does not reach it. Signals that this
/// process ignores or blocks for itself are as usual there. "cannot start
/// 'PROGRAM': REASON" if that fails.
absl::StatusOr<pid_t> startProcess(const std::vector<std::string> &Command,
                                   const ProcessSettings &Settings);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_STARTPROCESS_H
