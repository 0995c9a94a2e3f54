//===- BackgroundCommand.h - a program that starts ranks --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REMOTE_BACKGROUNDCOMMAND_H
#define M1C_RUNTIME_ENGINE_REMOTE_BACKGROUNDCOMMAND_H

#include "runtime/support/Error.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace m1 {

/// A program, m1run by itself or by way of mpirun, in a process group of its
/// own: a Ctrl-C does not reach it. Its standard input is empty.
class BackgroundCommand {
public:
  /// Starts a program, which is looked for in PATH, with arguments. `OnLine` is
  /// called, on another thread, with each line that it writes.
  static absl::StatusOr<std::unique_ptr<BackgroundCommand>>
  start(const std::vector<std::string> &Command,
        std::function<void(const std::string &)> OnLine);
  /// Ends it, if it has not ended.
  ~BackgroundCommand();
  BackgroundCommand(const BackgroundCommand &) = delete;
  BackgroundCommand &operator=(const BackgroundCommand &) = delete;

  /// Waits for its end, at most so long. Whether it has ended.
  bool waitForEnd(std::chrono::milliseconds Longest);
  /// Why it has ended, from what it wrote: the error of m1run; which rank was
  /// killed, as mpirun says; or how it ended. If it has not, it is told to.
  std::string describeEnd();

private:
  BackgroundCommand() = default;
  void read(int Output, std::function<void(const std::string &)> OnLine);

  std::string Name;
  pid_t Process = -1;
  std::mutex Access; ///< to what follows
  bool HasEnded = false;
  int Status = 0;                ///< of waitpid
  std::deque<std::string> Lines; ///< the last ones that it wrote
  std::thread Reader;
};

/// See BackgroundCommand::describeEnd; "" if the lines do not say it.
std::string reasonIn(const std::deque<std::string> &Lines);

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_REMOTE_BACKGROUNDCOMMAND_H
