//===- RemoteEngine.h - an engine in other processes ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REMOTE_REMOTEENGINE_H
#define M1C_RUNTIME_ENGINE_REMOTE_REMOTEENGINE_H

#include "runtime/engine/Engine.h"
#include "runtime/engine/remote/BackgroundCommand.h"
#include "runtime/engine/remote/MessageSocket.h"
#include "runtime/engine/remote/Protocol.h"

#include <condition_variable>
#include <map>
#include <thread>

namespace m1 {

/// An engine whose ranks are processes of their own, which this one starts and
/// ends. It is no rank itself: it needs no MPI, and outlives a rank that fails.
/// If this process ends, however, so do the ranks.
class RemoteEngine final : public Engine {
public:
  struct StartOptions {
    /// `m1run engine PLAN ...`, or a launcher with that; the option --connect
    /// is appended.
    std::vector<std::string> Command;
    /// Called every now and then while the ranks load weights; an error from it
    /// ends them. May be empty.
    std::function<absl::Status()> WhileStarting;
    /// Called on another thread with each line that the processes write.
    std::function<void(const std::string &)> OnLine;
  };
  /// Starts the ranks, and returns when they are ready. What prevents it is the
  /// error, one line.
  static absl::StatusOr<std::unique_ptr<RemoteEngine>>
  start(const StartOptions &Options);
  ~RemoteEngine() override;

  absl::StatusOr<uint64_t> submit(Request Given,
                                  UpdateFunction OnUpdate) override;
  void abort(uint64_t Id) override;
  void drain() override;
  void stop() override;
  EngineStats stats() const override;
  absl::Status failure() const override;
  const Abilities &abilities() const override { return Facts.Plan; }
  const EngineOptions &options() const override { return Facts.Options; }
  /// The ranks' device, in words.
  const std::string &device() const { return Facts.Device; }

private:
  /// A request that has not ended.
  struct Open {
    std::shared_ptr<UpdateFunction> OnUpdate;
    std::shared_ptr<MaskFunction> NextMask;
    std::vector<bool> HasEnded; ///< by choice
    Times::Point Arrival;
  };

  RemoteEngine() = default;
  absl::Status connect(const StartOptions &Options);
  absl::Status refuse() const;
  void read();
  bool obey(std::string_view Message, absl::Status &Why);
  void deliver(Update &&News);
  void answer(const remote::MaskCall &Call);
  void endAll(const absl::Status &Why);

  std::unique_ptr<BackgroundCommand> Ranks;
  std::unique_ptr<MessageSocket> Connection;
  remote::Hello Facts;

  mutable std::mutex Mutex;
  std::condition_variable Changed;
  // What follows is guarded by `Mutex`.
  std::map<uint64_t, Open> Requests;
  uint64_t LastId = 0;
  int64_t Sequences = 0; ///< of all requests so far
  bool Refuses = false, Stops = false, IsOver = false;
  absl::Status Failure;
  EngineStats Latest;

  std::mutex Joining;
  std::thread Reader;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_REMOTE_REMOTEENGINE_H
