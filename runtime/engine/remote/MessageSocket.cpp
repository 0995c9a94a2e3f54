//===- MessageSocket.cpp - messages between two processes -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/MessageSocket.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace m1;

namespace {
absl::StatusOr<sockaddr_un> addressOf(const std::string &Path) {
  sockaddr_un Address = {};
  Address.sun_family = AF_UNIX;
  if (Path.empty() || Path.size() >= sizeof Address.sun_path)
    return makeError("the socket '", Path, "': expected a path of 1 to ",
                     sizeof Address.sun_path - 1, " bytes");
  std::memcpy(Address.sun_path, Path.c_str(), Path.size() + 1);
  return Address;
}

bool waitFor(int Descriptor, std::chrono::milliseconds Longest) {
  pollfd Event{Descriptor, POLLIN, 0};
  return ::poll(&Event, 1, static_cast<int>(Longest.count())) > 0;
}
} // namespace

MessageSocket::~MessageSocket() { ::close(Descriptor); }

absl::StatusOr<std::unique_ptr<MessageSocket>>
MessageSocket::connect(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(sockaddr_un Address, addressOf(Path));
  const int Descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto Result = std::make_unique<MessageSocket>(Descriptor);
  if (Descriptor < 0 ||
      ::connect(Descriptor, reinterpret_cast<const sockaddr *>(&Address),
                sizeof Address) != 0)
    return makeError("cannot connect to ", Path, ": ", std::strerror(errno));
  return Result;
}

absl::Status MessageSocket::send(std::string_view Message) {
  const uint64_t Size = Message.size();
  std::lock_guard Lock(Sending);
  for (std::string_view Part :
       {std::string_view(reinterpret_cast<const char *>(&Size), sizeof Size),
        Message})
    while (!Part.empty()) {
      const ssize_t Count =
          ::send(Descriptor, Part.data(), Part.size(), MSG_NOSIGNAL);
      if (Count < 0 && errno == EINTR)
        continue;
      if (Count < 0)
        return makeError("cannot send: ", std::strerror(errno));
      Part.remove_prefix(Count);
    }
  return absl::OkStatus();
}

/// False at the end of the connection.
absl::StatusOr<bool> MessageSocket::read(char *To, size_t Size) {
  while (Size > 0) {
    const ssize_t Count = ::recv(Descriptor, To, Size, 0);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count == 0 || (Count < 0 && errno == ECONNRESET))
      return false;
    if (Count < 0)
      return makeError("cannot receive: ", std::strerror(errno));
    To += Count;
    Size -= Count;
  }
  return true;
}

absl::StatusOr<std::optional<std::string>> MessageSocket::receive() {
  uint64_t Size = 0;
  M1_ASSIGN_OR_RETURN(bool IsThere,
                      read(reinterpret_cast<char *>(&Size), sizeof Size));
  std::string Message;
  // In pieces: a size that is wrong takes no more memory than what comes.
  constexpr uint64_t Piece = uint64_t(1) << 20;
  while (IsThere && Message.size() < Size) {
    const size_t Before = Message.size();
    Message.resize(Before + std::min(Size - Before, Piece));
    M1_ASSIGN_OR_RETURN(IsThere,
                        read(Message.data() + Before, Message.size() - Before));
  }
  if (!IsThere)
    return std::optional<std::string>();
  return Message;
}

bool MessageSocket::isReady(std::chrono::milliseconds Longest) const {
  return waitFor(Descriptor, Longest);
}

void MessageSocket::end() { ::shutdown(Descriptor, SHUT_RDWR); }

absl::StatusOr<std::unique_ptr<Listener>> Listener::create() {
  std::unique_ptr<Listener> Result(new Listener);
  // A short path: addresses are not longer than 107 bytes.
  std::string Name = "/tmp/m1-XXXXXX";
  if (!::mkdtemp(Name.data()))
    return makeError("cannot make a directory in /tmp: ", std::strerror(errno));
  Result->Directory = Name;
  Result->Path = Name + "/engine";
  M1_ASSIGN_OR_RETURN(sockaddr_un Address, addressOf(Result->Path));
  Result->Descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (Result->Descriptor < 0 ||
      ::bind(Result->Descriptor, reinterpret_cast<const sockaddr *>(&Address),
             sizeof Address) != 0 ||
      ::listen(Result->Descriptor, 1) != 0)
    return makeError("cannot listen at ", Result->Path, ": ",
                     std::strerror(errno));
  return Result;
}

Listener::~Listener() {
  if (Descriptor >= 0)
    ::close(Descriptor);
  if (!Path.empty())
    ::unlink(Path.c_str());
  if (!Directory.empty())
    ::rmdir(Directory.c_str());
}

absl::StatusOr<std::unique_ptr<MessageSocket>>
Listener::accept(std::chrono::milliseconds Longest) {
  if (!waitFor(Descriptor, Longest))
    return std::unique_ptr<MessageSocket>();
  const int Connected = ::accept4(Descriptor, nullptr, nullptr, SOCK_CLOEXEC);
  if (Connected < 0)
    return makeError("cannot accept a connection at ", Path, ": ",
                     std::strerror(errno));
  return std::make_unique<MessageSocket>(Connected);
}
