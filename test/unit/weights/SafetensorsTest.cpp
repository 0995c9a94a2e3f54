//===- SafetensorsTest.cpp - checkpoints, good and hostile ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/Checkpoint.h"

#include <cstring>

using namespace m1;
using namespace m1::test;
using testing::TestWithParam;

namespace {
const char Tensor[] = R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})";

TEST(Safetensors, ReadsATensor) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.safetensors");
  // After this header, the data is misaligned.
  std::string Header = std::string(R"({"__metadata__":{"format":"pt"},"w":)") +
                       Tensor + R"(, "b":{"dtype":"BF16","shape":[],)" +
                       R"("data_offsets":[24,26]}})";
  writeFile(Path, safetensors(Header, 26));
  std::unique_ptr<Checkpoint> Weights = value(Checkpoint::open(Path));
  ASSERT_EQ(Weights->tensors().size(), 2u);
  const TensorInfo *W = Weights->find("w");
  ASSERT_NE(W, nullptr);
  EXPECT_EQ(W->Type, ElementType::F32);
  EXPECT_EQ(W->Shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(W->Offset, 8 + Header.size());
  EXPECT_EQ(W->Bytes, 24u);
  const TensorInfo *B = Weights->find("b");
  ASSERT_NE(B, nullptr);
  EXPECT_EQ(B->Shape.size(), 0u);
  std::span<const std::byte> Data = value(Weights->data(*B));
  ASSERT_EQ(Data.size(), 2u);
  EXPECT_EQ(Data[0], std::byte(24));
  EXPECT_EQ(Data[1], std::byte(25));
  // Released pages are readable again.
  Weights->release(*W);
  EXPECT_EQ(value(Weights->data(*W))[23], std::byte(23));
}

struct HostileCase {
  const char *Name;
  std::string Bytes;
  const char *Message;
};
void PrintTo(const HostileCase &Case, std::ostream *Out) { *Out << Case.Name; }

std::string withLength(uint64_t Length, const std::string &Rest) {
  std::string Result(8, '\0');
  std::memcpy(Result.data(), &Length, 8);
  return Result + Rest;
}
std::string one(const std::string &Tensor, size_t Bytes = 24) {
  return safetensors("{\"w\":" + Tensor + "}", Bytes);
}

class Hostile : public TestWithParam<HostileCase> {};

TEST_P(Hostile, IsAnErrorThatSaysWhat) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("model.safetensors");
  writeFile(Path, GetParam().Bytes);
  std::string Error = message(readSafetensorsHeader(Path).status());
  EXPECT_NE(Error.find(GetParam().Message), std::string::npos) << Error;
  EXPECT_NE(Error.find(Path), std::string::npos) << Error;
  EXPECT_EQ(Error.find('\n'), std::string::npos) << Error;
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, Hostile,
    testing::Values(
        HostileCase{"Empty", "", "too short"},
        HostileCase{"ShortPrefix", "1234567", "too short"},
        HostileCase{"HugeHeader", withLength(uint64_t(1) << 60, "{}"),
                    "a header of 1152921504606846976 bytes in a file of 10"},
        HostileCase{"HeaderPastEnd", withLength(3, "{}"), "truncated"},
        HostileCase{"HeaderLengthWraps", withLength(~uint64_t(0), "{}"),
                    "truncated"},
        HostileCase{"NotJson", safetensors("{\"w\":", 0), "not valid JSON"},
        HostileCase{"JunkAfterJson", safetensors("{} x", 0), "not valid JSON"},
        HostileCase{"NotAnObject", safetensors("[]", 0), "begin with '{'"},
        HostileCase{"Number", safetensors("{\"w\":7}", 0),
                    "tensor 'w': found a number, expected an object"},
        HostileCase{
            "ControlCharacters",
            safetensors(R"({"a\n\u001b[2J\u007f\u009b\u00e9\t":7})", 0),
            "tensor 'a\\n\\u001b[2J\\u007f\\u009b\u00e9\\u0009': found"},
        HostileCase{"DeepNesting",
                    safetensors("{\"w\":" + std::string(100000, '['), 0),
                    "an array"},
        HostileCase{"UnknownType",
                    one(R"({"dtype":"F33","shape":[6],"data_offsets":[0,24]})"),
                    "tensor 'w': unknown dtype 'F33'"},
        HostileCase{"NoShape", one(R"({"dtype":"F32","data_offsets":[0,24]})"),
                    "no 'shape'"},
        HostileCase{"UnknownKey", one(R"({"dtype":"F32","strides":[1]})"),
                    "unknown key 'strides'"},
        HostileCase{
            "SizeMismatch",
            one(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,20]})"),
            "takes 24 bytes, but its range has 20"},
        HostileCase{"PastEnd", one(Tensor, 23), "ends at byte 24 of 23"},
        HostileCase{"Backwards",
                    one(R"({"dtype":"F32","shape":[0],"data_offsets":[24,0]})"),
                    "not a begin and an end"},
        HostileCase{"ShapeOverflows",
                    one(R"({"dtype":"F32","shape":[4294967296,4294967296],)"
                        R"("data_offsets":[0,0]})"),
                    "too large"},
        HostileCase{"BytesOverflow",
                    one(R"({"dtype":"F64","shape":[2305843009213693952],)"
                        R"("data_offsets":[0,0]})"),
                    "too large"},
        HostileCase{
            "Negative",
            one(R"({"dtype":"F32","shape":[-2,-3],"data_offsets":[0,24]})"),
            "a negative number"},
        HostileCase{
            "Fraction",
            one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,24]})"),
            "a fractional number"},
        HostileCase{"ThreeOffsets",
                    one(R"({"dtype":"F32","shape":[6],"data_offsets":[0,24,)"
                        R"(24]})"),
                    "not a begin and an end"},
        HostileCase{"Duplicate",
                    safetensors(std::string("{\"w\":") + Tensor +
                                    ",\"w\":" + Tensor + "}",
                                24),
                    "duplicate tensor 'w'"},
        HostileCase{"Overlap",
                    safetensors(std::string("{\"w\":") + Tensor +
                                    R"(,"v":{"dtype":"U8","shape":[2],)"
                                    R"("data_offsets":[23,25]}})",
                                25),
                    "tensors 'w' and 'v' overlap"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

/// A checkpoint of two files with an index.
class Sharded : public testing::Test {
protected:
  void SetUp() override {
    writeFile(Directory.path("a.safetensors"),
              safetensors(R"({"x":{"dtype":"U8","shape":[3],)"
                          R"("data_offsets":[0,3]}})",
                          3));
    writeFile(Directory.path("b.safetensors"),
              safetensors(R"({"y":{"dtype":"U8","shape":[2],)"
                          R"("data_offsets":[0,2]}})",
                          2));
  }
  std::string openError(const std::string &WeightMap) {
    writeFile(Directory.path("model.safetensors.index.json"),
              R"({"metadata":{"total_size":5},"weight_map":)" + WeightMap +
                  "}");
    return message(Checkpoint::open(Directory.root()).status());
  }
  TemporaryDirectory Directory;
};

TEST_F(Sharded, FindsTensorsInTheirFiles) {
  EXPECT_EQ(openError(R"({"x":"a.safetensors","y":"b.safetensors"})"), "");
  std::unique_ptr<Checkpoint> Weights =
      value(Checkpoint::open(Directory.root()));
  EXPECT_EQ(Weights->fileOf(*Weights->find("y")),
            Directory.path("b.safetensors"));
  EXPECT_EQ(value(Weights->data(*Weights->find("x"))).size(), 3u);
  EXPECT_EQ(Weights->find("z"), nullptr);
}
TEST_F(Sharded, WithoutAnIndexReadsAllFiles) {
  EXPECT_EQ(value(Checkpoint::open(Directory.root()))->tensors().size(), 2u);
}
TEST_F(Sharded, MissingFile) {
  EXPECT_NE(openError(R"({"x":"a.safetensors","y":"c.safetensors"})")
                .find("c.safetensors is missing"),
            std::string::npos);
}
TEST_F(Sharded, TensorNotInItsFile) {
  EXPECT_NE(openError(R"({"x":"a.safetensors","y":"b.safetensors",)"
                      R"("z":"b.safetensors"})")
                .find("b.safetensors: no tensor 'z', which the index"),
            std::string::npos);
}
TEST_F(Sharded, TensorInAnotherFile) {
  EXPECT_NE(openError(R"({"x":"b.safetensors","y":"a.safetensors"})")
                .find("tensor 'x' should be in b.safetensors"),
            std::string::npos);
}
TEST_F(Sharded, IndexPointsElsewhere) {
  EXPECT_NE(openError(R"({"x":"../a.safetensors"})")
                .find("'../a.safetensors' is not a file name"),
            std::string::npos);
}
TEST_F(Sharded, IndexWithoutWeightMap) {
  EXPECT_NE(openError("3").find("no object 'weight_map'"), std::string::npos);
}
TEST_F(Sharded, OneTensorInTwoFiles) {
  writeFile(Directory.path("c.safetensors"),
            readFile(Directory.path("a.safetensors")));
  EXPECT_NE(message(Checkpoint::open(Directory.root()).status())
                .find("tensor 'x' is also in"),
            std::string::npos);
}
TEST(Checkpoint, EmptyDirectory) {
  TemporaryDirectory Directory;
  EXPECT_NE(message(Checkpoint::open(Directory.root()).status())
                .find("no safetensors files"),
            std::string::npos);
  EXPECT_NE(message(Checkpoint::open(Directory.path("none")).status())
                .find("no such file"),
            std::string::npos);
}
} // namespace
