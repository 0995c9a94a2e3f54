//===- MessageSocket.h - messages between two processes ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REMOTE_MESSAGESOCKET_H
#define M1C_RUNTIME_ENGINE_REMOTE_MESSAGESOCKET_H

#include "runtime/support/Error.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace m1 {

/// One end of a connection between two processes of a machine.
class MessageSocket {
public:
  /// Takes over a connected socket.
  explicit MessageSocket(int Descriptor) : Descriptor(Descriptor) {}
  ~MessageSocket();
  MessageSocket(const MessageSocket &) = delete;
  MessageSocket &operator=(const MessageSocket &) = delete;

  /// Connects to a process that listens at `Path`.
  static absl::StatusOr<std::unique_ptr<MessageSocket>>
  connect(const std::string &Path);

  /// Sends a message; may be called on any thread. Waits while the other end
  /// does not read. An error if the connection has ended.
  absl::Status send(std::string_view Message);
  /// The next message, or nothing when the other end has ended the connection.
  /// One thread at a time. An error if the connection broke.
  absl::StatusOr<std::optional<std::string>> receive();
  /// Whether there is something to receive, or the connection has ended; waits
  /// for it at most so long.
  bool isReady(std::chrono::milliseconds Longest) const;
  /// Ends the connection: the other end, and `receive` here, see its end.
  void end();

private:
  absl::StatusOr<bool> read(char *To, size_t Size);

  const int Descriptor;
  std::mutex Sending;
};

/// A place in the file system at which another process of this user connects.
class Listener {
public:
  /// Makes a directory for it, which nobody else can look into.
  static absl::StatusOr<std::unique_ptr<Listener>> create();
  ~Listener();
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;

  const std::string &path() const { return Path; }
  /// The connection, or null if none comes within the time.
  absl::StatusOr<std::unique_ptr<MessageSocket>>
  accept(std::chrono::milliseconds Longest);

private:
  Listener() = default;
  std::string Directory, Path;
  int Descriptor = -1;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_REMOTE_MESSAGESOCKET_H
