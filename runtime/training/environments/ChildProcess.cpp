//===- ChildProcess.cpp - a program that answers lines with lines ---------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/ChildProcess.h"

#include "runtime/support/StartProcess.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace m1;
using std::chrono::milliseconds;

namespace {
/// How often a wait looks for stop signals and for the end of the process.
constexpr milliseconds Slice(50);

void closeDescriptor(int &Descriptor) {
  if (Descriptor >= 0)
    ::close(Descriptor);
  Descriptor = -1;
}

/// The two ends of a pipe.
struct Pipe {
  int Read = -1, Write = -1;
  ~Pipe() {
    closeDescriptor(Read);
    closeDescriptor(Write);
  }
  bool open() {
    int Ends[2];
    if (::pipe2(Ends, O_CLOEXEC) != 0)
      return false;
    Read = Ends[0];
    Write = Ends[1];
    return true;
  }
};

/// While one lives, a write of this thread to a pipe without reader fails, but
/// raises no signal.
class PipeSignalBlocked {
public:
  PipeSignalBlocked() {
    sigemptyset(&Signal);
    sigaddset(&Signal, SIGPIPE);
    sigset_t Pending;
    ::sigpending(&Pending);
    WasPending = sigismember(&Pending, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &Signal, &Previous);
  }
  ~PipeSignalBlocked() {
    const timespec Now = {};
    while (!WasPending && ::sigtimedwait(&Signal, nullptr, &Now) < 0 &&
           errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &Previous, nullptr);
  }
  PipeSignalBlocked(const PipeSignalBlocked &) = delete;
  PipeSignalBlocked &operator=(const PipeSignalBlocked &) = delete;

private:
  sigset_t Signal, Previous;
  bool WasPending;
};

void setNonBlocking(int Descriptor) {
  ::fcntl(Descriptor, F_SETFL, ::fcntl(Descriptor, F_GETFL) | O_NONBLOCK);
}
} // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>>
ChildProcess::start(const std::vector<std::string> &Command,
                    const std::string &Log, const std::string &Directory) {
  std::unique_ptr<ChildProcess> Result(new ChildProcess);
  if (!Log.empty()) {
    Result->LogFile =
        ::open(Log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (Result->LogFile < 0)
      return makeError("cannot write ", Log, ": ", std::strerror(errno));
  }
  Pipe In, Out, Err;
  if (!In.open() || !Out.open() || !Err.open())
    return makeError("cannot start '", Command[0], "': ", std::strerror(errno));
  M1_ASSIGN_OR_RETURN(Result->Process,
                      startProcess(Command, {.Input = In.Read,
                                             .Output = Out.Write,
                                             .Errors = Err.Write,
                                             .Directory = Directory}));
  Result->Input = std::exchange(In.Write, -1);
  Result->Output = std::exchange(Out.Read, -1);
  Result->Errors = std::exchange(Err.Read, -1);
  for (int Descriptor : {Result->Input, Result->Output, Result->Errors})
    setNonBlocking(Descriptor);
  return Result;
}

ChildProcess::~ChildProcess() {
  closeDescriptor(Input);
  closeDescriptor(Output);
  if (Process > 0)
    waitForExit(milliseconds(1000));
  kill();
  closeDescriptor(Errors);
  closeDescriptor(LogFile);
}

void ChildProcess::send(const std::string &Line) {
  Queued += Line;
  Queued += '\n';
}

void ChildProcess::writeQueued() {
  PipeSignalBlocked Blocked;
  while (QueuedBegin < Queued.size()) {
    const ssize_t Count = ::write(Input, Queued.data() + QueuedBegin,
                                  Queued.size() - QueuedBegin);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0 && errno == EAGAIN)
      return;
    if (Count < 0) {
      // It may still answer what it has read.
      closeDescriptor(Input);
      break;
    }
    QueuedBegin += Count;
  }
  Queued.clear();
  QueuedBegin = 0;
}

bool ChildProcess::readOutput() {
  char Piece[1 << 16];
  ssize_t Count;
  do
    Count = ::read(Output, Piece, sizeof Piece);
  while (Count < 0 && errno == EINTR);
  if (Count > 0)
    Buffer.append(Piece, Count);
  else if (Count == 0 || errno != EAGAIN)
    closeDescriptor(Output);
  return Count > 0;
}

void ChildProcess::readErrors() {
  // A program that writes without end must not keep this one here.
  for (int Pieces = 0; Errors >= 0 && Pieces < 64; ++Pieces) {
    char Piece[1 << 14];
    const ssize_t Count = ::read(Errors, Piece, sizeof Piece);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0 && errno == EAGAIN)
      return;
    if (Count <= 0) {
      closeDescriptor(Errors);
      return;
    }
    Tail.append(Piece, Count);
    if (Tail.size() > MaxTailBytes)
      Tail.erase(0, Tail.size() - MaxTailBytes);
    const size_t Wanted = std::min<size_t>(Count, MaxLogBytes - Logged);
    if (LogFile >= 0 && Wanted > 0) {
      // A full disk must not end the run for a log.
      [[maybe_unused]] ssize_t Ignored = ::write(LogFile, Piece, Wanted);
      Logged += Wanted;
    }
  }
}

bool ChildProcess::takeLine(std::string &Line) {
  const size_t End = Buffer.find('\n', std::max(BufferBegin, Searched));
  Searched = Buffer.size();
  if (End == Buffer.npos) {
    Buffer.erase(0, std::exchange(BufferBegin, 0));
    Searched = Buffer.size();
    return false;
  }
  Line.assign(Buffer, BufferBegin, End - BufferBegin);
  if (Line.ends_with('\r'))
    Line.pop_back();
  BufferBegin = Searched = End + 1;
  return true;
}

ChildProcess::Event ChildProcess::next(std::string &Line,
                                       Clock::time_point Deadline,
                                       const std::function<bool()> &Cancelled) {
  // The process may have ended while another one has its output open.
  bool Idle = false;
  while (true) {
    if (takeLine(Line))
      return Line.size() > MaxLineBytes ? Event::TooLong : Event::Line;
    if (Buffer.size() > MaxLineBytes)
      return Event::TooLong;
    if (Output < 0)
      return Event::Ended;
    if (Cancelled && Cancelled())
      return Event::Cancelled;
    if (Idle && hasExited()) {
      if (readOutput())
        continue;
      return Event::Ended;
    }
    const auto Left = std::chrono::ceil<milliseconds>(Deadline - Clock::now());
    const bool Late = Left <= milliseconds(0);
    const bool Writes = Input >= 0 && QueuedBegin < Queued.size();
    // poll() leaves out negative descriptors.
    pollfd Ready[] = {{Output, POLLIN, 0},
                      {Errors, POLLIN, 0},
                      {Writes ? Input : -1, POLLOUT, 0}};
    const auto Wait = Late ? milliseconds(0) : std::min(Left, Slice);
    const int Count = ::poll(Ready, 3, static_cast<int>(Wait.count()));
    if (Count < 0)
      continue; // a signal
    if (Ready[2].revents)
      writeQueued();
    if (Ready[1].revents)
      readErrors();
    const bool Arrived = Ready[0].revents && readOutput();
    if (Late && !Arrived)
      return Output < 0 ? Event::Ended : Event::Timeout;
    Idle = Count == 0;
  }
}

bool ChildProcess::hasExited() const {
  siginfo_t Info = {};
  return ::waitid(P_PID, Process, &Info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         Info.si_pid == Process;
}

bool ChildProcess::waitForExit(milliseconds Longest) {
  const auto Deadline = Clock::now() + Longest;
  while (!hasExited()) {
    if (Clock::now() >= Deadline)
      return false;
    // It may wait until somebody reads what it writes.
    readErrors();
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

void ChildProcess::kill() {
  if (Process <= 0)
    return;
  // Before the process is reaped, no other group can have its number.
  ::kill(-Process, SIGKILL);
  while (::waitpid(Process, nullptr, 0) < 0 && errno == EINTR) {
  }
  Process = -1;
  readErrors();
  closeDescriptor(Input);
  closeDescriptor(Output);
}

std::string ChildProcess::describeEnd() {
  std::string Text = "closed its standard output";
  siginfo_t Info = {};
  if (Process > 0 && waitForExit(milliseconds(500)) &&
      ::waitid(P_PID, Process, &Info, WEXITED | WNOHANG | WNOWAIT) == 0)
    Text = Info.si_code == CLD_EXITED
               ? concat("exited with status ", Info.si_status)
               : concat("was killed by signal ", Info.si_status, " (",
                        ::strsignal(Info.si_status), ")");
  kill();
  return Text;
}

std::string ChildProcess::lastWords() const {
  const size_t Last = Tail.find_last_not_of(" \t\r\n");
  if (Last == Tail.npos)
    return "";
  const size_t End = Tail.rfind('\n', Last);
  const size_t Begin = End == Tail.npos ? 0 : End + 1;
  return Tail.substr(Begin, Last + 1 - Begin);
}
