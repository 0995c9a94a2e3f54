//===- BackgroundCommand.cpp - a program that starts ranks ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/BackgroundCommand.h"

#include "runtime/support/StartProcess.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace m1;
using std::chrono::milliseconds;

absl::StatusOr<std::unique_ptr<BackgroundCommand>>
BackgroundCommand::start(const std::vector<std::string> &Command,
                         std::function<void(const std::string &)> OnLine) {
  std::unique_ptr<BackgroundCommand> Result(new BackgroundCommand);
  Result->Name = Command[0].substr(Command[0].rfind('/') + 1);
  int Ends[2];
  if (::pipe2(Ends, O_CLOEXEC) != 0)
    return makeError("cannot start '", Command[0], "': ", std::strerror(errno));
  absl::StatusOr<pid_t> Process =
      startProcess(Command, {.Output = Ends[1], .Errors = Ends[1]});
  ::close(Ends[1]);
  if (!Process.ok()) {
    ::close(Ends[0]);
    return Process.status();
  }
  Result->Process = *Process;
  Result->Reader = std::thread(
      [&Started = *Result, Output = Ends[0], OnLine = std::move(OnLine)] {
        Started.read(Output, OnLine);
      });
  return Result;
}

/// Reads until all processes that may write have ended.
void BackgroundCommand::read(int Output,
                             std::function<void(const std::string &)> OnLine) {
  constexpr size_t MostLines = 200, LongestLine = 4096;
  std::string Line;
  char Piece[4096];
  for (;;) {
    const ssize_t Count = ::read(Output, Piece, sizeof Piece);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count <= 0)
      break;
    for (char C : std::string_view(Piece, Count)) {
      if (C != '\n') {
        if (Line.size() < LongestLine)
          Line += C;
        continue;
      }
      if (OnLine)
        OnLine(Line);
      std::lock_guard Lock(Access);
      Lines.push_back(std::move(Line));
      Line.clear();
      if (Lines.size() > MostLines)
        Lines.pop_front();
    }
  }
  ::close(Output);
}

BackgroundCommand::~BackgroundCommand() {
  // mpirun ends its ranks, if it has the time.
  for (int Signal : {SIGTERM, SIGKILL})
    if (Process > 0 && !waitForEnd(milliseconds(0))) {
      ::kill(-Process, Signal);
      waitForEnd(std::chrono::seconds(5));
    }
  if (Reader.joinable())
    Reader.join();
}

bool BackgroundCommand::waitForEnd(milliseconds Longest) {
  const auto End = std::chrono::steady_clock::now() + Longest;
  for (;;) {
    {
      std::lock_guard Lock(Access);
      // Another part of the process may have waited for all its children.
      if (!HasEnded) {
        const pid_t Found = ::waitpid(Process, &Status, WNOHANG);
        HasEnded = Found == Process || (Found < 0 && errno == ECHILD);
      }
      if (HasEnded)
        return true;
    }
    if (std::chrono::steady_clock::now() >= End)
      return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

std::string BackgroundCommand::describeEnd() {
  if (!waitForEnd(milliseconds(0))) {
    ::kill(-Process, SIGTERM);
    std::lock_guard Lock(Access);
    const std::string Reason = reasonIn(Lines);
    return Reason.empty() ? Name + " does not end" : Reason;
  }
  Reader.join(); // has the last line
  Reader = std::thread();
  if (std::string Reason = reasonIn(Lines); !Reason.empty())
    return Reason;
  if (WIFSIGNALED(Status))
    return concat(Name, " was killed by signal ", WTERMSIG(Status), " (",
                  ::strsignal(WTERMSIG(Status)), ")");
  // What another program says: the first line that is more than a rule.
  for (const std::string &Line : Lines)
    if (Line.find_first_not_of("- \t") != Line.npos &&
        !Line.starts_with("m1run: note: "))
      return Line;
  return concat(Name, " ended with exit status ", WEXITSTATUS(Status));
}

std::string m1::reasonIn(const std::deque<std::string> &Lines) {
  constexpr std::string_view Error = "m1run: error: ";
  for (const std::string &Line : Lines)
    if (size_t At = Line.find(Error); At != Line.npos)
      return Line.substr(At + Error.size());
  // "mpirun noticed that process rank 1 with PID 0 on node vm exited on signal
  // 9 (Killed)."
  constexpr std::string_view Rank = "process rank ", Exited = " exited on ";
  for (const std::string &Line : Lines) {
    const size_t At = Line.find(Rank), End = Line.find(Exited);
    if (At == Line.npos || End == Line.npos || At > End)
      continue;
    const size_t Number = At + Rank.size();
    std::string How = Line.substr(End + 1);
    if (How.ends_with('.'))
      How.pop_back();
    return concat("rank ", Line.substr(Number, Line.find(' ', Number) - Number),
                  " ", How);
  }
  return "";
}
