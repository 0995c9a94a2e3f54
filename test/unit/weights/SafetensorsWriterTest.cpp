//===- SafetensorsWriterTest.cpp - writes a safetensors file --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/SafetensorsWriter.h"

#include "runtime/weights/Checkpoint.h"
#include "test/unit/TestSupport.h"

#include <numeric>

using namespace m1;
using namespace m1::test;

namespace {
std::vector<std::byte> counted(size_t Bytes) {
  std::vector<std::byte> Result(Bytes);
  for (size_t I = 0; I < Bytes; ++I)
    Result[I] = std::byte(I);
  return Result;
}

std::string createError(const std::string &Path,
                        std::vector<TensorSpec> Tensors) {
  return message(SafetensorsWriter::create(Path, std::move(Tensors)).status());
}

/// The bytes are those of safetensors 0.8.0: save_file(..., metadata={"format":
/// "pt"}).
TEST(SafetensorsWriter, WritesWhatTheLibraryWrites) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a.safetensors");
  auto Writer = value(SafetensorsWriter::create(
      Path, {{"b", ElementType::F32, {2, 3}},
             {"a", ElementType::F16, {3}},
             {"z", ElementType::F64, {1}},
             {"i", ElementType::I64, {}},
             {"e", ElementType::F32, {0, 2}},
             {"u", ElementType::U8, {3}},
             {"q\"\xc3\xa9\n", ElementType::I32, {1}}}));
  const std::vector<std::byte> Data = counted(53);
  // In pieces that end within tensors.
  for (size_t Begin = 0; Begin < Data.size(); Begin += 20)
    ASSERT_EQ(Writer->write(std::span(Data).subspan(
                  Begin, std::min<size_t>(20, Data.size() - Begin))),
              absl::OkStatus());
  EXPECT_FALSE(std::filesystem::exists(Path));
  ASSERT_EQ(commit(value(Writer->finish())), absl::OkStatus());
  EXPECT_EQ(
      readFile(Path),
      safetensors(R"({"__metadata__":{"format":"pt"},)"
                  R"("i":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                  R"("z":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},)"
                  R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},)"
                  R"("e":{"dtype":"F32","shape":[0,2],"data_offsets":[40,40]},)"
                  "\"q\\\"\xc3\xa9\\n\""
                  R"(:{"dtype":"I32","shape":[1],"data_offsets":[40,44]},)"
                  R"("a":{"dtype":"F16","shape":[3],"data_offsets":[44,50]},)"
                  R"("u":{"dtype":"U8","shape":[3],"data_offsets":[50,53]}}  )",
                  53));
  // xxhsum -H2 of the bytes 16 to 39 and of nothing.
  auto Read = value(Checkpoint::open(Path));
  EXPECT_EQ(Read->tensors().size(), 7u);
  EXPECT_EQ(Writer->tensors()[2].Name, "b");
  TensorHasher Whole;
  Whole.add(std::span(Data).subspan(16, 24));
  EXPECT_EQ(Writer->digests()[2], Whole.finish());
  EXPECT_EQ(format(Writer->digests()[3]), "99aa06d3014798d86001c324468d497f");
}

TEST(SafetensorsWriter, NothingAppearsUnlessAllIsWritten) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  {
    auto Writer = value(SafetensorsWriter::create(
        Path, {{"x", ElementType::F32, {2}}, {"y", ElementType::F32, {2}}}));
    EXPECT_EQ(Writer->write(counted(11)), absl::OkStatus());
    EXPECT_EQ(message(Writer->finish().status()),
              "cannot write " + Path +
                  ": tensor 'y' is incomplete: 3 of 8 bytes");
    EXPECT_EQ(message(Writer->write(counted(6))),
              "cannot write " + Path + ": 1 bytes more than its tensors have");
  }
  EXPECT_TRUE(std::filesystem::is_empty(Directory.root()));
}

TEST(SafetensorsWriter, RefusesWhatReadersRefuse) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a");
  EXPECT_EQ(createError(Path, {{"x", ElementType::F32, {2}},
                               {"y", ElementType::F32, {}},
                               {"x", ElementType::BF16, {2}}}),
            "cannot write " + Path + ": duplicate tensor 'x'");
  EXPECT_EQ(createError(Path, {{"x", ElementType::F32, {1L << 40, 1L << 40}}}),
            "cannot write " + Path +
                ": tensor 'x': shape [1099511627776, 1099511627776] is too "
                "large");
  EXPECT_EQ(createError(Path, {{std::string(1001, 'n'), ElementType::F32, {}}}),
            "cannot write " + Path + ": the name of tensor '" +
                std::string(40, 'n') +
                "...' has 1001 bytes, expected at most 1000");
  EXPECT_EQ(createError(Directory.path("none/a"), {}),
            "cannot create " + Directory.path("none/a") +
                ": No such file or directory");
  EXPECT_TRUE(std::filesystem::is_empty(Directory.root()));
}
} // namespace
