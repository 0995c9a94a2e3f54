//===- Mailbox.cpp - updates on their way to Python -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Mailbox.h"

#include "runtime/support/Error.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace m1;
using namespace m1::python;

absl::Status Mailbox::open() {
  Descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (Descriptor < 0)
    return makeError("cannot create an event: ", std::strerror(errno));
  return absl::OkStatus();
}

Mailbox::~Mailbox() {
  if (Descriptor >= 0)
    ::close(Descriptor);
}

void Mailbox::put(Update &&News) {
  const std::lock_guard Lock(Access);
  Updates.push_back(std::move(News));
  if (Updates.size() > 1)
    return;
  // Cannot fail: the counter is at most 1.
  const uint64_t One = 1;
  [[maybe_unused]] ssize_t Written = ::write(Descriptor, &One, sizeof One);
}

std::vector<Update> Mailbox::take() {
  const std::lock_guard Lock(Access);
  // Nothing to read where there are no updates.
  uint64_t Count = 0;
  [[maybe_unused]] ssize_t Read = ::read(Descriptor, &Count, sizeof Count);
  return std::exchange(Updates, {});
}

bool Mailbox::wait(int Milliseconds) const {
  pollfd Event{Descriptor, POLLIN, 0};
  return ::poll(&Event, 1, Milliseconds) >= 0 || errno != EINTR;
}
