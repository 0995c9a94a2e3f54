//===- OutputFile.cpp - files that appear when complete -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/OutputFile.h"

#include "runtime/support/File.h"
#include "runtime/support/StopSignals.h"
#include "runtime/support/Temporaries.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace m1;

namespace {
/// Few large writes instead of many small ones.
constexpr size_t BufferBytes = size_t(1) << 20;

/// Up to this many files of a group are written to the disk one by one, which
/// takes some milliseconds each. More are written by one syncfs() per
/// directory, which also writes what other processes have changed on the same
/// file system. On ext4, 800 files of 500 kB took 2.3 s one by one and 0.3 s at
/// once, 1,600 files of 1 kB 0.7 to 4.5 s and 0.04 s.
constexpr size_t MaxSavedSingly = 16;

/// Whether a file system just cannot do what was asked for, in which case
/// nothing is lost by going on.
bool isUnsupported(int Reason) {
  return Reason == EINVAL || Reason == ENOSYS || Reason == ENOTSUP ||
         Reason == EROFS;
}

/// The name at the end of a chain of links, which need not exist. An error is a
/// value of errno.
int followLinks(std::string &Path) {
  constexpr int MaxLinks = 40; // the kernel's limit
  for (int I = 0; I < MaxLinks; ++I) {
    struct stat Stat;
    // What /proc/self/fd/N says is no name that can be opened.
    if (descriptorOf(Path) || ::lstat(Path.c_str(), &Stat) != 0 ||
        !S_ISLNK(Stat.st_mode))
      return 0;
    std::string Target(4096, '\0'); // PATH_MAX
    ssize_t Length = ::readlink(Path.c_str(), Target.data(), Target.size());
    if (Length < 0)
      return errno;
    Target.resize(Length);
    Path = Target.starts_with("/") ? Target
                                   : concat(directoryOf(Path), "/", Target);
  }
  return ELOOP;
}
} // namespace

absl::StatusOr<std::unique_ptr<OutputFile>>
OutputFile::create(const std::string &Path) {
  std::unique_ptr<OutputFile> Result(new OutputFile);
  Result->Path = Path;
  std::string Target = Path;
  if (int Reason = followLinks(Target))
    return Result->failure("create", Reason);
  if (std::optional<int> Number = descriptorOf(Target)) {
    M1_RETURN_IF_ERROR(
        Result->openDirectly(::fcntl(*Number, F_DUPFD_CLOEXEC, 0)));
    return Result;
  }
  if (struct stat Stat; ::stat(Target.c_str(), &Stat) == 0) {
    if (S_ISCHR(Stat.st_mode) || S_ISFIFO(Stat.st_mode)) {
      M1_RETURN_IF_ERROR(Result->openDirectly(
          ::open(Target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)));
      return Result;
    }
    if (S_ISDIR(Stat.st_mode))
      return Result->failure("create", EISDIR);
    if (!S_ISREG(Stat.st_mode))
      return makeError("cannot create ", Path,
                       ": a socket or a block device has this name");
  }
  M1_ASSIGN_OR_RETURN(TemporaryFile Made, createTemporary(Target));
  Result->Path = std::move(Target);
  Result->Temporary = std::move(Made.Path);
  Result->Descriptor = Made.Descriptor;
  return Result;
}

absl::Status OutputFile::openDirectly(int Opened) {
  Descriptor = Opened;
  return Opened < 0 ? failure("create", errno) : absl::OkStatus();
}

OutputFile::~OutputFile() {
  if (Descriptor >= 0)
    ::close(Descriptor);
  if (!Temporary.empty())
    ::unlink(Temporary.c_str());
}

absl::Status OutputFile::failure(const char *Action, int Reason) const {
  return makeError("cannot ", Action, " ", Path, ": ", std::strerror(Reason));
}

absl::Status OutputFile::write(const void *Data, size_t Bytes) {
  const char *Begin = static_cast<const char *>(Data);
  if (Buffer.size() + Bytes > BufferBytes)
    M1_RETURN_IF_ERROR(flush());
  if (Bytes > BufferBytes)
    return writeAll(Begin, Bytes);
  Buffer.insert(Buffer.end(), Begin, Begin + Bytes);
  return absl::OkStatus();
}

absl::Status OutputFile::writeAll(const char *Data, size_t Bytes) {
  for (size_t Done = 0; Done < Bytes;) {
    const ssize_t Count = ::write(Descriptor, Data + Done, Bytes - Done);
    const int Reason = errno;
    if (Count < 0 && Reason == EINTR)
      continue;
    // No file takes 0 of some bytes; a loop would not end.
    if (Count <= 0)
      return failure("write", Count < 0 ? Reason : ENOSPC);
    Done += Count;
  }
  return absl::OkStatus();
}

absl::Status OutputFile::flush() {
  M1_RETURN_IF_ERROR(writeAll(Buffer.data(), Buffer.size()));
  Buffer.clear();
  return absl::OkStatus();
}

absl::Status OutputFile::close() {
  M1_RETURN_IF_ERROR(flush());
  std::vector<char>().swap(Buffer);
  // Some file systems report a full disk only here.
  const int Closed = ::close(std::exchange(Descriptor, -1));
  return Closed == 0 ? absl::OkStatus() : failure("write", errno);
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

absl::Status OutputFile::saveData() const {
  const int Number = ::open(Temporary.c_str(), O_RDONLY | O_CLOEXEC);
  // With some values of umask, not even the owner may read it.
  if (Number < 0)
    return errno == EACCES ? absl::OkStatus() : failure("write", errno);
  const int Reason = ::fdatasync(Number) == 0 ? 0 : errno;
  ::close(Number);
  return Reason == 0 || isUnsupported(Reason) ? absl::OkStatus()
                                              : failure("write", Reason);
}

absl::Status OutputFile::rename() {
  if (::rename(Temporary.c_str(), Path.c_str()) != 0)
    return failure("create", errno);
  Temporary.clear();
  return absl::OkStatus();
}

/// Calls `Save`, fsync() or syncfs(), on each directory.
static absl::Status saveDirectories(const std::set<std::string> &Directories,
                                    int (*Save)(int Descriptor)) {
  for (const std::string &Directory : Directories) {
    const int Number =
        ::open(Directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Files can be made in a directory that must not be read.
    if (Number < 0)
      continue;
    const int Reason = Save(Number) == 0 ? 0 : errno;
    ::close(Number);
    if (Reason != 0 && !isUnsupported(Reason))
      return makeError("cannot write to directory ", Directory, ": ",
                       std::strerror(Reason));
  }
  return absl::OkStatus();
}

absl::Status m1::saveDirectory(const std::string &Path) {
  return saveDirectories({Path}, ::fsync);
}

absl::Status m1::commit(const OutputFiles &Files, bool WaitForDisk) {
  std::vector<OutputFile *> Renamed;
  std::set<std::string> Directories;
  for (const std::unique_ptr<OutputFile> &File : Files)
    if (!File->Temporary.empty()) {
      Renamed.push_back(File.get());
      Directories.insert(directoryOf(File->Path));
    }
  if (WaitForDisk && Renamed.size() > MaxSavedSingly)
    M1_RETURN_IF_ERROR(saveDirectories(Directories, ::syncfs));
  else if (WaitForDisk)
    for (const OutputFile *File : Renamed)
      M1_RETURN_IF_ERROR(File->saveData());
  {
    StopSignalsWait Wait;
    for (OutputFile *File : Renamed)
      M1_RETURN_IF_ERROR(File->rename());
  }
  return WaitForDisk ? saveDirectories(Directories, ::fsync) : absl::OkStatus();
}

absl::Status m1::commit(std::unique_ptr<OutputFile> File) {
  OutputFiles One;
  One.push_back(std::move(File));
  return commit(One);
}

absl::Status m1::createDirectories(const std::string &Path) {
  std::error_code Code;
  std::filesystem::create_directories(Path, Code);
  if (Code)
    return makeError("cannot create directory ", Path, ": ", Code.message());
  return absl::OkStatus();
}
