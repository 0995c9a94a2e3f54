//===- Failures.h - one line where a library would abort --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_FAILURES_H
#define M1C_TOOLS_FAILURES_H

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <cstring>
#include <exception>
#include <unistd.h>

namespace m1 {

namespace detail {
inline const char *FailingProgram = "";

/// Ends the process with an error of one line and exit code 1. Allocates
/// nothing and runs no destructors: memory may be exhausted.
[[noreturn]] inline void endProcess(const char *Why, const char *More = "") {
  for (const char *Part : {FailingProgram, ": error: ", Why, More, "\n"})
    if (::write(STDERR_FILENO, Part, std::strlen(Part)) < 0)
      break;
  llvm::sys::RunInterruptHandlers(); // removes temporary files
  ::_exit(1);
}
} // namespace detail

/// Makes the failures for which LLVM and the standard library abort end the
/// program with one line: memory that cannot be had, an error that LLVM
/// declares fatal, an exception, which these programs do not catch. `Program`
/// is a literal. Call it after InitLLVM.
inline void reportFailuresBriefly(const char *Program) {
  detail::FailingProgram = Program;
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { detail::endProcess("out of memory"); });
  llvm::install_fatal_error_handler([](void *, const char *Reason, bool) {
    detail::endProcess("LLVM: ", Reason);
  });
  // The exceptions of the standard library's containers.
  std::set_terminate([] { detail::endProcess("out of memory"); });
}

} // namespace m1

#endif // M1C_TOOLS_FAILURES_H
