//===- Exceptions.h - exceptions that nothing handles -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The project's code reports errors with absl::Status and throws nothing, but
// the standard library throws where memory or threads are refused.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_EXCEPTIONS_H
#define M1C_RUNTIME_SUPPORT_EXCEPTIONS_H

#include <string>

namespace m1 {

/// The exception that is being handled, in words: "out of memory", or its
/// what(). Call it in a catch clause.
std::string describeException();

/// From here on, an exception that nothing handles, in whatever thread, ends
/// the process as an error does: with the line "PROGRAM: error: ..." on stderr
/// and exit code 1. `Program` must outlive the process.
void reportUncaughtExceptions(const char *Program);

/// Until `reportUncaughtExceptions` is called, a lack of memory ends the
/// process with such a line. For an initializer of a program that comes before
/// all others: the standard library may have had no memory to set aside for
/// exceptions.
void reportEarlyLackOfMemory();

/// Ends the process with the line "PROGRAM: error: ", `Kind` and `Reason` on
/// stderr, exit code 1 and no temporary files. Allocates nothing and runs no
/// destructors: memory may be exhausted, and other threads may still use what
/// destructors would destroy.
[[noreturn]] void endProcess(const char *Kind, const char *Reason = "");

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_EXCEPTIONS_H
