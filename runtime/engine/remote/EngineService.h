//===- EngineService.h - an engine for another process ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REMOTE_ENGINESERVICE_H
#define M1C_RUNTIME_ENGINE_REMOTE_ENGINESERVICE_H

#include "runtime/engine/EngineLoop.h"
#include "runtime/engine/remote/MessageSocket.h"
#include "runtime/engine/remote/Protocol.h"

#include <map>
#include <memory>
#include <thread>

namespace m1 {

/// The engine's side of a RemoteEngine: takes its requests, and sends news. It
/// makes the engine's thread wait for the client only where a request has
/// masks.
class EngineService {
public:
  /// From now on, the process ends with an error if the client goes away before
  /// `serve` is called: it may be loading weights, for nobody.
  explicit EngineService(std::unique_ptr<MessageSocket> Client);
  ~EngineService();

  /// Tells the client that the engine is ready, and runs it on this thread
  /// until the client stops it or goes away. Returns EngineLoop::run's error,
  /// of which the client has been told.
  absl::Status serve(EngineLoop &Requests, const std::string &Device);

private:
  /// A request that has not ended.
  struct Known {
    uint64_t Id;  ///< the engine's
    int32_t Open; ///< choices that have not ended
  };

  void read();
  absl::Status obey(EngineLoop &Engine, std::string_view Message);
  void submit(EngineLoop &Engine, remote::Submit Given);
  void take(uint64_t Id, Update &&News);
  absl::StatusOr<Permit> ask(remote::MaskCall Call, std::span<uint32_t> Words);
  void write();
  void post(std::string Message);

  const std::unique_ptr<MessageSocket> Client;
  std::mutex Mutex;
  std::condition_variable Changed;
  // What follows is guarded by `Mutex`.
  EngineLoop *Served = nullptr;
  bool IsClosing = false, IsGone = false; ///< the service; the client
  std::optional<Mask> Answer;             ///< to the last MaskCall
  std::vector<std::string> Outbox;        ///< messages to be written
  std::vector<Update> Updates;            ///< of the step
  std::map<uint64_t, Known> Requested;    ///< by the client's numbers

  std::thread Reader, Writer;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_REMOTE_ENGINESERVICE_H
