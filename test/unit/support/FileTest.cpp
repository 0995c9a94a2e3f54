//===- FileTest.cpp - files that are read ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/File.h"

#include "runtime/support/MappingFaults.h"
#include "runtime/support/Process.h"
#include "test/unit/Sanitizers.h"
#include "test/unit/TestSupport.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace m1;
using namespace m1::test;

namespace {
constexpr uint64_t Page = 4096;

TEST(File, OnlyRegularFilesAreRead) {
  TemporaryDirectory Directory;
  const std::string Fifo = Directory.path("fifo");
  ASSERT_EQ(::mkfifo(Fifo.c_str(), 0600), 0);
  std::filesystem::create_symlink(Fifo, Directory.path("link"));
  const std::string Socket = Directory.path("socket");
  sockaddr_un Address = {};
  Address.sun_family = AF_UNIX;
  Socket.copy(Address.sun_path, sizeof Address.sun_path - 1);
  int Number = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(
      ::bind(Number, reinterpret_cast<sockaddr *>(&Address), sizeof Address),
      0);
  for (auto [Path, Kind] : {std::pair(Fifo, "a FIFO"),
                            {Directory.path("link"), "a FIFO"},
                            {Socket, "a socket"},
                            {Directory.root(), "a directory"},
                            {std::string("/dev/zero"), "a device"}}) {
    const std::string Expected =
        concat("cannot read ", Path, ": expected a regular file, found ", Kind);
    EXPECT_EQ(message(MappedFile::open(Path).status()), Expected);
    EXPECT_EQ(message(fileSize(Path).status()), Expected);
    EXPECT_EQ(message(readFileRange(Path, 0, 1).status()), Expected);
    EXPECT_EQ(message(readWholeFile(Path, 100).status()), Expected);
    EXPECT_EQ(message(readFileOrPipe(Path, 100).status()), Expected);
  }
  ::close(Number);
  EXPECT_EQ(message(readWholeFile(Directory.path("none"), 100).status()),
            "cannot open " + Directory.path("none") +
                ": No such file or directory");
}

TEST(File, OnlyWhatIsNotThereIsAbsent) {
  TemporaryDirectory Directory;
  const std::string File = Directory.path("a"), Loop = Directory.path("loop");
  writeFile(File, "");
  std::filesystem::create_symlink("loop", Loop);
  EXPECT_TRUE(value(exists(File)));
  EXPECT_TRUE(value(exists(Directory.root())));
  EXPECT_FALSE(value(exists(Directory.path("none"))));
  EXPECT_FALSE(value(exists(File + "/none")));
  EXPECT_EQ(message(exists(Loop).status()),
            "cannot open " + Loop + ": Too many levels of symbolic links");
}

TEST(File, WhatIsReadWholeIsBounded) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  writeFile(Path, "12345");
  EXPECT_EQ(value(readWholeFile(Path, 5)), "12345");
  EXPECT_EQ(message(readWholeFile(Path, 4).status()),
            "cannot read " + Path + ": 5 bytes, expected at most 4");
  // Neither read nor allocated.
  std::filesystem::resize_file(Path, uint64_t(1) << 40);
  EXPECT_EQ(message(readWholeFile(Path, 1 << 20).status()),
            "cannot read " + Path +
                ": 1099511627776 bytes, expected at most 1048576");
  // Files whose size the system does not tell.
  EXPECT_FALSE(value(readWholeFile("/proc/self/status", 1 << 20)).empty());
  EXPECT_EQ(message(readWholeFile("/proc/self/status", 10).status()),
            "cannot read /proc/self/status: more than 10 bytes");
}

TEST(File, PipesOfTheShellAreRead) {
  int Pipe[2];
  ASSERT_EQ(::pipe(Pipe), 0);
  const std::string Path = concat("/dev/fd/", Pipe[0]);
  const std::string Text(200'000, 'x'); // more than a pipe holds
  std::thread Writer([&] {
    EXPECT_EQ(::write(Pipe[1], Text.data(), Text.size()), 200'000);
    ::close(Pipe[1]);
  });
  EXPECT_EQ(value(readFileOrPipe(Path, Text.size())), Text);
  Writer.join();
  ::close(Pipe[0]);

  ASSERT_EQ(::pipe(Pipe), 0);
  ASSERT_EQ(::write(Pipe[1], "12345", 5), 5);
  ::close(Pipe[1]);
  const std::string Again = concat("/proc/self/fd/", Pipe[0]);
  EXPECT_EQ(message(readFileOrPipe(Again, 4).status()),
            "cannot read " + Again + ": more than 4 bytes");
  ::close(Pipe[0]);
}

TEST(File, DescriptorsByName) {
  EXPECT_EQ(descriptorOf("/dev/stdin"), 0);
  EXPECT_EQ(descriptorOf("/dev/stdout"), 1);
  EXPECT_EQ(descriptorOf("/dev/stderr"), 2);
  EXPECT_EQ(descriptorOf("/dev/fd/63"), 63);
  EXPECT_EQ(descriptorOf("/proc/self/fd/7"), 7);
  for (const char *Path : {"", "7", "/dev/fd/", "/dev/fd/7x", "/dev/fd/-1",
                           "/dev/fd/99999999999", "/dev/null", "dev/fd/1"})
    EXPECT_EQ(descriptorOf(Path), std::nullopt) << Path;
}

TEST(File, FilesThatAreWrittenToAreNoticed) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  auto writeLater = [&](const std::string &To, int Seconds) {
    const auto Before = std::filesystem::last_write_time(Path);
    writeFile(To, "abc");
    std::filesystem::last_write_time(To,
                                     Before + std::chrono::seconds(Seconds));
  };
  writeFile(Path, "xyz");
  auto File = value(MappedFile::open(Path));
  EXPECT_EQ(checkMappings(), absl::OkStatus());
  writeLater(Path, 1);
  EXPECT_EQ(message(checkMappings()),
            Path + ": was written to while in use; the results may be wrong");
  File = value(MappedFile::open(Path)); // as it is now
  EXPECT_EQ(checkMappings(), absl::OkStatus());
  writeLater(Directory.path("b"), 2);
  std::filesystem::rename(Directory.path("b"), Path);
  EXPECT_EQ(checkMappings(), absl::OkStatus());
  std::filesystem::remove(Path);
  EXPECT_EQ(checkMappings(), absl::OkStatus());
}

/// Maps three pages, changes the file and touches the last page.
void touchAfter(const std::string &Path, void (*Change)(const std::string &)) {
  writeFile(Path, std::string(3 * Page, 'x'));
  std::unique_ptr<MappedFile> File = value(MappedFile::open(Path));
  Change(Path);
  volatile std::byte Last = File->bytes()[3 * Page - 1];
  ::_exit(Last == std::byte('x') ? 7 : 8);
}

using FileDeathTest = testing::Test;

TEST(FileDeathTest, AFileThatBecomesShorterIsNamed) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("weights");
  EXPECT_EXIT(touchAfter(Path,
                         [](const std::string &P) {
                           std::filesystem::resize_file(P, Page);
                         }),
              testing::ExitedWithCode(1),
              "^m1: error: " + Path + ": became shorter while in use\n$");
  // A file that is replaced is still there for whoever mapped it.
  EXPECT_EXIT(touchAfter(Path,
                         [](const std::string &P) {
                           writeFile(P + ".new", "");
                           std::filesystem::rename(P + ".new", P);
                         }),
              testing::ExitedWithCode(7), "^$");
}

TEST(FileDeathTest, TheRightFileIsNamed) {
  TemporaryDirectory Directory;
  EXPECT_EXIT(
      {
        std::vector<std::unique_ptr<MappedFile>> Files;
        for (int I = 0; I < 5; ++I) {
          writeFile(Directory.path(concat(I)), std::string(2 * Page, 'x'));
          Files.push_back(value(MappedFile::open(Directory.path(concat(I)))));
        }
        Files[1].reset(); // its place in the table is used again
        Files.push_back(value(MappedFile::open(Directory.path("3"))));
        Files[3].reset();
        std::filesystem::resize_file(Directory.path("3"), Page);
        std::filesystem::resize_file(Directory.path("0"), Page);
        volatile std::byte Last = Files[5]->bytes()[Page];
        (void)Last;
      },
      testing::ExitedWithCode(1), "/3: became shorter while in use");
}

TEST(FileDeathTest, OtherBusErrorsAreCrashes) {
  if (Sanitized)
    GTEST_SKIP() << "a sanitizer reports bus errors";
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("other");
  EXPECT_EXIT(
      {
        writeFile(Path, std::string(2 * Page, 'x'));
        auto File = value(MappedFile::open(Path)); // installs the handler
        int Number = ::open(Path.c_str(), O_RDONLY);
        auto *Other = static_cast<volatile char *>(
            ::mmap(nullptr, 2 * Page, PROT_READ, MAP_SHARED, Number, 0));
        std::filesystem::resize_file(Path, 0);
        (void)Other[Page];
      },
      testing::KilledBySignal(SIGBUS), "^$");
  EXPECT_EXIT(
      {
        auto File = value(MappedFile::open("/proc/self/exe"));
        ::kill(::getpid(), SIGBUS);
        ::pause();
      },
      testing::KilledBySignal(SIGBUS), "^$");
}

TEST(ProcessDeathTest, NoFileGetsAStandardDescriptor) {
  EXPECT_EXIT(
      {
        for (int Number : {0, 1, 2})
          ::close(Number);
        prepareProcess();
        char Byte = 0;
        bool ReadFails = ::read(0, &Byte, 1) < 0 && errno == EBADF;
        bool WriteFails = ::write(1, &Byte, 1) < 0 && errno == EBADF;
        bool IsLost = ::write(2, &Byte, 1) == 1;
        int Number = ::open("/proc/self/exe", O_RDONLY);
        ::_exit(Number > 2 && ReadFails && WriteFails && IsLost ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}

TEST(ProcessDeathTest, IgnoredSignalsStayIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        prepareProcess();
        for (int Signal : {SIGHUP, SIGXFSZ, SIGTERM})
          std::signal(Signal, [](int) { ::_exit(1); }); // as a library does
        keepIgnoredSignals();
        std::raise(SIGHUP);
        std::raise(SIGXFSZ);
        std::signal(SIGTERM, SIG_DFL);
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}
} // namespace
