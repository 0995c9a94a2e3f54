//===- Process.cpp - what a process needs before anything else ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Process.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

using namespace m1;

static bool Ignored[NSIG];

/// Opens the standard descriptors that are closed. A new descriptor has the
/// lowest free number.
static void openStandardDescriptors() {
  // The opposite of the usual direction makes reads and writes fail, as they do
  // on a closed descriptor: output that nobody can get is an error. LLVM takes
  // a failing standard error for a defect.
  constexpr int Modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int Number = STDIN_FILENO; Number <= STDERR_FILENO; ++Number)
    if (::fcntl(Number, F_GETFD) < 0 &&
        ::open("/dev/null", Modes[Number]) != Number)
      ::_exit(EXIT_FAILURE);
}

void m1::prepareProcess() {
  openStandardDescriptors();
  struct sigaction Action;
  for (int Signal = 1; Signal < NSIG; ++Signal)
    Ignored[Signal] = ::sigaction(Signal, nullptr, &Action) == 0 &&
                      Action.sa_handler == SIG_IGN;
  Ignored[SIGXFSZ] = true;
  keepIgnoredSignals();
}

void m1::keepIgnoredSignals() {
  for (int Signal = 1; Signal < NSIG; ++Signal)
    if (Ignored[Signal])
      std::signal(Signal, SIG_IGN);
}
