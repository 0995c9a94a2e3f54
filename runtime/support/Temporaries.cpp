//===- Temporaries.cpp - files that are not complete yet ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Temporaries.h"

#include "runtime/support/Error.h"
#include "runtime/support/StopSignals.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace m1;

namespace {
constexpr char Mark[] = ".m1tmp-";
/// The longest name that is repeated in that of its temporary file. File names
/// have at most 255 bytes; the rest takes at most 80.
constexpr size_t MaxRepeatedName = 160;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

uint64_t randomNumber() {
  uint64_t Number = 0;
  if (::getrandom(&Number, sizeof Number, 0) != sizeof Number)
    Number = uint64_t(::getpid()) << 32 ^ ::clock();
  return Number;
}

std::string hexadecimal(uint64_t Number) {
  char Text[17];
  std::snprintf(Text, sizeof Text, "%016llx",
                static_cast<unsigned long long>(Number));
  return Text;
}

/// Differs between machines and between PID namespaces. Random, so that it
/// equals none, if that cannot be found out.
uint64_t hostNumber() {
  struct stat Namespace;
  char Name[256] = "";
  if (::stat("/proc/self/ns/pid", &Namespace) != 0 ||
      ::gethostname(Name, sizeof Name - 1) != 0)
    return randomNumber();
  std::string Id;
  std::ifstream("/etc/machine-id") >> Id; // may be absent
  const std::string Host = concat(Id, "/", Name, "/", Namespace.st_ino);
  return XXH64(Host.data(), Host.size(), 0);
}

/// What identifies this process in names.
struct Identity {
  std::string Host = hexadecimal(hostNumber());
  std::string Prefix = concat(Mark, ::getpid(), "-", Host, "-",
                              hexadecimal(randomNumber()), "-");
};
const Identity &identity() {
  static const Identity Mine;
  return Mine;
}

/// Copies, for signal handlers, made before the first file exists.
char OwnPrefix[128];
std::atomic<int64_t> Count{0}; // of files made, for names

bool isOwn(const char *Name) {
  const char *Found = std::strstr(Name, Mark);
  return Found && std::strncmp(Found, OwnPrefix, std::strlen(OwnPrefix)) == 0;
}

/// Whether the file belongs to a process of this machine that does not exist.
bool isLeftover(const char *Name) {
  const char *Found = std::strstr(Name, Mark);
  if (!Found || isOwn(Name))
    return false;
  const char *Number = Found + std::strlen(Mark);
  char *End = nullptr;
  errno = 0;
  const long long Process = std::strtoll(Number, &End, 10);
  const std::string Expected = concat("-", identity().Host, "-");
  if (errno || Process <= 0 || Process > INT32_MAX ||
      std::strncmp(End, Expected.c_str(), Expected.size()) != 0)
    return false;
  // An earlier process may have had this one's number.
  return Process == ::getpid() ||
         (::kill(static_cast<pid_t>(Process), 0) != 0 && errno == ESRCH);
}

//===----------------------------------------------------------------------===//
// Directories
//===----------------------------------------------------------------------===//

/// Removes the files of a directory whose names fulfil a condition. May be
/// called in a signal handler, unlike readdir().
void removeFrom(const char *Directory, bool (*Condition)(const char *Name)) {
  // struct linux_dirent64: 8 bytes inode, 8 bytes offset, 2 bytes length of the
  // record, 1 byte type, the name.
  constexpr size_t LengthAt = 16, NameAt = 19;
  alignas(8) char Entries[4096];
  int Descriptor = ::open(Directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (Descriptor < 0)
    return;
  long Bytes;
  while ((Bytes = ::syscall(SYS_getdents64, Descriptor, Entries,
                            sizeof Entries)) > 0)
    for (long At = 0; At < Bytes;) {
      uint16_t Length;
      std::memcpy(&Length, Entries + At + LengthAt, sizeof Length);
      if (const char *Name = Entries + At + NameAt; Condition(Name))
        ::unlinkat(Descriptor, Name, 0);
      At += Length;
    }
  ::close(Descriptor);
}

/// The directories with temporary files of this process. Only added to, so that
/// a signal handler can read the list at any time.
struct DirectoryNode {
  std::string Path;
  DirectoryNode *Next;
};
std::atomic<DirectoryNode *> Directories{nullptr};
std::mutex DirectoriesMutex;

void registerDirectory(const std::string &Path) {
  std::lock_guard<std::mutex> Lock(DirectoriesMutex);
  for (DirectoryNode *D = Directories.load(); D; D = D->Next)
    if (D->Path == Path)
      return;
  static std::once_flag Once;
  std::call_once(Once, [] {
    std::snprintf(OwnPrefix, sizeof OwnPrefix, "%s", identity().Prefix.c_str());
  });
  removeFrom(Path.c_str(), isLeftover);
  installStopHandlers();
  Directories.store(new DirectoryNode{Path, Directories.load()});
}
} // namespace

std::string m1::directoryOf(const std::string &Path) {
  size_t Slash = Path.rfind('/');
  if (Slash == std::string::npos)
    return ".";
  return Path.substr(0, std::max<size_t>(Slash, 1));
}

absl::StatusOr<TemporaryFile>
m1::createTemporary(const std::string &Destination) {
  registerDirectory(directoryOf(Destination));
  const size_t NameAt = Destination.rfind('/') + 1; // 0 without a slash
  const bool TooLong = Destination.size() - NameAt > MaxRepeatedName;
  const std::string Stem =
      TooLong ? Destination.substr(0, NameAt) + "output" : Destination;
  // Otherwise a file could appear after the handler of a signal looked for it.
  StopSignalsWait Wait;
  // O_EXCL: neither a file nor a link that somebody else put there is used.
  for (;;) {
    std::string Path = concat(Stem, identity().Prefix, Count.fetch_add(1));
    int Descriptor =
        ::open(Path.c_str(),
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (Descriptor >= 0)
      return TemporaryFile{Descriptor, std::move(Path)};
    if (errno != EEXIST && errno != EINTR)
      return makeError("cannot create ", Destination, ": ",
                       std::strerror(errno));
  }
}

void m1::removeOwnTemporaries() {
  for (DirectoryNode *D = Directories.load(); D; D = D->Next)
    removeFrom(D->Path.c_str(), isOwn);
}
