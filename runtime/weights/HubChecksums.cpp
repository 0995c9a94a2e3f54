//===- HubChecksums.cpp - checksums that downloads leave ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/HubChecksums.h"

#include "runtime/support/File.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>

using namespace m1;
namespace fs = std::filesystem;

namespace {
/// Links that are followed to a blob. The cache has one from a snapshot to the
/// blob; users link to snapshots.
constexpr int MaxLinks = 8;
/// Bytes of a .metadata file that are read; it has some 130.
constexpr uint64_t MaxMetadataBytes = 4096;

bool isSha256(const std::string &Text) {
  return Text.size() == 64 &&
         Text.find_first_not_of("0123456789abcdef") == Text.npos;
}

/// The name of the first blobs/SHA256 that the file is a link to, or "". Blobs
/// may be links themselves, to files named by another hash.
std::string blobName(fs::path Path) {
  for (int I = 0; I < MaxLinks; ++I) {
    std::error_code Code;
    fs::path Target = fs::read_symlink(Path, Code);
    if (Code)
      break; // not a link
    Path = Path.parent_path() / Target;
    std::string Name = Path.filename().string();
    if (isSha256(Name) && Path.parent_path().filename() == "blobs")
      return Name;
  }
  return "";
}
} // namespace

absl::StatusOr<HubChecksum> m1::findHubChecksum(const std::string &Directory,
                                                const std::string &Name) {
  fs::path File = fs::path(Directory) / Name;
  HubChecksum Result;
  Result.Sha256 = blobName(File);
  if (!Result.Sha256.empty())
    return Result;

  // Commit, ETag and time of the download, one a line. The ETag of a file in
  // large file storage is its SHA-256.
  std::string Metadata = (fs::path(Directory) / ".cache/huggingface/download" /
                          (Name + ".metadata"))
                             .string();
  M1_ASSIGN_OR_RETURN(bool Exists, exists(Metadata));
  if (!Exists)
    return Result;
  M1_ASSIGN_OR_RETURN(std::string Text,
                      readFileRange(Metadata, 0, MaxMetadataBytes));
  std::istringstream Lines(Text);
  std::string Commit, ETag, Time;
  Lines >> Commit >> ETag >> Time;
  if (!isSha256(ETag))
    return Result;
  struct stat Stat;
  if (::stat(File.c_str(), &Stat) != 0)
    return makeError("cannot open ", File.string(), ": ", std::strerror(errno));
  // With a second's tolerance, as in huggingface_hub.
  Result.Outdated = Stat.st_mtime - 1 > std::strtod(Time.c_str(), nullptr);
  if (!Result.Outdated)
    Result.Sha256 = ETag;
  return Result;
}
