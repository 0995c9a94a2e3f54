//===- VerifyWeights.cpp - finds damaged weights --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/VerifyWeights.h"

#include "runtime/support/File.h"
#include "runtime/support/OutputFile.h"
#include "runtime/weights/Checkpoint.h"
#include "runtime/weights/HubChecksums.h"

#include <algorithm>
#include <filesystem>
#include <new>

using namespace m1;

namespace {
/// "1 file", "3 files".
std::string counted(size_t Count, const char *Noun) {
  return concat(Count, " ", Noun, Count == 1 ? "" : "s");
}

/// The checksums of the files' downloads.
struct Downloads {
  std::vector<HubChecksum> Checksums; ///< of each file
  std::vector<bool> Known;
  size_t Count = 0; ///< of those known
  size_t Outdated = 0;

  static absl::StatusOr<Downloads> find(const Checkpoint &Weights) {
    Downloads Result;
    for (size_t I = 0; I < Weights.files().size(); ++I) {
      std::filesystem::path Path = Weights.files()[I];
      std::string Directory = Weights.directory();
      std::string Name = Weights.names()[I];
      if (Directory.empty()) { // the checkpoint is one file
        Directory = Path.has_parent_path() ? Path.parent_path().string() : ".";
        Name = Path.filename().string();
      }
      M1_ASSIGN_OR_RETURN(HubChecksum Checksum,
                          findHubChecksum(Directory, Name));
      Result.Known.push_back(!Checksum.Sha256.empty());
      Result.Count += Result.Known.back();
      Result.Outdated += Checksum.Outdated;
      Result.Checksums.push_back(std::move(Checksum));
    }
    return Result;
  }

  absl::Status compare(const Checkpoint &Weights,
                       const FileHashes &Hashes) const {
    for (size_t I = 0; I < Known.size(); ++I)
      if (Known[I] && Hashes.Sha256[I] != Checksums[I].Sha256)
        return makeError(Weights.files()[I], ": found SHA-256 ",
                         Hashes.Sha256[I], ", expected ", Checksums[I].Sha256,
                         " from its download: the weights are damaged, or "
                         "changed since");
    return absl::OkStatus();
  }

  /// The error that not all files have a checksum.
  absl::Status noneFor(const Checkpoint &Weights,
                       const std::string &Digests) const {
    size_t I = std::find(Known.begin(), Known.end(), false) - Known.begin();
    return makeError("nothing to verify the weights with: there is no ",
                     Digests, ", which m1run digest writes, and ",
                     Weights.files()[I],
                     Checksums[I].Outdated ? " was written after its download"
                                           : " has no checksum of a download");
  }
};

absl::StatusOr<std::string> verify(const Checkpoint &Weights,
                                   const std::string &Given,
                                   const HashOptions &Options) {
  std::string Path = Given.empty() ? DigestFile::defaultPath(Weights) : Given;
  bool HasDigests = true;
  if (Given.empty()) {
    M1_ASSIGN_OR_RETURN(HasDigests, exists(Path));
  }
  size_t Files = Weights.files().size(), Tensors = Weights.tensors().size();
  if (HasDigests) {
    M1_ASSIGN_OR_RETURN(DigestFile Expected, DigestFile::read(Path));
    M1_RETURN_IF_ERROR(Expected.checkTensors(Weights));
    M1_ASSIGN_OR_RETURN(FileHashes Hashes,
                        hashFiles(Weights, /*Tensors=*/true,
                                  std::vector<bool>(Files), Options));
    M1_RETURN_IF_ERROR(Expected.compare(Weights, Hashes.Tensors));
    return concat(counted(Tensors, "tensor"),
                  Tensors == 1 ? " agrees with " : " agree with ", Path);
  }
  M1_ASSIGN_OR_RETURN(Downloads Expected, Downloads::find(Weights));
  if (Expected.Count < Files)
    return Expected.noneFor(Weights, Path);
  M1_ASSIGN_OR_RETURN(FileHashes Hashes, hashFiles(Weights, /*Tensors=*/false,
                                                   Expected.Known, Options));
  M1_RETURN_IF_ERROR(Expected.compare(Weights, Hashes));
  return concat(counted(Files, "file"), Files == 1 ? " agrees" : " agree",
                " with the SHA-256 of the download");
}

absl::StatusOr<std::string> create(const Checkpoint &Weights,
                                   const std::string &Given,
                                   const HashOptions &Options) {
  std::string Path = Given.empty() ? DigestFile::defaultPath(Weights) : Given;
  M1_ASSIGN_OR_RETURN(bool Exists, exists(Path));
  if (Exists)
    return verify(Weights, Path, Options);
  // First, because hashing may take long.
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File,
                      OutputFile::create(Path));
  M1_ASSIGN_OR_RETURN(Downloads Expected, Downloads::find(Weights));
  M1_ASSIGN_OR_RETURN(FileHashes Hashes, hashFiles(Weights, /*Tensors=*/true,
                                                   Expected.Known, Options));
  M1_RETURN_IF_ERROR(Expected.compare(Weights, Hashes));
  std::string Text = DigestFile::write(Weights, Hashes.Tensors);
  M1_RETURN_IF_ERROR(File->write(Text.data(), Text.size()));
  M1_RETURN_IF_ERROR(File->close());
  M1_RETURN_IF_ERROR(commit(std::move(File)));
  std::string Compared;
  if (Expected.Count)
    Compared = concat("; ", Expected.Count, " of ",
                      counted(Weights.files().size(), "file"),
                      Expected.Count == 1 ? " agrees" : " agree",
                      " with the SHA-256 of the download");
  if (Expected.Outdated)
    Compared += concat("; ", counted(Expected.Outdated, "file"),
                       Expected.Outdated == 1 ? " was" : " were",
                       " written after the download, and not compared with it");
  return concat("wrote ", Path, ": ",
                counted(Weights.tensors().size(), "tensor"), Compared);
}

/// Runs `Body`, and turns its lack of memory into an error.
template <typename BodyT>
absl::StatusOr<std::string> withoutBadAlloc(BodyT Body) {
  try {
    return Body();
  } catch (const std::bad_alloc &) {
    return makeError("not enough memory to verify the weights");
  }
}
} // namespace

absl::StatusOr<std::string> m1::verifyWeights(const Checkpoint &Weights,
                                              const std::string &Digests,
                                              const HashOptions &Options) {
  return withoutBadAlloc([&] { return verify(Weights, Digests, Options); });
}

absl::StatusOr<std::string> m1::writeDigests(const Checkpoint &Weights,
                                             const std::string &Digests,
                                             const HashOptions &Options) {
  return withoutBadAlloc([&] { return create(Weights, Digests, Options); });
}
