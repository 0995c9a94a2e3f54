//===- Exceptions.cpp - exceptions that nothing handles -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Exceptions.h"

#include "runtime/support/Printable.h"
#include "runtime/support/Temporaries.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <new>
#include <stdexcept>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

using namespace m1;

namespace {
constexpr const char *OutOfMemory = "out of memory";

const char *ProgramName = "m1";

/// Without the memory for an exception, std::terminate is called instead of
/// throwing std::bad_alloc.
bool isMemoryExhausted() {
  void *volatile Probe = std::malloc(1 << 16); // not optimised away
  std::free(Probe);
  return !Probe;
}

[[noreturn]] void onTerminate() {
  if (!std::current_exception())
    endProcess(isMemoryExhausted()
                   ? OutOfMemory
                   : "internal error: std::terminate without an exception");
  try {
    throw;
  } catch (const std::bad_alloc &) {
    endProcess(OutOfMemory);
  } catch (...) {
    endProcess(describeException().c_str());
  }
}
} // namespace

std::string m1::describeException() {
  try {
    throw;
  } catch (const std::bad_alloc &) {
    return OutOfMemory;
  } catch (const std::length_error &Error) {
    return std::string(OutOfMemory) + ": " + printable(Error.what());
  } catch (const std::system_error &Error) {
    // The one that std::thread throws says nothing else.
    const bool IsThread =
        Error.code() == std::errc::resource_unavailable_try_again;
    return (IsThread ? "cannot start a thread: " : "") +
           printable(Error.what());
  } catch (const std::exception &Error) {
    return printable(Error.what());
  } catch (...) {
    return "internal error: an exception of an unknown type";
  }
}

void m1::reportUncaughtExceptions(const char *Program) {
  ProgramName = Program;
  std::set_terminate(onTerminate);
  std::set_new_handler(nullptr);
}

void m1::reportEarlyLackOfMemory() {
  ProgramName = program_invocation_short_name;
  std::set_new_handler([] { endProcess(OutOfMemory); });
}

void m1::endProcess(const char *Kind, const char *Reason) {
  // Of several threads that fail at once, one reports it.
  static std::atomic_flag Failing = ATOMIC_FLAG_INIT;
  if (Failing.test_and_set())
    for (;;)
      ::pause();
  removeOwnTemporaries();
  const char *Parts[] = {ProgramName, ": error: ", Kind, Reason, "\n"};
  iovec Line[std::size(Parts)];
  for (size_t I = 0; I < std::size(Parts); ++I)
    Line[I] = {const_cast<char *>(Parts[I]), std::strlen(Parts[I])};
  [[maybe_unused]] ssize_t Written =
      ::writev(STDERR_FILENO, Line, std::size(Line));
  ::_exit(1);
}
