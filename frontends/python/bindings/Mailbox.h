//===- Mailbox.h - updates on their way to Python ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_PYTHON_BINDINGS_MAILBOX_H
#define M1C_FRONTENDS_PYTHON_BINDINGS_MAILBOX_H

#include "runtime/engine/Request.h"

#include <mutex>
#include <vector>

namespace m1::python {

/// Where the engine's thread leaves updates: it never waits for Python. A
/// descriptor is readable while there are any, for an event loop or poll(2); it
/// is written to once, however many updates come before they are taken.
class Mailbox {
public:
  /// An error if the process has no more descriptors.
  absl::Status open();
  ~Mailbox();

  int descriptor() const { return Descriptor; }
  void put(Update &&News);
  /// All updates, in the order in which they came.
  std::vector<Update> take();
  /// Waits until there are updates, for so long at most. False if a signal
  /// came.
  bool wait(int Milliseconds) const;

private:
  int Descriptor = -1;
  std::mutex Access;
  std::vector<Update> Updates;
};

} // namespace m1::python

#endif // M1C_FRONTENDS_PYTHON_BINDINGS_MAILBOX_H
