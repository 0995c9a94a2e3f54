//===- EosTokensTest.cpp - the tokens that end a text ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/weights/EosTokens.h"

using namespace m1;
using namespace m1::test;

namespace {
class EosTokensOf : public testing::Test {
protected:
  std::vector<int64_t> tokens() {
    return value(readEosTokens(Directory.root())).Tokens;
  }
  void write(const char *Name, const char *Text) {
    writeFile(Directory.path(Name), Text);
  }
  TemporaryDirectory Directory;
  using Tokens = std::vector<int64_t>;
};

TEST_F(EosTokensOf, GenerationConfigFirst) {
  EXPECT_EQ(tokens(), Tokens());
  write("config.json", R"({"eos_token_id": 2})");
  EXPECT_EQ(tokens(), Tokens{2});
  write("generation_config.json", R"({"temperature": 1.0})");
  EXPECT_EQ(tokens(), Tokens{2});
  write("generation_config.json", R"({"eos_token_id": null})");
  EXPECT_EQ(tokens(), Tokens{2});
  write("generation_config.json", R"({"eos_token_id": [7, 200020]})");
  EXPECT_EQ(tokens(), (Tokens{7, 200020}));
  EXPECT_EQ(value(readEosTokens(Directory.root())).File,
            Directory.path("generation_config.json"));
  // A file of the checkpoint stands for its directory.
  write("model.safetensors", "");
  EXPECT_EQ(value(readEosTokens(Directory.path("model.safetensors"))).Tokens,
            (Tokens{7, 200020}));
}

TEST_F(EosTokensOf, WrongValues) {
  for (const char *Value : {"-1", "1.5", "\"</s>\"", "[1, -2]", "{}",
                            "18446744073709551615", "true", "[null]"}) {
    std::string Text = std::string("{\"eos_token_id\": ") + Value + "}";
    write("generation_config.json", Text.c_str());
    std::string Error = message(readEosTokens(Directory.root()).status());
    EXPECT_TRUE(Error.starts_with(
        Directory.path("generation_config.json") +
        ": eos_token_id: expected a token id or a list of them, found "))
        << Error;
  }
  write("generation_config.json", "[]");
  EXPECT_NE(message(readEosTokens(Directory.root()).status())
                .find("expected a JSON object"),
            std::string::npos);
  write("generation_config.json", "{");
  EXPECT_NE(message(readEosTokens(Directory.root()).status())
                .find("generation_config.json: line 1"),
            std::string::npos);
}
} // namespace
