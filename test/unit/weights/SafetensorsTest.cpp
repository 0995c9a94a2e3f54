//===- SafetensorsTest.cpp - checkpoints, good and hostile ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/Checkpoint.h"

#include <chrono>
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

TEST(Safetensors, FilesThatChangeBeforeTheyAreMapped) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a.safetensors");
  const std::string New = Directory.path("new");
  const std::string Bytes =
      safetensors("{\"w\":" + std::string(Tensor) + "}", 24);
  writeFile(Path, Bytes);
  auto Weights = value(Checkpoint::open(Path));
  auto Other = value(Checkpoint::open(Path));
  const TensorInfo &W = *Weights->find("w");
  EXPECT_EQ(value(Weights->data(W))[1], std::byte(1));
  // Another file of the same layout, which a rename puts in its place.
  writeFile(New, Bytes.substr(0, Bytes.size() - 24) + std::string(24, 'x'));
  std::filesystem::last_write_time(New, std::filesystem::last_write_time(Path) +
                                            std::chrono::seconds(1));
  std::filesystem::rename(New, Path);
  EXPECT_EQ(value(Weights->data(W))[1], std::byte(1)); // mapped before
  EXPECT_EQ(message(Other->data(*Other->find("w")).status()),
            Path + ": was changed or replaced since its header was read");
}

TEST(Safetensors, AcceptsWhatTheLibraryAccepts) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.safetensors");
  // Padding, no metadata, empty tensors between and after others.
  writeFile(Path,
            safetensors(std::string(R"({"__metadata__":null,"w":)") + Tensor +
                            R"(,"a":{"dtype":"I64","shape":[0,7],)"
                            R"("data_offsets":[0,0]},)"
                            R"("b":{"dtype":"U8","shape":[2,0],)"
                            R"("data_offsets":[24,24]}})"
                            "  \n ",
                        24));
  EXPECT_EQ(value(readSafetensorsHeader(Path)).size(), 3u);
  writeFile(Path, safetensors("{}", 0));
  EXPECT_EQ(value(readSafetensorsHeader(Path)).size(), 0u);
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

std::string repeated(const std::string &Text, int Count) {
  std::string Result;
  for (int I = 0; I < Count; ++I)
    Result += Text;
  return Result;
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
        HostileCase{"NullByte", safetensors(std::string("{}\0 x", 5), 0),
                    "not valid JSON at byte 10: a null byte"},
        HostileCase{"LfsPointer",
                    "version https://git-lfs.github.com/spec/v1\noid sha256:0",
                    "a Git LFS pointer"},
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
                    "tensor 'w': more than 2 numbers at 'data_offsets'"},
        HostileCase{"Rank65", one("{\"shape\":[1" + repeated(",1", 64) + "]}"),
                    "tensor 'w': more than 64 numbers at 'shape'"},
        HostileCase{"LongName",
                    safetensors("{\"" + std::string(1001, 'n') + "\":{}}", 0),
                    "nnnn...' has 1001 bytes, expected at most 1000"},
        HostileCase{"DuplicateType",
                    one(R"({"dtype":"F32","shape":[6],"dtype":"I32",)"
                        R"("data_offsets":[0,24]})"),
                    "tensor 'w': duplicate key 'dtype'"},
        HostileCase{"DuplicateShape",
                    one(R"({"dtype":"F32","shape":[6],"shape":[2,3],)"
                        R"("data_offsets":[0,24]})"),
                    "tensor 'w': duplicate key 'shape'"},
        HostileCase{"DuplicateRange",
                    one(R"({"dtype":"F32","shape":[6],)"
                        R"("data_offsets":[0,24],"data_offsets":[0,24]})"),
                    "tensor 'w': duplicate key 'data_offsets'"},
        HostileCase{"DuplicateMetadata",
                    safetensors(R"({"__metadata__":{},"__metadata__":{}})", 0),
                    "duplicate key '__metadata__'"},
        HostileCase{"MetadataNumber", safetensors(R"({"__metadata__":1})", 0),
                    "found a number"},
        HostileCase{"TensorNull", safetensors(R"({"w":null})", 0),
                    "tensor 'w': found null, expected an object"},
        HostileCase{"TrailingBytes", one(Tensor, 25),
                    "1 bytes of data after the last tensor, 'w', belong to no "
                    "tensor"},
        HostileCase{"OnlyBytes", safetensors("{}", 3),
                    "3 bytes of data of a header without tensors"},
        HostileCase{"HoleBefore",
                    one(R"({"dtype":"F32","shape":[5],"data_offsets":[4,24]})"),
                    "4 bytes of data before tensor 'w' belong to no tensor"},
        HostileCase{"HoleBetween",
                    safetensors(std::string("{\"w\":") + Tensor +
                                    R"(,"v":{"dtype":"U8","shape":[2],)"
                                    R"("data_offsets":[26,28]}})",
                                28),
                    "2 bytes of data before tensor 'v' belong to no tensor"},
        HostileCase{"EmptyInAGap",
                    safetensors(std::string("{\"w\":") + Tensor +
                                    R"(,"v":{"dtype":"U8","shape":[0],)"
                                    R"("data_offsets":[26,26]}})",
                                26),
                    "2 bytes of data before tensor 'v' belong to no tensor"},
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

} // namespace
