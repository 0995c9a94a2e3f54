//===- File.cpp - mapped input files and atomic output files --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/File.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace m1;

namespace {
std::string reason() { return std::strerror(errno); }

/// Closes a descriptor at the end of a scope.
struct DescriptorCloser {
  int Descriptor;
  ~DescriptorCloser() {
    if (Descriptor >= 0)
      ::close(Descriptor);
  }
};

absl::StatusOr<uint64_t> regularFileSize(int Descriptor,
                                         const std::string &Path) {
  struct stat Stat;
  if (::fstat(Descriptor, &Stat) != 0)
    return makeError("cannot read ", Path, ": ", reason());
  if (!S_ISREG(Stat.st_mode))
    return makeError("cannot read ", Path, ": not a regular file");
  return static_cast<uint64_t>(Stat.st_size);
}
} // namespace

absl::StatusOr<std::unique_ptr<MappedFile>>
MappedFile::open(const std::string &Path) {
  DescriptorCloser File{::open(Path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (File.Descriptor < 0)
    return makeError("cannot open ", Path, ": ", reason());
  M1_ASSIGN_OR_RETURN(uint64_t Size, regularFileSize(File.Descriptor, Path));
  std::unique_ptr<MappedFile> Result(new MappedFile);
  Result->Size = Size;
  if (Size == 0)
    return Result;
  void *Address =
      ::mmap(nullptr, Size, PROT_READ, MAP_PRIVATE, File.Descriptor, 0);
  if (Address == MAP_FAILED)
    return makeError("cannot map ", Path, ": ", reason());
  Result->Data = static_cast<const std::byte *>(Address);
  return Result;
}

MappedFile::~MappedFile() {
  if (Data)
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

absl::StatusOr<uint64_t> m1::fileSize(const std::string &Path) {
  DescriptorCloser File{::open(Path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (File.Descriptor < 0)
    return makeError("cannot open ", Path, ": ", reason());
  return regularFileSize(File.Descriptor, Path);
}

absl::StatusOr<std::string> m1::readFileRange(const std::string &Path,
                                              uint64_t Offset, uint64_t Bytes) {
  DescriptorCloser File{::open(Path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (File.Descriptor < 0)
    return makeError("cannot open ", Path, ": ", reason());
  M1_ASSIGN_OR_RETURN(uint64_t Size, regularFileSize(File.Descriptor, Path));
  std::string Result;
  if (Offset >= Size)
    return Result;
  Result.resize(std::min(Bytes, Size - Offset));
  size_t Done = 0;
  while (Done < Result.size()) {
    ssize_t Count = ::pread(File.Descriptor, Result.data() + Done,
                            Result.size() - Done, Offset + Done);
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

absl::StatusOr<std::unique_ptr<OutputFile>>
OutputFile::create(const std::string &Path) {
  std::unique_ptr<OutputFile> Result(new OutputFile);
  Result->Path = Path;
  if (struct stat Stat;
      ::stat(Path.c_str(), &Stat) == 0 && S_ISDIR(Stat.st_mode)) {
    errno = EISDIR;
    return Result->failure("create");
  }
  Result->Temporary = concat(Path, ".tmp", ::getpid());
  Result->Descriptor = ::open(Result->Temporary.c_str(),
                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (Result->Descriptor < 0)
    return Result->failure("create");
  return Result;
}

OutputFile::~OutputFile() {
  if (Descriptor >= 0)
    ::close(Descriptor);
  if (!Committed && !Temporary.empty())
    ::unlink(Temporary.c_str());
}

absl::Status OutputFile::failure(const char *Action) {
  return makeError("cannot ", Action, " ", Path, ": ", reason());
}

absl::Status OutputFile::write(const void *Data, size_t Bytes) {
  const char *Begin = static_cast<const char *>(Data);
  Buffer.insert(Buffer.end(), Begin, Begin + Bytes);
  // Few large writes instead of many small ones.
  return Buffer.size() >= (1u << 20) ? flush() : absl::OkStatus();
}

absl::Status OutputFile::flush() {
  size_t Done = 0;
  while (Done < Buffer.size()) {
    ssize_t Count =
        ::write(Descriptor, Buffer.data() + Done, Buffer.size() - Done);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return failure("write");
    Done += Count;
  }
  Buffer.clear();
  return absl::OkStatus();
}

absl::Status OutputFile::close() {
  M1_RETURN_IF_ERROR(flush());
  // Some file systems report a full disk only here.
  int Closed = ::close(Descriptor);
  Descriptor = -1;
  return Closed == 0 ? absl::OkStatus() : failure("write");
}

absl::Status OutputFile::commit() {
  if (::rename(Temporary.c_str(), Path.c_str()) != 0)
    return failure("create");
  Committed = true;
  return absl::OkStatus();
}

absl::Status m1::commit(const OutputFiles &Files) {
  for (const std::unique_ptr<OutputFile> &File : Files)
    M1_RETURN_IF_ERROR(File->commit());
  return absl::OkStatus();
}

absl::Status m1::createDirectories(const std::string &Path) {
  std::error_code Code;
  std::filesystem::create_directories(Path, Code);
  if (Code)
    return makeError("cannot create directory ", Path, ": ", Code.message());
  return absl::OkStatus();
}
