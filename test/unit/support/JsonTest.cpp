//===- JsonTest.cpp - JSON, good and hostile ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/support/Json.h"

#include <cmath>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
using testing::TestWithParam;

namespace {
TEST(Json, IsWhatTheLibraryParses) {
  const char *Texts[] = {
      "null",
      " [] ",
      "-7",
      "18446744073709551615",
      R"({"a":[1,2.5,-3,true,{"b":"c\n\"\\"}],"d":{},"e":null,"":[[]]})",
      "{\"\\u00e9\\ud83d\\ude00\": 1e300}"};
  for (const char *Text : Texts)
    EXPECT_EQ(value(parseJson(Text, "f")), json::parse(Text)) << Text;
}

TEST(Json, AcceptsThePythonLiterals) {
  json Value = value(parseJson(
      R"({"a": [Infinity,-Infinity , NaN], "b":0.000000,"NaN":"Infinity",)"
      R"( "c\\":"\"NaN","d": -0.000000, "e":Infinity})",
      "f"));
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Value["a"][0].get<double>(), Infinity);
  EXPECT_EQ(Value["a"][1].get<double>(), -Infinity);
  EXPECT_TRUE(std::isnan(Value["a"][2].get<double>()));
  EXPECT_EQ(Value["b"].get<double>(), 0);
  EXPECT_EQ(Value["NaN"].get<std::string>(), "Infinity");
  EXPECT_EQ(Value["c\\"].get<std::string>(), "\"NaN");
  EXPECT_EQ(Value["d"].get<double>(), 0);
  EXPECT_EQ(Value["e"].get<double>(), Infinity);
  EXPECT_EQ(value(parseJson("-Infinity", "f")).get<double>(), -Infinity);
  EXPECT_TRUE(std::isnan(value(parseJson("NaN", "f")).get<double>()));
}

TEST(Json, NestsToTheLimit) {
  std::string Begin(MaxJsonDepth, '['), End(MaxJsonDepth, ']');
  EXPECT_EQ(value(parseJson(Begin + End, "f")).size(), 1u);
}

struct InvalidCase {
  const char *Name;
  std::string Text;
  std::string Message;
};
void PrintTo(const InvalidCase &Case, std::ostream *Out) { *Out << Case.Name; }

class InvalidJson : public TestWithParam<InvalidCase> {};

TEST_P(InvalidJson, IsAnErrorThatSaysWhere) {
  std::string Error = message(parseJson(GetParam().Text, "f.json").status());
  EXPECT_EQ(Error.substr(0, GetParam().Message.size()), GetParam().Message);
  EXPECT_EQ(Error.find('\n'), std::string::npos) << Error;
  EXPECT_LT(Error.size(), 300u) << Error;
}

INSTANTIATE_TEST_SUITE_P(
    Json, InvalidJson,
    testing::Values(
        InvalidCase{"Empty", "", "f.json: line 1, column 1: not valid JSON"},
        InvalidCase{"Truncated", "{\"a\":\n[1,",
                    "f.json: line 2, column 3: not valid JSON: syntax error"},
        InvalidCase{"TrailingText", "{} x",
                    "f.json: line 1, column 4: not valid JSON"},
        InvalidCase{"NullByte", std::string("{}\n \0 {", 7),
                    "f.json: line 2, column 2: not valid JSON: a null byte"},
        InvalidCase{"TrailingComma", "{\"a\": 1,\n}",
                    "f.json: line 2, column 1: not valid JSON"},
        InvalidCase{"LongToken", "[" + std::string(5000, 't'),
                    "f.json: line 1, column 3: not valid JSON"},
        InvalidCase{"PartOfALiteral", "[Inf]", "f.json: line 1, column 2: "},
        InvalidCase{"LongerThanALiteral", "[NaNs]",
                    "f.json: line 1, column 2: "},
        InvalidCase{"DigitAfterALiteral", "[NaN5]",
                    "f.json: line 1, column 2: "},
        InvalidCase{"ExponentAfterALiteral", "[Infinitye5]",
                    "f.json: line 1, column 2: "},
        InvalidCase{"DigitBeforeALiteral", "[1NaN]",
                    "f.json: line 1, column 3: "},
        InvalidCase{"HugeNumber", "[1e999]",
                    "f.json: line 1, column 7: not valid JSON: number overflow "
                    "parsing '1e999'"},
        InvalidCase{"NegativeNaN", "[-N]", "f.json: line 1, column 3: "},
        InvalidCase{"BadUtf8", "[\"\xff\"]", "f.json: line 1, column 3: "},
        InvalidCase{"DuplicateKey", "{\"a\": 1,\n \"b\": 2, \"a\": 3}",
                    "f.json: line 2, column 12: duplicate key 'a'"},
        InvalidCase{"DuplicateInside",
                    R"({"a":[0,{"c":1}, {"b":{"c":1,"c":1}}]})",
                    "f.json: line 1, column 32: duplicate key 'a[2].b.c'"},
        InvalidCase{"EqualWithEscapes", R"({"a":1, "\u0061":2})",
                    "f.json: line 1, column 16: duplicate key 'a'"},
        InvalidCase{"DeepArrays", std::string(100000, '['),
                    "f.json: line 1, column 101: arrays and objects are "
                    "nested deeper than 100 levels"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

TEST(Json, FilesAreBounded) {
  TemporaryDirectory Directory;
  std::string Path = Directory.path("f.json");
  writeFile(Path, "{\"a\": 1}");
  EXPECT_EQ(value(readJson(Path, 8))["a"].get<int>(), 1);
  EXPECT_EQ(message(readJson(Path, 7).status()),
            "cannot read " + Path + ": 8 bytes, expected at most 7");
  EXPECT_NE(message(readJson(Directory.path("none"), 7).status())
                .find("No such file"),
            std::string::npos);
}
} // namespace
