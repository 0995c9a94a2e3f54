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
#include "runtime/support/Printable.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

namespace m1 {

/// Makes the failures for which LLVM and the standard library abort end the
/// program with one line and without temporary files: memory that cannot be
/// had, an error that LLVM declares fatal, an exception, which these programs
/// do not catch. `Program` is a literal. Call it after InitLLVM, which makes a
/// lack of memory LLVM's error.
inline void reportFailuresBriefly(const char *Program) {
  reportUncaughtExceptions(Program, llvm::sys::RunInterruptHandlers);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { endProcess(kOutOfMemory); });
  llvm::install_fatal_error_handler([](void *, const char *Reason, bool) {
    endProcess("LLVM: ", printable(Reason).c_str());
  });
}

} // namespace m1

#endif // M1C_TOOLS_FAILURES_H
