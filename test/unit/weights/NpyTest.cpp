//===- NpyTest.cpp - .npy files and number formats ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/Npy.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace m1;
using namespace m1::test;

namespace {
/// A version 1 file with this header text.
std::string npy(const std::string &Header, const std::string &Data,
                char Version = 1) {
  std::string Result("\x93NUMPY", 6);
  Result += Version;
  Result += '\0';
  Result += static_cast<char>(Header.size() & 255);
  Result += static_cast<char>(Header.size() >> 8);
  if (Version > 1)
    Result += std::string(2, '\0');
  return Result + Header + Data;
}

std::string readError(const std::string &Bytes) {
  TemporaryDirectory Directory;
  writeFile(Directory.path("x.npy"), Bytes);
  return message(readNpy(Directory.path("x.npy")).status());
}

TEST(Npy, ReadsWhatNumpyWrites) {
  TemporaryDirectory Directory;
  // The bytes of numpy.save of numpy.array([[1, -2, 3]], dtype="int32").
  std::string Header = "{'descr': '<i4', 'fortran_order': False, "
                       "'shape': (1, 3), }";
  Header.append(127 - 10 - Header.size(), ' ');
  Header += '\n';
  for (char Version : {1, 2}) {
    writeFile(Directory.path("a.npy"),
              npy(Header, std::string("\1\0\0\0\xfe\xff\xff\xff\3\0\0\0", 12),
                  Version));
    NpyArray Array = value(readNpy(Directory.path("a.npy")));
    EXPECT_EQ(Array.Type, ElementType::I32);
    EXPECT_EQ(Array.Shape, (std::vector<int64_t>{1, 3}));
    ASSERT_EQ(Array.count(), 3);
    EXPECT_EQ(Array.as<int32_t>()[1], -2);
  }
}

TEST(Npy, WritesWhatItReads) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  const float Values[] = {1.5f, -0.0f, 3e38f, 0x1p-149f, 7, 8};
  const int64_t Shape[] = {1, 2, 3};
  ASSERT_TRUE(writeNpy(Path, ElementType::F32, Shape, Values).ok());
  NpyArray Array = value(readNpy(Path));
  EXPECT_EQ(Array.Shape, (std::vector<int64_t>{1, 2, 3}));
  ASSERT_EQ(Array.Data.size(), sizeof Values);
  EXPECT_EQ(std::memcmp(Array.Data.data(), Values, sizeof Values), 0);
  std::string Bytes = readFile(Path);
  EXPECT_EQ((Bytes.size() - sizeof Values) % 64, 0u);
  EXPECT_NE(Bytes.find("'shape': (1, 2, 3)"), std::string::npos);
}

TEST(Npy, WidensBF16) {
  TemporaryDirectory Directory;
  const uint16_t Values[] = {0x3FC0, 0xC000};
  const int64_t Shape[] = {2};
  ASSERT_TRUE(
      writeNpy(Directory.path("a.npy"), ElementType::BF16, Shape, Values).ok());
  NpyArray Array = value(readNpy(Directory.path("a.npy")));
  EXPECT_EQ(Array.Type, ElementType::F32);
  EXPECT_EQ(Array.as<float>()[0], 1.5f);
  EXPECT_EQ(Array.as<float>()[1], -2.0f);
}

TEST(Npy, UnfinishedLeavesNothing) {
  TemporaryDirectory Directory;
  const int64_t Shape[] = {4};
  {
    auto Writer = value(
        NpyWriter::create(Directory.path("a.npy"), ElementType::F32, Shape));
    float Value = 1;
    ASSERT_TRUE(Writer->append(&Value, 4).ok());
    EXPECT_FALSE(Writer->finish().ok()); // 4 of 16 bytes
  }
  EXPECT_TRUE(std::filesystem::is_empty(Directory.root()));
}

TEST(OutputFiles, AppearTogether) {
  TemporaryDirectory Directory;
  const int64_t Shape[] = {1};
  const float Old = 1, New = 2;
  std::string A = Directory.path("a.npy"), B = Directory.path("b.npy");
  ASSERT_TRUE(writeNpy(A, ElementType::F32, Shape, &Old).ok());
  auto valueOf = [&](const std::string &Path) {
    return value(readNpy(Path)).as<float>()[0];
  };
  for (bool Fails : {true, false}) {
    OutputFiles Files;
    for (const std::string &Path : {A, B})
      Files.push_back(value(prepareNpy(Path, ElementType::F32, Shape, &New)));
    EXPECT_EQ(valueOf(A), Old);
    EXPECT_FALSE(std::filesystem::exists(B));
    if (Fails)
      continue;
    ASSERT_TRUE(commit(Files).ok());
    EXPECT_EQ(valueOf(A), New);
    EXPECT_EQ(valueOf(B), New);
  }
  using std::filesystem::directory_iterator;
  EXPECT_EQ(std::distance(directory_iterator(Directory.root()), {}), 2);
  std::filesystem::create_directory(Directory.path("c.npy"));
  EXPECT_EQ(
      message(prepareNpy(Directory.path("c.npy"), ElementType::F32, Shape, &New)
                  .status()),
      "cannot create " + Directory.path("c.npy") + ": Is a directory");
}

TEST(Npy, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full"))
    GTEST_SKIP() << "no /dev/full";
  // A link to the device that is always full.
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  std::filesystem::create_symlink("/dev/full", Path);
  const int64_t Shape[] = {1};
  const float Value = 1;
  std::string Error = message(writeNpy(Path, ElementType::F32, Shape, &Value));
  EXPECT_EQ(Error, "cannot write " + Path + ": No space left on device");
  EXPECT_TRUE(std::filesystem::is_symlink(Path));
}

TEST(Npy, HostileHeaders) {
  auto expect = [](const std::string &Bytes, const char *Part) {
    std::string Error = readError(Bytes);
    EXPECT_NE(Error.find(Part), std::string::npos) << Error;
  };
  auto dictionary = [](const char *Descr, const char *Order,
                       const char *Shape) {
    return std::string("{'descr': ") + Descr + ", 'fortran_order': " + Order +
           ", 'shape': " + Shape + ", }\n";
  };
  expect("", "not a .npy file");
  expect("\x93NUMPY\1", "not a .npy file");
  expect(npy("", "", 9), "format 9, expected 1, 2 or 3");
  expect(std::string("\x93NUMPY\2\0\0\0", 10),
         "truncated .npy header: a file of 10 bytes");
  expect(npy(dictionary("'<f4'", "False", "(2,)"), "1234567"),
         "[2] does not take the 7 bytes");
  expect(npy(dictionary("'|u1'", "True", "(2, 2)"), "1234"),
         "[2, 2] in Fortran order, expected C order");
  expect(npy(dictionary("'|u1'", "None", "(2, 2)"), "1234"),
         "malformed fortran_order");
  expect(npy(dictionary("'>f4'", "False", "(1,)"), "1234"),
         "element type >f4, expected one of f2, f4");
  expect(npy(dictionary("'|O'", "False", "(1,)"), "1234"),
         "element type |O, expected one of f2, f4");
  expect(npy(dictionary("[('a', '<i4'), ('b', '<i4'), ('c', '<i4')]", "False",
                        "(1,)"),
             "1234"),
         "element type [('a', '<i4'), ('b', '<i4'), ('c', '<i4'..., expected");
  expect(npy(dictionary("'<f4'", "False", "(99999999999999999999,)"), ""),
         "malformed shape");
  expect(npy(dictionary("'<f4'", "False", "(-1,)"), ""), "malformed shape");
  expect(npy(dictionary("'<f4'", "False", "(1 1)"), ""), "malformed shape");
  expect(npy(dictionary("'<f8'", "False", "(4294967296, 4294967296)"), ""),
         "does not take");
  expect(npy(dictionary("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), "1234"),
         "malformed shape");
  expect(npy("{'descr': '<f4', 'shape': (1,)}", "1234"), "missing");
  expect(npy("{'descr': '<f4", "1234"), "element type");
  expect(npy("{", ""), "malformed dictionary");
  std::string Lying = npy(dictionary("'<f4'", "False", "(1,)"), "");
  Lying[9] = '\x7f'; // a header longer than the file
  expect(Lying, "truncated .npy header");
  std::string Long = npy(dictionary("'<f4'", "False", "(1,)"), "1234", 2);
  Long[10] = 1; // 65536 bytes more
  Long.insert(12, 65536, ' ');
  expect(Long, "expected at most 65535");
  expect(npy(dictionary("'<f4'", "False", "(1,)"), "12345678"),
         "[1] does not take the 8 bytes"); // bytes after the data
}

TEST(Npy, AcceptsFortranOrderWhereItIsTheSame) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  for (const char *Shape : {"(4,)", "(1, 4, 1)", "(4, 1)"}) {
    writeFile(Path, npy(std::string("{'descr': '|u1', 'fortran_order': True, "
                                    "'shape': ") +
                            Shape + ", }\n",
                        "\1\2\3\4"));
    NpyArray Array = value(readNpy(Path));
    ASSERT_EQ(Array.count(), 4);
    EXPECT_EQ(Array.as<uint8_t>()[2], 3);
  }
}

TEST(Npy, ReadsLargeArraysInPieces) {
  // More than two pieces of 1 MiB.
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  std::vector<int32_t> Values((2 << 18) + 5);
  for (size_t I = 0; I < Values.size(); ++I)
    Values[I] = static_cast<int32_t>(I);
  const int64_t Shape[] = {static_cast<int64_t>(Values.size())};
  ASSERT_TRUE(writeNpy(Path, ElementType::I32, Shape, Values.data()).ok());
  NpyArray Array = value(readNpy(Path));
  std::span<const int32_t> Found = Array.as<int32_t>();
  EXPECT_TRUE(
      std::equal(Found.begin(), Found.end(), Values.begin(), Values.end()));
  std::vector<int64_t> Tokens = value(readTokens(Path));
  EXPECT_TRUE(
      std::equal(Tokens.begin(), Tokens.end(), Values.begin(), Values.end()));
}

TEST(Npy, Tokens) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  const int32_t Values[] = {5, 6};
  const int64_t Flat[] = {2}, Square[] = {1, 2};
  ASSERT_TRUE(writeNpy(Path, ElementType::I32, Flat, Values).ok());
  EXPECT_EQ(value(readTokens(Path)), (std::vector<int64_t>{5, 6}));
  ASSERT_TRUE(writeNpy(Path, ElementType::I32, Square, Values).ok());
  EXPECT_NE(message(readTokens(Path).status()).find("found I32 [1, 2]"),
            std::string::npos);
  ASSERT_TRUE(writeNpy(Path, ElementType::F32, Flat, Values).ok());
  EXPECT_NE(message(readTokens(Path).status()).find("found F32 [2]"),
            std::string::npos);
}

TEST(Npy, TokensOfEveryIntegerType) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  auto write = [&](const char *Descr, const std::string &Data) {
    std::string Count = std::to_string(Data.size() / (Descr[2] - '0'));
    writeFile(Path, npy(std::string("{'descr': '") + Descr +
                            "', 'fortran_order': True, 'shape': (" + Count +
                            ",), }\n",
                        Data));
  };
  const std::string One(1, '\1'), High(1, '\x80');
  for (auto [Descr, Expected] : {std::pair("|u1", int64_t(128)),
                                 {"|i1", -128},
                                 {"<u2", 32769},
                                 {"<i2", -32767},
                                 {"<u4", 2147483649},
                                 {"<i4", -2147483647}}) {
    int Bytes = Descr[2] - '0';
    // 1 and the highest bit, in one byte or in several.
    write(Descr, Bytes == 1 ? High : One + std::string(Bytes - 2, '\0') + High);
    EXPECT_EQ(value(readTokens(Path)), std::vector<int64_t>{Expected}) << Descr;
  }
  write("<u8", One + std::string(7, '\0'));
  EXPECT_EQ(value(readTokens(Path)), std::vector<int64_t>{1});
  write("<u8", One + std::string(7, '\0') + std::string(7, '\0') + High);
  EXPECT_EQ(message(readTokens(Path).status()),
            Path + ": element 1 is 9223372036854775808, expected less than "
                   "2^63");
  write("|b1", One);
  EXPECT_NE(message(readTokens(Path).status()).find("found BOOL [1]"),
            std::string::npos);
}

TEST(Npy, TooManyTokensAreNotRead) {
  // 2^40 tokens in a sparse file: only the header is read.
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.npy");
  const int64_t Count = int64_t(1) << 40;
  writeFile(Path, npy("{'descr': '<i2', 'fortran_order': False, 'shape': (" +
                          std::to_string(Count) + ",), }\n",
                      ""));
  std::filesystem::resize_file(Path,
                               std::filesystem::file_size(Path) + 2 * Count);
  EXPECT_EQ(message(readTokens(Path, 4096).status()),
            Path + ": 1099511627776 tokens, the plan was compiled for "
                   "sequences of at most 4096");
}

TEST(Npy, ConvertsElements) {
  auto array = [](std::vector<int64_t> Values) {
    NpyArray Array;
    Array.Type = ElementType::I64;
    Array.Shape = {static_cast<int64_t>(Values.size())};
    Array.Data.resize(8 * Values.size());
    std::memcpy(Array.Data.data(), Values.data(), Array.Data.size());
    return Array;
  };
  NpyArray Narrow = value(convert(array({-7, 9}), ElementType::I32, "a"));
  EXPECT_EQ(Narrow.as<int32_t>()[0], -7);
  EXPECT_EQ(
      message(convert(array({1, 1ll << 31}), ElementType::I32, "a").status()),
      "a: element 1 is 2147483648, which does not fit I32");
  NpyArray Half = value(convert(array({1, 3}), ElementType::BF16, "a"));
  EXPECT_EQ(Half.as<uint16_t>()[1], 0x4040);
  Half.Type = ElementType::F16;
  EXPECT_NE(message(convert(Half, ElementType::I32, "a").status())
                .find("has F16 elements, expected I32"),
            std::string::npos);
}

TEST(DType, BF16RoundsToNearestEven) {
  EXPECT_EQ(bf16FromFloat(1.0f), 0x3F80);
  EXPECT_EQ(bf16FromFloat(std::bit_cast<float>(0x3F808000u)), 0x3F80); // tie
  EXPECT_EQ(bf16FromFloat(std::bit_cast<float>(0x3F818000u)), 0x3F82); // tie
  EXPECT_EQ(bf16FromFloat(std::bit_cast<float>(0x3F808001u)), 0x3F81);
  EXPECT_EQ(bf16FromFloat(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_TRUE(std::isnan(floatFromBF16(
      bf16FromFloat(std::bit_cast<float>(0x7F800001u))))); // low bits only
}

TEST(DType, F16EveryValueRoundTrips) {
  for (uint32_t Bits = 0; Bits < 0x10000; ++Bits) {
    float Value = floatFromF16(Bits);
    if (!std::isnan(Value)) {
      ASSERT_EQ(f16FromFloat(Value), Bits);
    }
  }
  EXPECT_EQ(floatFromF16(0x0001), 0x1p-24f);
  EXPECT_EQ(floatFromF16(0x3555), 0.333251953125f);
  EXPECT_EQ(f16FromFloat(65519.0f), 0x7BFF);
  EXPECT_EQ(f16FromFloat(65520.0f), 0x7C00);
  EXPECT_EQ(f16FromFloat(0x1p-25f), 0x0000);         // tie, to even
  EXPECT_EQ(f16FromFloat(0x1.000002p-25f), 0x0001);  // just above it
  EXPECT_EQ(f16FromFloat(1 + 0x1p-11f), 0x3C00);     // tie, to even
  EXPECT_EQ(f16FromFloat(1 + 3 * 0x1p-11f), 0x3C02); // tie, to even
}
} // namespace
