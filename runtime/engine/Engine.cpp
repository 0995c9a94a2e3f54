//===- Engine.cpp - serves many requests at a time ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Engine.h"

#include "runtime/engine/EngineLoop.h"

#include <cfenv>
#include <thread>

using namespace m1;

Engine::~Engine() = default;

absl::Status m1::checkQueue(const Request &Given, int64_t Queued,
                            int64_t Bound) {
  if (Given.N > Bound)
    return makeError("n: ", Given.N, ", the queue has room for ", Bound);
  if (Queued + Given.N <= Bound)
    return absl::OkStatus();
  return absl::ResourceExhaustedError(concat(
      "the queue is full: ", Queued, " sequences of at most ", Bound, " wait"));
}

namespace {
/// An engine with a thread of its own.
class ThreadedEngine final : public Engine {
public:
  explicit ThreadedEngine(std::unique_ptr<EngineLoop> Requests)
      : Requests(std::move(Requests)), Thread([this] {
          // Threads inherit the floating-point environment, which libraries
          // change.
          std::fesetenv(FE_DFL_ENV);
          // Requests have ended with an error, if there is one.
          this->Requests->run().IgnoreError();
        }) {}
  ~ThreadedEngine() override { stop(); }

  absl::StatusOr<uint64_t> submit(Request Given,
                                  UpdateFunction OnUpdate) override {
    return Requests->submit(std::move(Given), std::move(OnUpdate));
  }
  void abort(uint64_t Id) override { Requests->abort(Id); }
  void drain() override { Requests->drain(); }
  void stop() override {
    Requests->stop();
    std::lock_guard Lock(Joining);
    if (Thread.joinable())
      Thread.join();
  }
  EngineStats stats() const override { return Requests->stats(); }
  absl::Status failure() const override { return Requests->failure(); }
  const Abilities &abilities() const override { return Requests->abilities(); }
  const EngineOptions &options() const override { return Requests->options(); }

private:
  const std::unique_ptr<EngineLoop> Requests;
  std::mutex Joining;
  std::thread Thread;
};
} // namespace

absl::StatusOr<std::unique_ptr<Engine>>
Engine::create(Executor &Program, const EngineOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<EngineLoop> Requests,
                      EngineLoop::create(Program, Options));
  return std::make_unique<ThreadedEngine>(std::move(Requests));
}
