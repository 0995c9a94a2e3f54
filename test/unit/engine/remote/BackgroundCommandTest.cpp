//===- BackgroundCommandTest.cpp - a program that starts ranks ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/BackgroundCommand.h"
#include "test/unit/TestSupport.h"

#include <csignal>

using namespace m1;
using namespace m1::test;
using std::chrono::seconds;

namespace {
/// How a shell's command ended.
std::string endOf(const std::string &Script) {
  auto Started = value(BackgroundCommand::start({"sh", "-c", Script}, {}));
  EXPECT_TRUE(Started->waitForEnd(seconds(60)));
  return Started->describeEnd();
}

TEST(BackgroundCommand, SaysWhyItEnded) {
  EXPECT_EQ(endOf("echo one; echo two >&2; exit 3"), "one");
  EXPECT_EQ(endOf("exit 3"), "sh ended with exit status 3");
  EXPECT_EQ(endOf("echo; echo -----; echo 'm1run: note: x'; echo no slots"),
            "no slots");
  EXPECT_EQ(endOf("echo one; kill -KILL $$"),
            "sh was killed by signal 9 (Killed)");
  EXPECT_EQ(endOf("echo 'm1run: note: x'; echo 'm1run: error: no memory' >&2"),
            "no memory");
  EXPECT_EQ(message(BackgroundCommand::start({"/nowhere/sh"}, {}).status()),
            "cannot start '/nowhere/sh': No such file or directory");
}

TEST(BackgroundCommand, FindsTheRankThatWasKilled) {
  const std::string Rule(74, '-');
  EXPECT_EQ(reasonIn({Rule,
                      "Primary job  terminated normally, but 1 process "
                      "returned",
                      "a non-zero exit code.", Rule, Rule,
                      "mpirun noticed that process rank 1 with PID 4711 on "
                      "node vm exited on signal 9 (Killed).",
                      Rule}),
            "rank 1 exited on signal 9 (Killed)");
  EXPECT_EQ(reasonIn({"", Rule, "There are not enough slots"}), "");
}

TEST(BackgroundCommand, HandsOverLinesAndIsEnded) {
  std::vector<std::string> Lines;
  std::mutex Mutex;
  auto count = [&] {
    std::lock_guard Lock(Mutex);
    return Lines.size();
  };
  // The signals that this process ignores do not matter to it.
  std::signal(SIGTERM, SIG_IGN);
  auto Started = value(BackgroundCommand::start(
      {"sh", "-c", "echo $0 >&2; read x || echo no input; exec sleep 1000",
       "a b"},
      [&](const std::string &Line) {
        std::lock_guard Lock(Mutex);
        Lines.push_back(Line);
      }));
  std::signal(SIGTERM, SIG_DFL);
  while (count() < 2)
    std::this_thread::yield();
  EXPECT_EQ(Lines, (std::vector<std::string>{"a b", "no input"}));
  EXPECT_FALSE(Started->waitForEnd(std::chrono::milliseconds(1)));
  Started.reset(); // does not wait for the sleep
}
} // namespace
