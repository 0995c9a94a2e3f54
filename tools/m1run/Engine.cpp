//===- Engine.cpp - m1run engine: requests of another process -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Commands.h"
#include "tools/m1run/Ranks.h"

#include "runtime/engine/remote/EngineService.h"
#include "runtime/plan/Mesh.h"
#include "runtime/support/MappingFaults.h"

using namespace m1;
using namespace m1::run;

namespace {
struct EngineCommand {
  CommonOptions Common;
  EngineOptions Options;
  std::string Socket;
};

/// The root's part.
absl::Status serve(const EngineCommand &Command, m1::Session &Session,
                   EngineService &Client) {
  Ranks &Job = Ranks::get();
  M1_ASSIGN_OR_RETURN(
      std::unique_ptr<EngineLoop> Requests,
      EngineLoop::create(*Session.Program, Command.Options, Job.transport()));
  std::string Device = Session.TheDevice->description();
  if (Job.count() > 1)
    Device += concat(", on each of ", Job.count(), " ranks (",
                     describeMesh(**Session.Plan), ")");
  return Client.serve(*Requests, Device);
}

absl::Status runEngine(const EngineCommand &Command) {
  Ranks &Job = Ranks::get();
  std::unique_ptr<EngineService> Client;
  auto connect = [&]() -> absl::Status {
    if (!Job.isRoot())
      return absl::OkStatus();
    M1_ASSIGN_OR_RETURN(std::unique_ptr<MessageSocket> Connection,
                        MessageSocket::connect(Command.Socket));
    Client = std::make_unique<EngineService>(std::move(Connection));
    return absl::OkStatus();
  };
  M1_RETURN_IF_ERROR(Job.agree(connect()));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      loadPlan(Command.Common));
  M1_RETURN_IF_ERROR(Job.agree(checkEngineMesh(*Plan)));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<m1::Session> Session,
                      openSession(std::move(Plan), Command.Common));
  absl::Status Done =
      Job.isRoot()
          ? serve(Command, *Session, *Client)
          : followEngine(*Session->Program, Command.Options, *Job.transport());
  Done.Update(checkMappings());
  if (Done.ok())
    M1_RETURN_IF_ERROR(printProfile(*Session));
  return isOfAllRanks(Done) ? Job.agreed(Done) : Done;
}
} // namespace

void run::addEngine(CLI::App &App, Action &Chosen) {
  auto Command = std::make_shared<EngineCommand>();
  EngineOptions &Options = Command->Options;
  CLI::App *Sub = App.add_subcommand(
      "engine", "Run requests of another process, which starts this: m1 serve "
                "on several ranks");
  Command->Common.addTo(*Sub, /*WeightsRequired=*/true);
  Sub->add_option("--connect", Command->Socket,
                  "the socket at which that process waits, on the machine of "
                  "rank 0")
      ->required()
      ->type_name("SOCKET");
  addNumber(*Sub, "--max-tokens-per-step", 0, Options.MaxTokensPerStep,
            "tokens of a step (default 0: 512, or the plan's bound)");
  addNumber(*Sub, "--max-running", 0, Options.MaxRunning,
            "sequences at a time (default 0: the plan's slots)");
  addNumber(*Sub, "--max-queued", 1, Options.MaxQueued,
            "sequences that wait (default 1024)");
  addNumber(*Sub, "--prefix-cache-bytes", 0, Options.PrefixCacheBytes,
            "host memory of each rank for states of prefixes (default 256 "
            "MiB; 0: no prefix cache)");
  addNumber(*Sub, "--swap-bytes", 0, Options.SwapBytes,
            "host memory of each rank for states of sequences that gave way "
            "(default 1 GiB)");
  Sub->add_flag("--poison-freed", Options.PoisonFreed,
                "for tests: overwrite what becomes free with NaN");
  Sub->callback([Command, &Chosen] {
    Chosen = [Command] { return runEngine(*Command); };
  });
}
