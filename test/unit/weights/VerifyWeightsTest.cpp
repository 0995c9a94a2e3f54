//===- VerifyWeightsTest.cpp - digests and checksums of weights -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/Checkpoint.h"
#include "runtime/weights/HubChecksums.h"
#include "runtime/weights/VerifyWeights.h"

#include <filesystem>
#include <gmock/gmock.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace m1;
using namespace m1::test;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {
// In FIPS 180-2.
const char Sha256OfAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// a.safetensors has "big", of more than two reads, and "empty"; b.safetensors
/// has "small" and "last".
class VerifyWeightsTest : public testing::Test {
protected:
  static constexpr size_t BigBytes = 2'500'001;

  void SetUp() override {
    writeFile(Directory.path("a.safetensors"),
              safetensors(R"({"big":{"dtype":"U8","shape":[2500001],)"
                          R"("data_offsets":[0,2500001]},)"
                          R"("empty":{"dtype":"F32","shape":[0],)"
                          R"("data_offsets":[2500001,2500001]}})",
                          BigBytes));
    writeFile(Directory.path("b.safetensors"),
              safetensors(R"({"small":{"dtype":"U8","shape":[3],)"
                          R"("data_offsets":[0,3]},)"
                          R"("last":{"dtype":"BF16","shape":[2],)"
                          R"("data_offsets":[3,7]}})",
                          7));
    Digests = Directory.path("model.safetensors.digests.json");
  }

  std::unique_ptr<Checkpoint> open() {
    return value(Checkpoint::open(Directory.root()));
  }
  std::string verify(const HashOptions &Options = {}) {
    return result(verifyWeights(*open(), "", Options));
  }
  std::string write() { return result(writeDigests(*open(), "", {})); }
  static std::string result(const absl::StatusOr<std::string> &Result) {
    return Result.ok() ? *Result : "error: " + message(Result.status());
  }

  /// Flips a bit of a file; an offset below 0 counts from the end.
  void flip(const std::string &Name, int64_t Offset) {
    std::string Bytes = readFile(Directory.path(Name));
    Bytes[Offset < 0 ? Bytes.size() + Offset : Offset] ^= 0x10;
    writeFile(Directory.path(Name), Bytes);
  }
  /// Replaces text in the digest file.
  void edit(const std::string &Old, const std::string &New) {
    std::string Text = readFile(Digests);
    size_t At = Text.find(Old);
    ASSERT_NE(At, Text.npos) << Old;
    writeFile(Digests, Text.replace(At, Old.size(), New));
  }
  std::string sha256(const std::string &Name) {
    std::unique_ptr<Checkpoint> Weights =
        value(Checkpoint::open(Directory.path(Name)));
    return value(hashFiles(*Weights, false, {true}, {})).Sha256[0];
  }

  TemporaryDirectory Directory;
  std::string Digests;
};

TEST(HashFiles, FormatsLikeXxhsum) {
  EXPECT_EQ(format({0x99aa06d3014798d8, 0x6001c324468d497f}),
            "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(format({1, 0xab}), "000000000000000100000000000000ab");
}

TEST_F(VerifyWeightsTest, HashesTensorsAndFiles) {
  std::unique_ptr<Checkpoint> Weights = open();
  FileHashes Both = value(hashFiles(*Weights, true, {true, true}, {}));
  size_t I = 0;
  for (const auto &[Name, Tensor] : Weights->tensors()) {
    std::span<const std::byte> Data = value(Weights->data(Tensor));
    XXH128_hash_t Hash = XXH3_128bits(Data.data(), Data.size());
    EXPECT_EQ(Both.Tensors[I++], (TensorDigest{Hash.high64, Hash.low64}))
        << Name;
  }
  // Empty: the value in the specification of XXH3.
  EXPECT_EQ(format(Both.Tensors[1]), "99aa06d3014798d86001c324468d497f");
  for (unsigned Threads : {1, 2, 7}) {
    HashOptions Options;
    Options.Threads = Threads;
    FileHashes Some = value(hashFiles(*Weights, true, {false, true}, Options));
    EXPECT_EQ(Some.Tensors, Both.Tensors);
    EXPECT_EQ(Some.Sha256[0], "");
    EXPECT_EQ(Some.Sha256[1], Both.Sha256[1]);
    EXPECT_EQ(value(hashFiles(*Weights, false, {true, true}, Options)).Sha256,
              Both.Sha256);
  }
}
TEST_F(VerifyWeightsTest, Sha256IsThatOfTheStandard) {
  TemporaryDirectory Other;
  std::string Path = Other.path("c.safetensors");
  writeFile(Path, safetensors("{}", 0));
  std::unique_ptr<Checkpoint> Weights = value(Checkpoint::open(Path));
  writeFile(Path, "abc");
  EXPECT_EQ(value(hashFiles(*Weights, true, {true}, {})).Sha256[0],
            Sha256OfAbc);
}
TEST_F(VerifyWeightsTest, ReportsProgress) {
  uint64_t Last = 0, Total = 0;
  HashOptions Options;
  Options.Progress = [&](uint64_t Done, uint64_t All) {
    EXPECT_GE(Done, Last);
    Last = Done;
    Total = All;
  };
  write();
  EXPECT_THAT(verify(Options), HasSubstr("4 tensors agree with"));
  EXPECT_EQ(Last, BigBytes + 7);
  EXPECT_EQ(Total, Last);
}
TEST_F(VerifyWeightsTest, CancelledLeavesNothing) {
  HashOptions Options;
  Options.Cancelled = [] { return true; };
  EXPECT_EQ(writeDigests(*open(), "", Options).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(std::distance(fs::directory_iterator(Directory.root()), {}), 2);
}

TEST_F(VerifyWeightsTest, FindsEveryFlippedBit) {
  EXPECT_EQ(write(), "wrote " + Digests + ": 4 tensors");
  EXPECT_EQ(verify(), "4 tensors agree with " + Digests);
  struct {
    const char *File, *Tensor;
    int64_t Offset;
  } Cases[] = {{"a.safetensors", "big", -1},
               {"a.safetensors", "big", -int64_t(BigBytes)},
               {"a.safetensors", "big", -1'500'000},
               {"b.safetensors", "small", -7},
               {"b.safetensors", "small", -5},
               {"b.safetensors", "last", -4},
               {"b.safetensors", "last", -1}};
  for (const auto &Case : Cases) {
    flip(Case.File, Case.Offset);
    EXPECT_EQ(verify(),
              "error: " + Directory.path(Case.File) + ": tensor '" +
                  Case.Tensor + "': the bytes differ from the digest in " +
                  Digests + ": the weights are damaged, or changed since");
    flip(Case.File, Case.Offset);
  }
  flip("a.safetensors", -1);
  flip("b.safetensors", -1);
  EXPECT_THAT(verify(), HasSubstr("tensor 'big' and 1 more: the bytes"));
}
TEST_F(VerifyWeightsTest, DigestsAreNotReplaced) {
  write();
  std::string Before = readFile(Digests);
  EXPECT_EQ(write(), "4 tensors agree with " + Digests);
  flip("a.safetensors", -1);
  EXPECT_THAT(write(), HasSubstr("error: "));
  EXPECT_EQ(readFile(Digests), Before);
}
TEST_F(VerifyWeightsTest, TensorsThatMovedAreTheSame) {
  write();
  fs::rename(Directory.path("a.safetensors"), Directory.path("z.safetensors"));
  EXPECT_EQ(verify(), "4 tensors agree with " + Digests);
}
TEST_F(VerifyWeightsTest, DigestsElsewhere) {
  std::string Elsewhere = Directory.path("d.json");
  EXPECT_THAT(result(verifyWeights(*open(), Elsewhere, {})),
              HasSubstr("d.json: No such file"));
  EXPECT_THAT(result(writeDigests(*open(), Elsewhere, {})),
              HasSubstr("wrote " + Elsewhere));
  EXPECT_THAT(result(verifyWeights(*open(), Elsewhere, {})),
              HasSubstr("agree with " + Elsewhere));
  EXPECT_THAT(verify(), HasSubstr("nothing to verify the weights with"));
  // Of one file.
  std::string File = Directory.path("b.safetensors");
  EXPECT_EQ(result(writeDigests(*value(Checkpoint::open(File)), "", {})),
            "wrote " + File + ".digests.json: 2 tensors");
}
TEST_F(VerifyWeightsTest, ChangedCheckpoints) {
  write();
  const char Since[] = "; the checkpoint has changed since its digests";
  std::string B = Directory.path("b.safetensors");
  edit("\"small\":", "\"other\":");
  EXPECT_EQ(verify(), "error: " + B + ": tensor 'small' is not in " + Digests +
                          Since + " were written");
  edit("\"other\":", "\"small\":");
  edit("\"dtype\": \"BF16\"", "\"dtype\": \"F16\"");
  EXPECT_THAT(verify(), HasSubstr(B +
                                  ": tensor 'last' is BF16 [2], expected "
                                  "F16 [2] from " +
                                  Digests + Since));
  edit("\"dtype\": \"F16\"", "\"dtype\": \"BF16\"");
  edit("\"shape\": [3]", "\"shape\": [3, 1]");
  EXPECT_THAT(verify(), HasSubstr("tensor 'small' is U8 [3], expected U8 [3, "
                                  "1]"));
  edit("\"shape\": [3, 1]", "\"shape\": [3]");
  EXPECT_THAT(verify(), HasSubstr("4 tensors agree"));
  fs::remove(Directory.path("a.safetensors"));
  EXPECT_THAT(verify(), HasSubstr(Digests +
                                  ": tensor 'big' is not in the "
                                  "checkpoint" +
                                  Since));
}
TEST_F(VerifyWeightsTest, DamagedDigests) {
  write();
  std::string Good = readFile(Digests);
  struct {
    const char *Old, *New, *Message;
  } Cases[] = {
      {"m1-digests", "m2", "not a digest file, which m1run digest writes"},
      {"\"version\": 1", "\"version\": 2",
       "version 2 of the format, expected 1"},
      {"\"version\": 1", "\"version\": null", "not a digest file"},
      {"xxh3-128", "md5", "unknown algorithm, expected xxh3-128"},
      {"\"tensors\": {", "\"others\": {", "no object 'tensors'"},
      {"\"small\":", "\"last\":", "duplicate key 'tensors.last'"},
      {"{\"file\"", "3, \"x\": {\"file\"", "tensor 'big': expected an object"},
      {"\"dtype\": \"U8\"", "\"dtype\": \"U9\"",
       "tensor 'big': expected the name of an element type in 'dtype'"},
      {"[2500001]", "[0.5]", "expected a list of numbers in 'shape'"},
      {"[2500001]", "2500001", "expected a list of numbers in 'shape'"},
      {"\"digest\": \"", "\"digest\": \"0",
       "expected 32 hexadecimal digits in 'digest'"},
      {"\"digest\": \"99aa06d3", "\"digest\": \"x9aa06d3",
       "tensor 'empty': expected 32 hexadecimal digits in 'digest'"}};
  for (const auto &Case : Cases) {
    edit(Case.Old, Case.New);
    EXPECT_THAT(verify(), testing::AllOf(HasSubstr("error: " + Digests + ": "),
                                         HasSubstr(Case.Message)));
    writeFile(Digests, Good);
  }
  writeFile(Digests, "[1]");
  EXPECT_THAT(verify(), HasSubstr("not a digest file"));
  fs::remove(Digests);
  fs::create_symlink("model.safetensors.digests.json", Digests);
  EXPECT_THAT(verify(), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(write(), HasSubstr("Too many levels of symbolic links"));
}
TEST_F(VerifyWeightsTest, FilesThatChange) {
  write();
  std::unique_ptr<Checkpoint> Weights = open();
  fs::resize_file(Directory.path("a.safetensors"), 1000);
  EXPECT_THAT(result(verifyWeights(*Weights, "", {})),
              HasSubstr("a.safetensors: the file became shorter"));
  fs::remove(Directory.path("a.safetensors"));
  EXPECT_THAT(result(verifyWeights(*Weights, "", {})),
              HasSubstr("cannot open " + Directory.path("a.safetensors") +
                        ": No such file"));
}

TEST_F(VerifyWeightsTest, ChecksumsOfALocalDownload) {
  std::string Downloads = Directory.path(".cache/huggingface/download");
  fs::create_directories(Downloads);
  auto Write = [&](const std::string &Name, const std::string &ETag,
                   const char *Time = "99999999999.25") {
    writeFile(Downloads + "/" + Name + ".metadata",
              "commit\n" + ETag + "\n" + Time + "\n");
  };
  std::string A = sha256("a.safetensors"), B = sha256("b.safetensors");
  Write("a.safetensors", A);
  EXPECT_THAT(verify(),
              HasSubstr("no " + Digests + ", which m1run digest writes, and " +
                        Directory.path("b.safetensors") +
                        " has no checksum of a download"));
  Write("b.safetensors", "da39a3ee5e6b4b0d3255bfef95601890afd80709"); // of git
  EXPECT_THAT(verify(), HasSubstr("has no checksum of a download"));
  Write("b.safetensors", B, "1000000000.5");
  EXPECT_THAT(verify(), HasSubstr("b.safetensors was written after its "
                                  "download"));
  EXPECT_THAT(write(), HasSubstr("4 tensors; 1 of 2 files agrees with the "
                                 "SHA-256 of the download; 1 file was written "
                                 "after the download, and not compared"));
  fs::remove(Digests);
  Write("b.safetensors", B);
  EXPECT_EQ(verify(), "2 files agree with the SHA-256 of the download");
  flip("b.safetensors", -1);
  for (bool Writes : {false, true})
    EXPECT_THAT(Writes ? write() : verify(),
                HasSubstr("error: " + Directory.path("b.safetensors") +
                          ": found SHA-256 " + sha256("b.safetensors") +
                          ", expected " + B + " from its download"));
  EXPECT_FALSE(fs::exists(Digests));
}
TEST_F(VerifyWeightsTest, ChecksumsOfTheCache) {
  // snapshots/COMMIT/NAME is a link to blobs/SHA256, which may be a link to a
  // file that several repositories share, named by another hash.
  TemporaryDirectory Cache;
  std::string Snapshot = Cache.path("models--a--b/snapshots/commit");
  std::string Shared = Cache.path("blobs/01");
  fs::create_directories(Snapshot);
  fs::create_directories(Cache.path("models--a--b/blobs"));
  fs::create_directories(Shared);
  std::string A = sha256("a.safetensors"), B = sha256("b.safetensors");
  std::string Xet = "01" + std::string(62, '3');
  fs::copy_file(Directory.path("a.safetensors"),
                Cache.path("models--a--b/blobs/" + A));
  fs::copy_file(Directory.path("b.safetensors"), Shared + "/" + Xet);
  fs::create_symlink("../../blobs/01/" + Xet,
                     Cache.path("models--a--b/blobs/" + B));
  fs::create_symlink("../../blobs/" + A, Snapshot + "/a.safetensors");
  fs::create_symlink("../../blobs/" + B, Snapshot + "/b.safetensors");
  EXPECT_EQ(value(findHubChecksum(Snapshot, "b.safetensors")).Sha256, B);
  EXPECT_EQ(result(verifyWeights(*value(Checkpoint::open(Snapshot)), "", {})),
            "2 files agree with the SHA-256 of the download");
  EXPECT_EQ(result(verifyWeights(
                *value(Checkpoint::open(Snapshot + "/a.safetensors")), "", {})),
            "1 file agrees with the SHA-256 of the download");
  flip("b.safetensors", -2);
  writeFile(Shared + "/" + Xet, readFile(Directory.path("b.safetensors")));
  EXPECT_THAT(result(verifyWeights(*value(Checkpoint::open(Snapshot)), "", {})),
              HasSubstr("b.safetensors: found SHA-256 "));
}
} // namespace
