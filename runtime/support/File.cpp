//===- File.cpp - files that are read -------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/File.h"

#include "runtime/support/MappingFaults.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace m1;

namespace {
std::string reason() { return std::strerror(errno); }

/// Closes a descriptor at the end of a scope.
class Descriptor {
public:
  explicit Descriptor(int Number) : Number(Number) {}
  Descriptor(Descriptor &&Other) noexcept
      : Number(std::exchange(Other.Number, -1)) {}
  ~Descriptor() {
    if (Number >= 0)
      ::close(Number);
  }
  operator int() const { return Number; }

private:
  int Number;
};

/// "a FIFO": what a file is that is not a regular one.
const char *kindOf(const struct stat &Stat) {
  if (S_ISDIR(Stat.st_mode))
    return "a directory";
  if (S_ISFIFO(Stat.st_mode))
    return "a FIFO";
  if (S_ISSOCK(Stat.st_mode))
    return "a socket";
  return "a device";
}

/// Opens a regular file.
absl::StatusOr<Descriptor> openRegular(const std::string &Path,
                                       struct stat &Stat) {
  // The kind is checked before the file is opened, because opening a device can
  // act on it, and afterwards, because the file can be another one by then; the
  // flags are against that case.
  if (::stat(Path.c_str(), &Stat) != 0)
    return makeError("cannot open ", Path, ": ", reason());
  M1_RETURN_IF_ERROR(checkRegular(Path, Stat));
  Descriptor File(
      ::open(Path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (File < 0)
    return makeError("cannot open ", Path, ": ", reason());
  if (::fstat(File, &Stat) != 0)
    return makeError("cannot read ", Path, ": ", reason());
  M1_RETURN_IF_ERROR(checkRegular(Path, Stat));
  return File;
}

/// Reads to the end. `Expected` is how many bytes there are likely to be.
absl::StatusOr<std::string> readAll(int File, const std::string &Path,
                                    uint64_t MaxBytes, uint64_t Expected) {
  std::string Result;
  Result.reserve(Expected);
  char Buffer[1 << 16];
  for (;;) {
    const ssize_t Count = ::read(File, Buffer, sizeof Buffer);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return makeError("cannot read ", Path, ": ", reason());
    if (Count == 0)
      return Result;
    Result.append(Buffer, Count);
    if (Result.size() > MaxBytes)
      return makeError("cannot read ", Path, ": more than ", MaxBytes,
                       " bytes");
  }
}
} // namespace

FileVersion::FileVersion(const struct stat &Stat)
    : Bytes(Stat.st_size), Seconds(Stat.st_mtim.tv_sec),
      Nanoseconds(Stat.st_mtim.tv_nsec) {}

absl::StatusOr<std::unique_ptr<MappedFile>>
MappedFile::open(const std::string &Path) {
  struct stat Stat;
  M1_ASSIGN_OR_RETURN(Descriptor File, openRegular(Path, Stat));
  std::unique_ptr<MappedFile> Result(new MappedFile(Stat));
  if (Result->Size == 0)
    return Result;
  void *Address =
      ::mmap(nullptr, Result->Size, PROT_READ, MAP_PRIVATE, File, 0);
  if (Address == MAP_FAILED)
    return makeError("cannot map ", Path, ": ", reason());
  Result->Data = static_cast<const std::byte *>(Address);
  Result->Live = addMapping(Address, Path, Stat);
  return Result;
}

MappedFile::~MappedFile() {
  if (!Data)
    return;
  if (Live) // not if there was no memory for it
    removeMapping(Live);
  ::munmap(const_cast<std::byte *>(Data), Size);
}

void MappedFile::release(uint64_t Offset, uint64_t Bytes) const {
  uint64_t Page = ::sysconf(_SC_PAGESIZE);
  uint64_t Begin = (Offset + Page - 1) / Page * Page;
  uint64_t End = (Offset + Bytes) / Page * Page;
  if (Begin < End)
    ::madvise(const_cast<std::byte *>(Data) + Begin, End - Begin,
              MADV_DONTNEED);
}

absl::Status m1::checkRegular(const std::string &Path,
                              const struct stat &Stat) {
  if (S_ISREG(Stat.st_mode))
    return absl::OkStatus();
  return makeError("cannot read ", Path, ": expected a regular file, found ",
                   kindOf(Stat));
}

absl::StatusOr<bool> m1::exists(const std::string &Path) {
  struct stat Stat;
  if (::stat(Path.c_str(), &Stat) == 0)
    return true;
  if (errno == ENOENT || errno == ENOTDIR)
    return false;
  return makeError("cannot open ", Path, ": ", reason());
}

absl::StatusOr<FileVersion> m1::fileVersion(const std::string &Path) {
  struct stat Stat;
  M1_ASSIGN_OR_RETURN(Descriptor File, openRegular(Path, Stat));
  return FileVersion(Stat);
}

absl::StatusOr<uint64_t> m1::fileSize(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(FileVersion Version, fileVersion(Path));
  return Version.Bytes;
}

absl::StatusOr<std::string> m1::readFileRange(const std::string &Path,
                                              uint64_t Offset, uint64_t Bytes) {
  struct stat Stat;
  M1_ASSIGN_OR_RETURN(Descriptor File, openRegular(Path, Stat));
  const uint64_t Size = Stat.st_size;
  std::string Result;
  if (Offset >= Size)
    return Result;
  Result.resize(std::min(Bytes, Size - Offset));
  size_t Done = 0;
  while (Done < Result.size()) {
    ssize_t Count = ::pread(File, Result.data() + Done, Result.size() - Done,
                            Offset + Done);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return makeError("cannot read ", Path, ": ", reason());
    if (Count == 0)
      break;
    Done += Count;
  }
  Result.resize(Done);
  return Result;
}

absl::StatusOr<std::string> m1::readWholeFile(const std::string &Path,
                                              uint64_t MaxBytes) {
  struct stat Stat;
  M1_ASSIGN_OR_RETURN(Descriptor File, openRegular(Path, Stat));
  if (static_cast<uint64_t>(Stat.st_size) > MaxBytes)
    return makeError("cannot read ", Path, ": ", Stat.st_size,
                     " bytes, expected at most ", MaxBytes);
  return readAll(File, Path, MaxBytes, Stat.st_size);
}

absl::StatusOr<std::string> m1::readFileOrPipe(const std::string &Path,
                                               uint64_t MaxBytes) {
  const std::optional<int> Number =
      Path == "-" ? STDIN_FILENO : descriptorOf(Path);
  struct stat Stat;
  if (Number && ::fstat(*Number, &Stat) == 0 &&
      (Path == "-" || S_ISFIFO(Stat.st_mode)))
    return readAll(*Number, Path == "-" ? "standard input" : Path, MaxBytes,
                   /*Expected=*/0);
  return readWholeFile(Path, MaxBytes);
}

std::optional<int> m1::descriptorOf(const std::string &Path) {
  constexpr std::string_view Names[] = {"/dev/stdin", "/dev/stdout",
                                        "/dev/stderr"};
  for (int Number = 0; Number < 3; ++Number)
    if (Path == Names[Number])
      return Number;
  std::string_view Digits = Path;
  for (std::string_view Folder : {"/dev/fd/", "/proc/self/fd/"})
    if (Digits.starts_with(Folder))
      Digits.remove_prefix(Folder.size());
  int Number = 0;
  auto [End, Code] =
      std::from_chars(Digits.data(), Digits.data() + Digits.size(), Number);
  if (Digits.size() == Path.size() || Code != std::errc() || Number < 0 ||
      End != Digits.data() + Digits.size())
    return std::nullopt;
  return Number;
}
