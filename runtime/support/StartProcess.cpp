//===- StartProcess.cpp - starts a program --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/StartProcess.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

using namespace m1;

/// As startProcess; a value of errno, or 0.
static int spawn(char *const *Words, const ProcessSettings &Settings,
                 pid_t &Process) {
  posix_spawn_file_actions_t Files;
  posix_spawnattr_t How;
  if (int Reason = ::posix_spawn_file_actions_init(&Files))
    return Reason;
  if (int Reason = ::posix_spawnattr_init(&How)) {
    ::posix_spawn_file_actions_destroy(&Files);
    return Reason;
  }
  int Reason = 0;
  auto Try = [&Reason](int Result) { Reason = Reason ? Reason : Result; };
  if (Settings.Input >= 0)
    Try(::posix_spawn_file_actions_adddup2(&Files, Settings.Input,
                                           STDIN_FILENO));
  else
    Try(::posix_spawn_file_actions_addopen(&Files, STDIN_FILENO, "/dev/null",
                                           O_RDONLY, 0));
  Try(::posix_spawn_file_actions_adddup2(&Files, Settings.Output,
                                         STDOUT_FILENO));
  Try(::posix_spawn_file_actions_adddup2(&Files, Settings.Errors,
                                         STDERR_FILENO));
  if (!Settings.Directory.empty())
    Try(::posix_spawn_file_actions_addchdir_np(&Files,
                                               Settings.Directory.c_str()));
  sigset_t None, Default;
  sigemptyset(&None);
  sigemptyset(&Default);
  for (int Signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM})
    sigaddset(&Default, Signal);
  Try(::posix_spawnattr_setsigmask(&How, &None));
  Try(::posix_spawnattr_setsigdefault(&How, &Default));
  Try(::posix_spawnattr_setpgroup(&How, 0));
  Try(::posix_spawnattr_setflags(&How, POSIX_SPAWN_SETPGROUP |
                                           POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETSIGDEF));
  if (Reason == 0)
    Reason = ::posix_spawnp(&Process, Words[0], &Files, &How, Words, environ);
  ::posix_spawnattr_destroy(&How);
  ::posix_spawn_file_actions_destroy(&Files);
  return Reason;
}

absl::StatusOr<pid_t> m1::startProcess(const std::vector<std::string> &Command,
                                       const ProcessSettings &Settings) {
  std::vector<char *> Words;
  for (const std::string &Word : Command)
    Words.push_back(const_cast<char *>(Word.c_str()));
  Words.push_back(nullptr);
  pid_t Process;
  if (int Reason = spawn(Words.data(), Settings, Process))
    return makeError("cannot start '", Command[0],
                     "': ", std::strerror(Reason));
  return Process;
}
