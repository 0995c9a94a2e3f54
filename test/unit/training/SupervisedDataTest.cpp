//===- SupervisedDataTest.cpp - data for supervised training --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/training/SupervisedData.h"
#include "runtime/training/environments/Environment.h"
#include "runtime/weights/Npy.h"

using namespace m1;
using namespace m1::test;

namespace {
using Numbers = std::vector<int64_t>;

void write(const std::string &Path, const Numbers &Values) {
  const auto Count = static_cast<int64_t>(Values.size());
  ASSERT_TRUE(
      writeNpy(Path, ElementType::I64, std::span(&Count, 1), Values.data())
          .ok());
}

TEST(SupervisedData, HasPromptsAndSolutions) {
  std::unique_ptr<Environment> E =
      value(createEnvironment({{"name", "copy"}, {"seed", 5}}));
  const SupervisedData Data = value(solve(*E, 10, 20));
  ASSERT_EQ(Data.sequences(), 20u);
  for (size_t I = 0; I < 20; ++I) {
    const Prompt P = value(E->makePrompt(10 + I));
    auto Begin = Data.Tokens.begin() + Data.CuSeqlens[I];
    auto Middle = Begin + P.Tokens.size();
    auto End = Data.Tokens.begin() + Data.CuSeqlens[I + 1];
    EXPECT_EQ(Numbers(Begin, Middle), P.Tokens);
    EXPECT_EQ(Numbers(Middle, End), P.Solution);
    for (int64_t T = Data.CuSeqlens[I]; T < Data.CuSeqlens[I + 1]; ++T)
      EXPECT_EQ(Data.Mask[T], Data.Tokens.begin() + T >= Middle);
  }
}

TEST(SupervisedData, IsReadAsItWasWritten) {
  TemporaryDirectory Directory;
  SupervisedData Data;
  Data.append(Numbers{1, 2}, Numbers{3});
  Data.append(Numbers{4}, Numbers{5, 6, 7});
  ASSERT_TRUE(commit(value(prepareSupervised(Data, Directory.root()))).ok());
  const SupervisedData Read = value(readSupervised(Directory.root()));
  EXPECT_EQ(Read.Tokens, (Numbers{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Read.Mask, (std::vector<uint8_t>{0, 0, 1, 0, 1, 1, 1}));
  EXPECT_EQ(Read.CuSeqlens, (Numbers{0, 3, 7}));
}

TEST(SupervisedData, ErrorsSayWhichFile) {
  TemporaryDirectory Directory;
  auto Error = [&](const Numbers &Tokens, const Numbers &Mask,
                   const Numbers &CuSeqlens) {
    write(Directory.path("tokens.npy"), Tokens);
    write(Directory.path("mask.npy"), Mask);
    write(Directory.path("cu_seqlens.npy"), CuSeqlens);
    const std::string Text = message(readSupervised(Directory.root()).status());
    const std::string Begin = Directory.root() + "/";
    return Text.starts_with(Begin) ? Text.substr(Begin.size()) : Text;
  };
  EXPECT_EQ(Error({1, 2}, {0, 1}, {0, 2}), "");
  EXPECT_EQ(Error({1, -2}, {0, 1}, {0, 2}),
            "tokens.npy: token 1 is -2, expected 0 or more");
  EXPECT_EQ(Error({1, 2}, {0}, {0, 2}),
            "mask.npy: 1 elements, expected 2, as many as there are tokens");
  EXPECT_EQ(Error({1, 2}, {0, 2}, {0, 2}),
            "mask.npy: element 1 is 2, expected 0 or 1");
  for (const Numbers &CuSeqlens : {Numbers{}, Numbers{1, 2}, Numbers{0, 1}})
    EXPECT_EQ(Error({1, 2}, {0, 1}, CuSeqlens),
              "cu_seqlens.npy: expected numbers from 0 to 2, the number of "
              "tokens");
  EXPECT_EQ(Error({1, 2}, {0, 1}, {0, 2, 1, 2}),
            "cu_seqlens.npy: sequence 1 is from 2 to 1, expected at least one "
            "token");
}

TEST(SupervisedData, NeedsSolutions) {
  TemporaryDirectory Directory;
  writeFile(Directory.path("p.jsonl"), "{\"prompt\": [1]}\n");
  std::unique_ptr<Environment> E = value(createEnvironment(
      {{"name", "program"},
       {"command", {"sh", "-c", "read x; echo '{\"id\": 1}'; cat"}},
       {"vocabulary", 9},
       {"prompts", Directory.path("p.jsonl")}}));
  EXPECT_EQ(message(solve(*E, 0, 1).status()),
            "environment program: prompt 0 has no solution");
}
} // namespace
