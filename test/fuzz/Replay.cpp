//===- Replay.cpp - runs a fuzz target on files ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// m1-replay-TARGET FILE|DIRECTORY...
//
// Runs the target on each file, without libFuzzer. A crash, a run of more than
// MaxSeconds or one that takes more than MaxBytes of memory fails, with the
// name of the file. Files that are named valid-* must be accepted. Prints the
// number of files.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;

namespace {
/// An input takes milliseconds; sanitizers and a busy machine take their time.
constexpr unsigned MaxSeconds = 20;
/// What a target may take for an input of at most a few hundred KiB. Far above
/// what any of them needs, far below a test machine's memory.
constexpr uint64_t MaxBytes = uint64_t(1) << 30;

const char *Current = "no file";

void report(int Signal) {
  auto print = [](const char *Text) {
    [[maybe_unused]] ssize_t Ignored =
        ::write(STDERR_FILENO, Text, std::strlen(Text));
  };
  print(Current);
  print(Signal == SIGALRM ? ": not finished in time\n" : ": crashed\n");
  // The default action has been restored.
  ::raise(Signal == SIGALRM ? SIGKILL : Signal);
}

void catchSignals() {
  // A stack overflow leaves no room for the handler.
  static char Stack[1 << 16];
  stack_t Alternate = {};
  Alternate.ss_sp = Stack;
  Alternate.ss_size = sizeof Stack;
  ::sigaltstack(&Alternate, nullptr);
  struct sigaction Action = {};
  Action.sa_handler = report;
  Action.sa_flags = SA_RESETHAND | SA_ONSTACK | SA_NODEFER;
  for (int Signal : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV})
    ::sigaction(Signal, &Action, nullptr);
}

uint64_t peakBytes() {
  struct rusage Usage;
  ::getrusage(RUSAGE_SELF, &Usage);
  return static_cast<uint64_t>(Usage.ru_maxrss) * 1024;
}

bool replay(const std::string &File) {
  Current = File.c_str();
  std::ifstream Stream(File, std::ios::binary);
  std::vector<char> Bytes(std::istreambuf_iterator<char>(Stream), {});
  if (!Stream) {
    std::fprintf(stderr, "%s: cannot be read\n", Current);
    return false;
  }
  const uint64_t Before = peakBytes();
  ::alarm(MaxSeconds);
  const bool Accepted = m1::fuzz::runInput(
      {reinterpret_cast<const uint8_t *>(Bytes.data()), Bytes.size()});
  ::alarm(0);
  if (const uint64_t Taken = peakBytes() - Before; Taken > MaxBytes) {
    std::fprintf(stderr, "%s: took %llu MiB, at most %llu are expected\n",
                 Current, static_cast<unsigned long long>(Taken >> 20),
                 static_cast<unsigned long long>(MaxBytes >> 20));
    return false;
  }
  if (!Accepted && fs::path(File).filename().string().starts_with("valid-")) {
    std::fprintf(stderr,
                 "%s: refused. If the format has changed, make the seeds anew "
                 "with test/fuzz/make_seeds.py\n",
                 Current);
    return false;
  }
  return true;
}
} // namespace

int main(int Argc, char **Argv) {
  std::vector<std::string> Files;
  for (int I = 1; I < Argc; ++I) {
    std::error_code Error;
    if (!fs::is_directory(Argv[I], Error)) {
      Files.emplace_back(Argv[I]);
      continue;
    }
    for (const fs::directory_entry &Entry : fs::directory_iterator(Argv[I]))
      if (Entry.is_regular_file())
        Files.push_back(Entry.path().string());
  }
  if (Files.empty()) {
    std::fprintf(stderr, "usage: %s FILE|DIRECTORY...; found no file\n",
                 Argv[0]);
    return 1;
  }
  std::sort(Files.begin(), Files.end());
  catchSignals();
  int Failed = 0;
  for (const std::string &File : Files)
    Failed += !replay(File);
  std::printf("%zu files, %d failed\n", Files.size(), Failed);
  return Failed != 0;
}
