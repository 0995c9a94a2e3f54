//===- Failures.h - one line where a library would abort --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_FAILURES_H
#define M1C_TOOLS_FAILURES_H

#include "runtime/support/Exceptions.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include <exception>
#include <new>

namespace m1 {

namespace detail {
/// Removes temporary files, and ends the process with an error of one line.
[[noreturn]] inline void fail(const char *Kind, const char *Reason = "") {
  llvm::sys::RunInterruptHandlers();
  endProcess(Kind, Reason);
}
} // namespace detail

/// Makes the failures for which LLVM and the standard library abort end the
/// program with one line on stderr, exit code 1 and no temporary files: a lack
/// of memory, an error that LLVM declares fatal, an exception, which these
/// programs do not catch. Call it after InitLLVM, which also sets handlers.
inline void reportFailuresBriefly(llvm::StringLiteral Program) {
  reportUncaughtExceptions(Program.data());
  static std::terminate_handler Report = std::get_terminate();
  std::set_terminate([] {
    llvm::sys::RunInterruptHandlers();
    Report();
  });
  std::set_new_handler([] { detail::fail("out of memory"); });
  llvm::remove_bad_alloc_error_handler();
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { detail::fail("out of memory"); });
  llvm::install_fatal_error_handler(
      [](void *, const char *Reason, bool) { detail::fail("LLVM: ", Reason); });
}

} // namespace m1

#endif // M1C_TOOLS_FAILURES_H
