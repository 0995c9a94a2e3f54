//===- OutputFileTest.cpp - files that appear when complete ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/OutputFile.h"

#include "runtime/support/File.h"
#include "runtime/support/Process.h"
#include "runtime/support/StopSignals.h"
#include "test/unit/TestSupport.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace m1;
using namespace m1::test;
namespace fs = std::filesystem;

namespace {
/// Before handlers are installed: a shell ignores signals for a background job.
[[maybe_unused]] const bool SignalsHaveDefaults = [] {
  for (int Signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(Signal, SIG_DFL);
  return true;
}();

std::vector<std::string> namesIn(const std::string &Directory) {
  std::vector<std::string> Names;
  for (const fs::directory_entry &Entry : fs::directory_iterator(Directory))
    Names.push_back(Entry.path().filename().string());
  std::sort(Names.begin(), Names.end());
  return Names;
}

/// A closed file that is not committed.
std::unique_ptr<OutputFile> closed(const std::string &Path,
                                   const std::string &Text) {
  std::unique_ptr<OutputFile> File = value(OutputFile::create(Path));
  EXPECT_EQ(File->write(Text.data(), Text.size()), absl::OkStatus());
  EXPECT_EQ(File->close(), absl::OkStatus());
  return File;
}

/// The error of writing a file, or "".
std::string writeError(const std::string &Path, const std::string &Text) {
  auto File = OutputFile::create(Path);
  absl::Status Status = File.status();
  if (Status.ok())
    Status = (*File)->write(Text.data(), Text.size());
  if (Status.ok())
    Status = (*File)->close();
  return message(Status.ok() ? commit(std::move(*File)) : Status);
}

mode_t permissions(const std::string &Path) {
  struct stat Stat = {};
  ::stat(Path.c_str(), &Stat);
  return Stat.st_mode & 07777;
}

TEST(OutputFile, TemporaryNamesAreNewFiles) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  auto First = closed(Path, "first"), Second = closed(Path, "second");
  std::vector<std::string> Names = namesIn(Directory.root());
  ASSERT_EQ(Names.size(), 2u);
  const std::string Begin = concat("a.m1tmp-", ::getpid(), "-");
  for (const std::string &Name : Names)
    EXPECT_TRUE(Name.starts_with(Begin)) << Name;
  // The name that comes next is taken, by a link to a file of somebody else.
  const std::string &Last = Names[1];
  const size_t Dash = Last.rfind('-');
  const std::string Next =
      concat(Last.substr(0, Dash + 1), std::stoll(Last.substr(Dash + 1)) + 1);
  writeFile(Directory.path("precious"), "precious");
  fs::create_symlink("precious", Directory.path(Next));
  auto Third = closed(Path, "third");
  EXPECT_EQ(readFile(Directory.path("precious")), "precious");
  EXPECT_EQ(commit(std::move(Third)), absl::OkStatus());
  EXPECT_EQ(readFile(Path), "third");
  EXPECT_TRUE(fs::is_symlink(Directory.path(Next)));
  // A name without room for more.
  const std::string Long = Directory.path(std::string(255, 'n'));
  EXPECT_EQ(writeError(Long, "long"), "");
  EXPECT_EQ(readFile(Long), "long");
}

TEST(OutputFile, PermissionsAreThoseOfANewFile) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  const mode_t Before = ::umask(0);
  for (mode_t Mask : {022, 077, 002, 0666, 0}) {
    ::umask(Mask);
    EXPECT_EQ(writeError(Path, "x"), "");
    EXPECT_EQ(permissions(Path), 0666 & ~Mask);
  }
  ::umask(Before);
}

TEST(OutputFile, LinksAndDevices) {
  TemporaryDirectory Directory;
  const std::string Link = Directory.path("link"), File = Directory.path("f");
  fs::create_directory(Directory.path("other"));
  fs::create_symlink("other/f", Link);
  for (const char *Text : {"new", "replaced"}) {
    EXPECT_EQ(writeError(Link, Text), "");
    EXPECT_TRUE(fs::is_symlink(Link));
    EXPECT_EQ(readFile(Directory.path("other/f")), Text);
  }
  EXPECT_EQ(namesIn(Directory.path("other")), std::vector<std::string>{"f"});

  fs::create_symlink("loop", Directory.path("loop"));
  EXPECT_EQ(writeError(Directory.path("loop"), "x"),
            "cannot create " + Directory.path("loop") +
                ": Too many levels of symbolic links");
  EXPECT_EQ(writeError(Directory.path("other"), "x"),
            "cannot create " + Directory.path("other") + ": Is a directory");
  EXPECT_EQ(writeError(Directory.path("none/f"), "x"),
            "cannot create " + Directory.path("none/f") +
                ": No such file or directory");
  EXPECT_EQ(writeError("/dev/null", "x"), "");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(writeError("/dev/full", "x"),
            "cannot write /dev/full: No space left on device");

  // A descriptor, by a link as /dev/stdout is one.
  const int Number = ::open(File.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
  fs::create_symlink(concat("/proc/self/fd/", Number), Directory.path("out"));
  for (const std::string &Name :
       {Directory.path("out"), concat("/dev/fd/", Number)})
    EXPECT_EQ(writeError(Name, "x"), "");
  EXPECT_EQ(readFile(File), "xx");
  ::close(Number);
  EXPECT_EQ(writeError("/dev/fd/9999", "x"),
            "cannot create /dev/fd/9999: Bad file descriptor");

  const std::string Fifo = Directory.path("fifo");
  ASSERT_EQ(::mkfifo(Fifo.c_str(), 0600), 0);
  std::string Read;
  std::thread Reader([&] { Read = readFile(Fifo); });
  EXPECT_EQ(writeError(Fifo, "through"), "");
  Reader.join();
  EXPECT_EQ(Read, "through");
  EXPECT_TRUE(fs::is_fifo(Fifo));
}

TEST(OutputFile, AClosedFileTakesNoMemory) {
  TemporaryDirectory Directory;
  OutputFiles Files;
  const std::string Text(200'000, 'x');
  Files.push_back(closed(Directory.path("first"), Text));
  const size_t Before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  for (int I = 0; I < 100; ++I)
    Files.push_back(closed(Directory.path(concat(I)), Text));
  const size_t After = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  EXPECT_LT(After - Before, 100u * 2000); // two paths each
  EXPECT_EQ(commit(Files), absl::OkStatus());
  EXPECT_EQ(namesIn(Directory.root()).size(), 101u);
  EXPECT_EQ(readFile(Directory.path("99")), Text);
}

TEST(OutputFile, WritesOfEverySize) {
  TemporaryDirectory Directory;
  auto File = value(OutputFile::create(Directory.path("a")));
  std::string Expected;
  for (size_t Bytes : {1, 1 << 20, 3, (1 << 20) + 1, 1 << 19, 1 << 19, 5, 0}) {
    const std::string Part(Bytes, static_cast<char>('a' + Expected.size() % 7));
    EXPECT_EQ(File->write(Part.data(), Part.size()), absl::OkStatus());
    Expected += Part;
  }
  EXPECT_EQ(File->close(), absl::OkStatus());
  EXPECT_EQ(commit(std::move(File)), absl::OkStatus());
  EXPECT_TRUE(readFile(Directory.path("a")) == Expected);
}

using OutputFileDeathTest = testing::Test;

TEST(OutputFileDeathTest, ALimitOnFilesIsAnError) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  EXPECT_EXIT(
      {
        prepareProcess();
        rlimit Limit;
        Limit.rlim_cur = Limit.rlim_max = 100'000;
        ::setrlimit(RLIMIT_FSIZE, &Limit);
        std::fputs(writeError(Path, std::string(100'001, 'x')).c_str(), stderr);
        std::exit(7);
      },
      testing::ExitedWithCode(7), "cannot write " + Path + ": File too large$");
  EXPECT_TRUE(fs::is_empty(Directory.root()));
}

TEST(OutputFile, LeftoversOfDeadProcessesAreRemoved) {
  TemporaryDirectory Elsewhere, Directory;
  auto Mine = closed(Elsewhere.path("a"), "");
  // a.m1tmp-PID-HOST-RANDOM-NUMBER
  const std::string Name = namesIn(Elsewhere.root())[0];
  const size_t HostAt = Name.find('-', Name.find('-') + 1);
  const std::string Host = Name.substr(HostAt, 17);
  const pid_t Dead = ::fork();
  if (Dead == 0)
    ::_exit(0);
  ::waitpid(Dead, nullptr, 0);
  const std::string Left[] = {concat("a.m1tmp-", Dead, Host, "-1234-0"),
                              // An earlier process with the number of this one.
                              concat("a.m1tmp-", ::getpid(), Host, "-1234-0")};
  std::vector<std::string> Kept = {
      concat("a.m1tmp-", ::getppid(), Host, "-1234-0"),     // lives
      concat("a.m1tmp-", Dead, "-0123456789abcdef-1234-0"), // another machine
      concat("a.m1tmp-", Dead, "x", Host, "-1234-0"),
      concat("a.m1tmp-", Host, "-1234-0"),
      concat("a.m1tmp-99999999999999999999", Host, "-1234-0"),
      concat("a.m1tmp-0", Host, "-1234-0"),
      concat("a-", Dead, Host, "-1234-0"),
      "a.m1tmp-",
      "a.npy"};
  for (const std::string &File : Left)
    writeFile(Directory.path(File), "");
  for (const std::string &File : Kept)
    writeFile(Directory.path(File), "");
  EXPECT_EQ(writeError(Directory.path("b"), "b"), "");
  Kept.push_back("b");
  std::sort(Kept.begin(), Kept.end());
  EXPECT_EQ(namesIn(Directory.root()), Kept);
  EXPECT_EQ(namesIn(Elsewhere.root()), std::vector<std::string>{Name});
}

TEST(OutputFileDeathTest, StopSignalsLeaveNoTemporaryFiles) {
  TemporaryDirectory Directory;
  for (int Signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          fs::create_directory(Directory.path("sub"));
          writeFile(Directory.path("sub/a.npy"), "kept");
          auto First = closed(Directory.path("a"), "a");
          auto Second = value(OutputFile::create(Directory.path("sub/b")));
          std::thread([&] { ::kill(::getpid(), Signal); }).join();
          ::pause();
        },
        testing::KilledBySignal(Signal), "^$");
    EXPECT_EQ(namesIn(Directory.root()), std::vector<std::string>{"sub"});
    EXPECT_EQ(namesIn(Directory.path("sub")),
              std::vector<std::string>{"a.npy"});
  }
}

TEST(OutputFileDeathTest, AFileThatBecomesShorterLeavesNoTemporaryFiles) {
  TemporaryDirectory Directory;
  const std::string Weights = Directory.path("weights");
  EXPECT_EXIT(
      {
        writeFile(Weights, std::string(100'000, 'x'));
        auto File = value(MappedFile::open(Weights));
        auto Unfinished = closed(Directory.path("a"), "a");
        fs::resize_file(Weights, 0);
        volatile std::byte First = File->bytes()[0];
        (void)First;
      },
      testing::ExitedWithCode(1), "became shorter while in use");
  EXPECT_EQ(namesIn(Directory.root()), std::vector<std::string>{"weights"});
}

TEST(StopSignalsDeathTest, SignalsWait) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  EXPECT_EXIT(
      {
        auto File = closed(Path, "a");
        {
          StopSignalsWait Wait;
          std::raise(SIGTERM);
          std::thread([] { std::raise(SIGTERM); }).join();
          writeFile(Path, "while it waited");
        }
        ::_exit(7);
      },
      testing::KilledBySignal(SIGTERM), "");
  EXPECT_EQ(namesIn(Directory.root()), std::vector<std::string>{"a"});
}

TEST(StopSignalsDeathTest, TheFirstOneMayFinish) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // without handlers yet
  EXPECT_EXIT(
      {
        finishOnStopSignal();
        if (stopSignal() != 0)
          ::_exit(1);
        // timeout(1) sends two.
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::raise(SIGHUP);
        ::_exit(stopSignal() == SIGTERM ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        finishOnStopSignal();
        std::raise(SIGTERM);
        ::usleep(1'100'000);
        std::raise(SIGINT);
        ::_exit(7);
      },
      testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN); // nohup
        finishOnStopSignal();
        std::raise(SIGHUP);
        ::_exit(stopSignal() == 0 ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}

TEST(StopSignalsDeathTest, EarlierHandlersRun) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // without handlers yet
  EXPECT_EXIT(
      {
        std::signal(SIGTERM, [](int) { ::_exit(9); }); // as LLVM installs one
        installStopHandlers();
        std::raise(SIGTERM);
      },
      testing::ExitedWithCode(9), "");
}
} // namespace
