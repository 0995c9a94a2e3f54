//===- InterruptedSaveTest.cpp - kills a process that saves ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/RunDirectory.h"
#include "test/unit/TestSupport.h"
#include "test/unit/training/MemoryPolicy.h"

#include <algorithm>
#include <csignal>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {
const json Recipe = {{"seed", 7}};

/// Runs `Work` in a child process and calls `Stopped` where it enters a system
/// call: as long as that returns, the process does nothing. If it returns true,
/// the process is killed. Returns whether it was.
bool runInSteps(const std::function<bool()> &Work,
                const std::function<bool()> &Stopped) {
  const pid_t Child = ::fork();
  if (Child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
      ::_exit(2);
    std::raise(SIGSTOP);
    ::_exit(Work() ? 7 : 3);
  }
  int Status = 0;
  ::waitpid(Child, &Status, 0);
  // Each system call stops twice: where it is entered and where it returns.
  for (int Stops = 0; WIFSTOPPED(Status); ++Stops) {
    if (Stops % 2 == 1 && Stopped())
      ::kill(Child, SIGKILL);
    else
      ::ptrace(PTRACE_SYSCALL, Child, nullptr, nullptr);
    ::waitpid(Child, &Status, 0);
  }
  if (WIFSIGNALED(Status))
    return true;
  EXPECT_EQ(WEXITSTATUS(Status), 7);
  return false;
}

/// What is in a directory: paths and sizes. Files are only appended to, so that
/// a change shows.
std::string listing(const std::string &Path) {
  std::vector<std::string> Lines;
  for (const fs::directory_entry &Entry :
       fs::recursive_directory_iterator(Path))
    Lines.push_back(concat(Entry.path().string().substr(Path.size()), " ",
                           Entry.is_directory() ? 0 : Entry.file_size(), "\n"));
  std::sort(Lines.begin(), Lines.end());
  std::string Text;
  for (const std::string &Line : Lines)
    Text += Line;
  return Text;
}

/// Goes on with the run and trains to step 3, keeping two checkpoints.
bool goOn(const std::string &Path) {
  MemoryPolicy Model(smallTensors());
  auto Run = RunDirectory::open(Path);
  if (!Run.ok())
    return false;
  auto Resumed = (*Run)->resume(Recipe, Model, {});
  if (!Resumed.ok())
    return false;
  for (int64_t Step = Resumed->Step + 1; Step <= 3; ++Step) {
    Model.fill(Step);
    if (!(*Run)->addMetrics(Step, {{"loss", Step}}).ok() ||
        !(*Run)
             ->save(Step, Model, nullptr, {{"n", Step}}, {.TotalLimit = 2})
             .ok())
      return false;
  }
  return true;
}

/// A run that has checkpoints 1 and 2.
void beginRun(const std::string &Path) {
  MemoryPolicy Model(smallTensors());
  auto Run = value(RunDirectory::create(Path));
  ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
  for (int64_t Step : {1, 2}) {
    Model.fill(Step);
    ASSERT_EQ(Run->addMetrics(Step, {{"loss", Step}}), absl::OkStatus());
    ASSERT_EQ(Run->save(Step, Model, nullptr, {{"n", Step}}), absl::OkStatus());
  }
}

/// Checks what a process finds in a directory that another one left; the step
/// that it goes on from.
int64_t checkFound(const std::string &Path) {
  MemoryPolicy Model(smallTensors()), Expected(smallTensors());
  auto Run = value(RunDirectory::open(Path));
  EXPECT_EQ(listing(Path).find(".tmp-"), std::string::npos);
  const ResumedRun Resumed = value(Run->resume(Recipe, Model, {}));
  const int64_t Step = Resumed.Step;
  Expected.fill(Step);
  EXPECT_EQ(value(digestsOf(Model)), value(digestsOf(Expected)));
  EXPECT_EQ(Resumed.State, json({{"n", Step}}));
  std::string Lines;
  for (int64_t I = 1; I <= Step; ++I)
    Lines += concat("{\"step\":", I, ",\"loss\":", I, "}\n");
  EXPECT_EQ(readFile(Path + "/metrics.jsonl"), Lines);
  return Step;
}

/// What SIGKILL leaves is what is there when it arrives.
TEST(InterruptedSave, WhateverAProcessLeavesIsARun) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("run");
  beginRun(Path);
  std::vector<std::string> States;
  std::string Last;
  EXPECT_FALSE(
      runInSteps([&] { return goOn(Path); },
                 [&] {
                   if (std::string Now = listing(Path); Now != Last) {
                     Last = std::move(Now);
                     States.push_back(Directory.path(concat(States.size())));
                     fs::copy(Path, States.back(), fs::copy_options::recursive);
                   }
                   return false;
                 }));
  int Steps[4] = {}, Leftovers = 0;
  for (const std::string &State : States) {
    Leftovers += listing(State).find(".tmp-") != std::string::npos;
    const int64_t Step = checkFound(State);
    ASSERT_TRUE(Step == 2 || Step == 3) << Step;
    ++Steps[Step];
    ASSERT_FALSE(HasFailure()) << State;
  }
  EXPECT_EQ(checkFound(Path), 3);
  EXPECT_FALSE(fs::exists(Path + "/checkpoint-1")); // the limit is 2
  EXPECT_GT(Steps[2], 10);
  EXPECT_GT(Steps[3], 3);
  EXPECT_GT(Leftovers, 10);
}

TEST(InterruptedSave, AKilledProcessGivesTheDirectoryFree) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("run");
  beginRun(Path);
  EXPECT_TRUE(runInSteps([&] { return goOn(Path); },
                         [&] {
                           return listing(Path).find("tmp-new/optimizer") !=
                                  std::string::npos;
                         }));
  EXPECT_NE(listing(Path).find(".tmp-new/"), std::string::npos);
  EXPECT_EQ(checkFound(Path), 2);
  EXPECT_TRUE(goOn(Path));
  EXPECT_EQ(checkFound(Path), 3);
}
} // namespace
