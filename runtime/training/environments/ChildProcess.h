//===- ChildProcess.h - a program that answers lines with lines -*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_CHILDPROCESS_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_CHILDPROCESS_H

#include "runtime/support/Error.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace m1 {

/// A program in a process group of its own, with pipes to its standard input
/// and from its standard output and error. However it ends, it leaves no
/// process of its group behind, and no zombie.
class ChildProcess {
public:
  using Clock = std::chrono::steady_clock;

  /// A line of output is not longer than this.
  static constexpr size_t MaxLineBytes = size_t(16) << 20;
  /// What is kept of the standard error for `lastWords`.
  static constexpr size_t MaxTailBytes = size_t(16) << 10;
  /// What is written of the standard error to the log.
  static constexpr size_t MaxLogBytes = size_t(16) << 20;

  /// Starts `Command`, a program, which is looked for in PATH, and its
  /// arguments, in the directory `Directory`, or in the current one if that is
  /// empty. What it writes on its standard error is appended to the file `Log`,
  /// unless that is empty.
  static absl::StatusOr<std::unique_ptr<ChildProcess>>
  start(const std::vector<std::string> &Command, const std::string &Log,
        const std::string &Directory = "");

  /// Closes the standard input, gives the program a second to end, and kills
  /// its process group.
  ~ChildProcess();
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  /// Queues a line; `next` writes it.
  void send(const std::string &Line);

  enum class Event : uint8_t {
    Line,      ///< a line without its end is in `Line`
    Ended,     ///< no more lines will come
    TooLong,   ///< the line is longer than MaxLineBytes
    Timeout,   ///< the deadline has passed
    Cancelled, ///< `Cancelled` returned true
  };
  /// Writes what is queued and waits for a line, until the deadline at most.
  /// What has arrived already is looked at even if the deadline has passed.
  Event next(std::string &Line, Clock::time_point Deadline,
             const std::function<bool()> &Cancelled);

  /// Kills the process group.
  void kill();

  /// After Event::Ended: "exited with status 3", "was killed by signal 9
  /// (Killed)" or "closed its standard output". Kills the process group.
  std::string describeEnd();
  /// The last line on the standard error that is not empty, or "".
  std::string lastWords() const;

private:
  ChildProcess() = default;
  /// Whether a process of this number exists no more; it is not reaped.
  bool hasExited() const;
  /// Waits for the end, at most so long.
  bool waitForExit(std::chrono::milliseconds Longest);
  void writeQueued();
  /// Reads what there is; false if nothing.
  bool readOutput();
  void readErrors();
  bool takeLine(std::string &Line);

  pid_t Process = -1;
  int Input = -1, Output = -1, Errors = -1; ///< -1: closed
  int LogFile = -1;
  std::string Queued;
  size_t QueuedBegin = 0;
  std::string Buffer;
  size_t BufferBegin = 0; ///< of the next line
  size_t Searched = 0;    ///< there is no end of a line before it
  std::string Tail;
  size_t Logged = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_CHILDPROCESS_H
