//===- CheckpointFilesTest.cpp - which files are read ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/Checkpoint.h"

#include <filesystem>
#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {
/// A directory with a.safetensors, which has tensor x, and b.safetensors, which
/// has y; without an index.
class CheckpointFilesTest : public testing::Test {
protected:
  void SetUp() override {
    writeFile(Directory.path("a.safetensors"), fileOf("x"));
    writeFile(Directory.path("b.safetensors"), fileOf("y"));
  }
  static std::string fileOf(const std::string &Tensor) {
    return safetensors("{\"" + Tensor +
                           R"(":{"dtype":"U8","shape":[3],)"
                           R"("data_offsets":[0,3]}})",
                       3);
  }
  void writeIndex(const std::string &WeightMap) {
    writeFile(Directory.path("model.safetensors.index.json"),
              R"({"metadata":{"total_size":5},"weight_map":)" + WeightMap +
                  "}");
  }
  std::string openError() {
    return message(Checkpoint::open(Directory.root()).status());
  }
  std::string openError(const std::string &WeightMap) {
    writeIndex(WeightMap);
    return openError();
  }
  std::vector<std::string> tensors() {
    Weights = value(Checkpoint::open(Directory.root()));
    std::vector<std::string> Names;
    for (const auto &[Name, Info] : Weights->tensors())
      Names.push_back(Name);
    return Names;
  }
  TemporaryDirectory Directory;
  std::unique_ptr<Checkpoint> Weights; ///< of the last call of `tensors`
};

const char BothFiles[] = R"({"x":"a.safetensors","y":"b.safetensors"})";

TEST_F(CheckpointFilesTest, FindsTensorsInTheirFiles) {
  writeIndex(BothFiles);
  EXPECT_THAT(tensors(), ElementsAre("x", "y"));
  EXPECT_EQ(Weights->fileOf(*Weights->find("y")),
            Directory.path("b.safetensors"));
  EXPECT_EQ(value(Weights->data(*Weights->find("x"))).size(), 3u);
  EXPECT_EQ(Weights->find("z"), nullptr);
  EXPECT_EQ(Weights->note(), "");
}
TEST_F(CheckpointFilesTest, WithoutAnIndexReadsAllFiles) {
  writeFile(Directory.path("._a.safetensors"), "macOS");
  writeFile(Directory.path(".safetensors"), "hidden");
  EXPECT_THAT(tensors(), ElementsAre("x", "y"));
}
TEST_F(CheckpointFilesTest, OtherFilesAreIgnored) {
  writeFile(Directory.path("consolidated.safetensors"), fileOf("x"));
  writeIndex(BothFiles);
  EXPECT_THAT(tensors(), ElementsAre("x", "y"));
  writeFile(Directory.path("model.safetensors"), fileOf("s"));
  EXPECT_THAT(tensors(), ElementsAre("s"));
}
TEST_F(CheckpointFilesTest, FilesInFolders) {
  fs::create_directory(Directory.path("sub"));
  fs::rename(Directory.path("a.safetensors"),
             Directory.path("sub/a.safetensors"));
  for (const char *Name : {"sub/a.safetensors", "./sub//a.safetensors",
                           "b/../sub/./a.safetensors"}) {
    writeIndex("{\"x\":\"" + std::string(Name) + R"(","y":"./b.safetensors"})");
    EXPECT_THAT(tensors(), ElementsAre("x", "y")) << Name;
    EXPECT_EQ(Weights->fileOf(*Weights->find("x")),
              Directory.path("sub/a.safetensors"));
  }
}
TEST_F(CheckpointFilesTest, FilesOutsideTheDirectory) {
  for (const char *Name :
       {"../a.safetensors", "sub/../../a.safetensors", "/a.safetensors", "",
        ".", "sub/", "..", "a\\u0000.safetensors"})
    EXPECT_THAT(openError("{\"x\":\"" + std::string(Name) + "\"}"),
                HasSubstr("is not the name of a file in the index's directory"))
        << Name;
}

TEST_F(CheckpointFilesTest, TheSingleFileComesFirst) {
  writeFile(Directory.path("model.safetensors"), fileOf("s"));
  // Of an earlier save; both are complete.
  writeIndex(BothFiles);
  EXPECT_THAT(tensors(), ElementsAre("s"));
  EXPECT_EQ(Weights->note(),
            Directory.root() +
                ": found both model.safetensors and "
                "model.safetensors.index.json, which names other files: "
                "reading model.safetensors, as transformers does");
  fs::remove(Directory.path("a.safetensors"));
  EXPECT_THAT(tensors(), ElementsAre("s"));
  EXPECT_THAT(Weights->note(), HasSubstr("other files, 1 of which does not "
                                         "exist: reading"));
  writeFile(Directory.path("model.safetensors.index.json"), "{");
  EXPECT_THAT(tensors(), ElementsAre("s"));
  EXPECT_THAT(Weights->note(), HasSubstr("which is damaged: reading"));
}
TEST_F(CheckpointFilesTest, AnIndexOfTheSingleFile) {
  writeFile(Directory.path("model.safetensors"), fileOf("s"));
  writeIndex(R"({"s":"model.safetensors"})");
  EXPECT_THAT(tensors(), ElementsAre("s"));
  EXPECT_EQ(Weights->note(), "");
  EXPECT_THAT(openError(R"({"s":"model.safetensors",)"
                        R"("t":"model.safetensors"})"),
              HasSubstr("no tensor 't', which the index puts there"));
}

TEST_F(CheckpointFilesTest, MissingFiles) {
  EXPECT_THAT(openError(R"({"x":"a.safetensors","y":"c.safetensors"})"),
              HasSubstr("index.json: c.safetensors is missing"));
  EXPECT_THAT(openError(R"({"x":"d.safetensors","y":"c.safetensors"})"),
              HasSubstr("index.json: c.safetensors and 1 more are missing"));
}
TEST_F(CheckpointFilesTest, FilesThatDifferFromTheIndex) {
  EXPECT_THAT(openError(R"({"x":"a.safetensors","y":"b.safetensors",)"
                        R"("z":"b.safetensors"})"),
              HasSubstr("b.safetensors: no tensor 'z', which the index"));
  EXPECT_THAT(openError(R"({"x":"b.safetensors","y":"a.safetensors"})"),
              HasSubstr("tensor 'x' should be in b.safetensors"));
  EXPECT_THAT(openError(R"({"x":"a.safetensors","z":"b.safetensors"})"),
              HasSubstr("tensor 'y' is not in the index"));
}
TEST_F(CheckpointFilesTest, OneTensorInTwoFiles) {
  writeFile(Directory.path("c.safetensors"), fileOf("x"));
  EXPECT_THAT(openError(), HasSubstr("c.safetensors: tensor 'x' is also in"));
}

TEST_F(CheckpointFilesTest, DamagedIndex) {
  EXPECT_THAT(openError("3"), HasSubstr("no object 'weight_map'"));
  EXPECT_THAT(openError(R"({"x":3})"), HasSubstr("'x' has no file name"));
  EXPECT_THAT(openError(R"({"x":"a.safetensors","x":"b.safetensors"})"),
              HasSubstr("duplicate key 'weight_map.x'"));
  EXPECT_THAT(openError(R"({},"weight_map":{})"),
              HasSubstr("duplicate key 'weight_map'"));
  EXPECT_THAT(openError("{"), HasSubstr("index.json: line 1, column "));
  EXPECT_THAT(openError(std::string(100000, '[')), HasSubstr("nested deeper"));
  std::string Long(1001, 'n');
  EXPECT_THAT(openError("{\"" + Long + "\":\"a.safetensors\"}"),
              HasSubstr("has 1001 bytes, expected at most 1000"));
  EXPECT_THAT(openError("{\"x\":\"" + Long + "\"}"),
              HasSubstr("has 1001 bytes, expected at most 1000"));
}

TEST_F(CheckpointFilesTest, LinksAndOtherThings) {
  std::string Model = Directory.path("model.safetensors");
  fs::create_symlink("model.safetensors", Model);
  EXPECT_THAT(openError(), HasSubstr("cannot open " + Model +
                                     ": Too many levels of symbolic links"));
  fs::remove(Model);
  fs::create_symlink("gone", Model);
  EXPECT_THAT(openError(), HasSubstr("a symbolic link to a file that does not "
                                     "exist"));
  fs::remove(Model);
  fs::create_directory(Model);
  EXPECT_THAT(openError(),
              HasSubstr("expected a regular file, found a directory"));
  fs::remove(Model);
  fs::create_symlink("a.safetensors", Model);
  EXPECT_THAT(tensors(), ElementsAre("x"));
  fs::remove(Model);

  std::string Index = Directory.path("model.safetensors.index.json");
  fs::create_symlink("model.safetensors.index.json", Index);
  EXPECT_THAT(openError(), HasSubstr("Too many levels"));
  fs::remove(Index);
  fs::create_symlink("loop.safetensors", Directory.path("loop.safetensors"));
  EXPECT_THAT(openError(R"({"x":"loop.safetensors"})"),
              HasSubstr("Too many levels"));
}
TEST_F(CheckpointFilesTest, OtherFormats) {
  TemporaryDirectory Empty;
  auto Error = [&](const char *Name) {
    writeFile(Empty.path(Name), "");
    std::string Result = message(Checkpoint::open(Empty.root()).status());
    fs::remove(Empty.path(Name));
    return Result;
  };
  for (const char *Name :
       {"pytorch_model.bin", "pytorch_model-00001-of-00002.bin",
        "pytorch_model.bin.index.json", "m.gguf", "consolidated.00.pth"})
    EXPECT_THAT(Error(Name), HasSubstr(std::string("found ") + Name +
                                       ", expected safetensors files"));
  EXPECT_THAT(Error("config.json"), HasSubstr("no safetensors files"));
  EXPECT_TRUE(value(findCheckpointFiles(Empty.root())).Names.empty());
  EXPECT_THAT(message(Checkpoint::open(Empty.path("none")).status()),
              HasSubstr("no such file"));
  EXPECT_THAT(
      message(Checkpoint::open(Directory.path("a.safetensors/none")).status()),
      HasSubstr("Not a directory"));
}
} // namespace
