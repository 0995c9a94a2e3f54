//===- BuiltInTest.cpp - prompts and verifiers ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/training/environments/Alphabet.h"
#include "runtime/training/environments/Environment.h"

#include <algorithm>
#include <set>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
using testing::TestWithParam;

namespace {
std::unique_ptr<Environment> make(const json &Description) {
  return value(createEnvironment(Description));
}

/// The reward of a response, as texts.
double reward(Environment &E, const std::string &Prompt,
              const std::string &Response, bool Truncated = false) {
  const std::vector<int64_t> PromptTokens = tokensOf(Prompt);
  const std::vector<int64_t> Tokens = tokensOf(Response);
  const Answer A = {0, PromptTokens, Tokens, Truncated, nullptr};
  double Reward = -1;
  EXPECT_EQ(message(E.rewards(std::span(&A, 1), std::span(&Reward, 1))), "");
  return Reward;
}

TEST(Alphabet, NeverChanges) {
  // The tokens of models that exist.
  EXPECT_EQ(tokensOf("09.=,:+-*%()[]{}<>azCPDSBXM"),
            (std::vector<int64_t>{0,  9,  10, 11, 12, 13, 14, 15, 16,
                                  17, 18, 19, 20, 21, 22, 23, 24, 25,
                                  26, 51, 52, 53, 54, 55, 56, 57, 58}));
  EXPECT_EQ(textOf(std::vector<int64_t>{58, 3, -1, 59, INT64_MAX, 10}),
            "M3???.");
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

struct RewardCase {
  const char *Name;
  json Description;
  std::string Prompt, Response;
  double Reward; ///< with "partial_credit": 0.5
};
void PrintTo(const RewardCase &Case, std::ostream *Out) { *Out << Case.Name; }

class Verifier : public TestWithParam<RewardCase> {};

TEST_P(Verifier, Judges) {
  const RewardCase &Case = GetParam();
  json Description = Case.Description;
  std::unique_ptr<Environment> Exact = make(Description);
  EXPECT_EQ(reward(*Exact, Case.Prompt, Case.Response), Case.Reward == 1);
  Description["partial_credit"] = 0.5;
  std::unique_ptr<Environment> Partial = make(Description);
  EXPECT_DOUBLE_EQ(reward(*Partial, Case.Prompt, Case.Response), Case.Reward);
}

const json Copy = {{"name", "copy"}}, Sum = {{"name", "digit_sum"}},
           Sum7 = {{"name", "digit_sum"}, {"modulus", 7}},
           Sorting = {{"name", "sorting"}},
           Descending = {{"name", "sorting"}, {"descending", true}},
           Parity = {{"name", "parity"}}, Brackets = {{"name", "brackets"}},
           Cipher = {{"name", "cipher"}}, Modular = {{"name", "modular"}};

INSTANTIATE_TEST_SUITE_P(
    Environments, Verifier,
    testing::Values(
        RewardCase{"Copy", Copy, "C305=", "305.", 1},
        RewardCase{"OneIsWrong", Copy, "C305=", "315.", 0.5 * 3 / 4},
        RewardCase{"Empty", Copy, "C305=", "", 0},
        RewardCase{"OnlyTheEnd", Copy, "C305=", ".", 0},
        RewardCase{"WithoutEnd", Copy, "C305=", "305", 0.5 * 3 / 4},
        RewardCase{"TooLong", Copy, "C305=", "3055.", 0.5 * 3 / 5},
        RewardCase{"GoesOnAfterTheEnd", Copy, "C305=", "305.3", 0.5 * 4 / 5},
        RewardCase{"EndsTwice", Copy, "C305=", "305..", 0.5 * 4 / 5},
        RewardCase{"EndsInside", Copy, "C305=", "3.5.", 0.5 * 3 / 4},
        RewardCase{"OddParity", Parity, "P10110=", "1.", 1},
        RewardCase{"EvenParity", Parity, "P1010=", "0.", 1},
        RewardCase{"WrongParity", Parity, "P1010=", "1.", 0.25},
        RewardCase{"Sum", Sum, "D998=", "26.", 1},
        RewardCase{"SumOfZeros", Sum, "D00=", "0.", 1},
        RewardCase{"LeadingZero", Sum, "D34=", "07.", 0},
        RewardCase{"SumModulo", Sum7, "D998=", "5.", 1},
        RewardCase{"SumNotModulo", Sum7, "D998=", "26.", 0},
        RewardCase{"Sorted", Sorting, "S31710=", "01137.", 1},
        RewardCase{"WrongWayRound", Sorting, "S12=", "21.", 0.5 / 3},
        RewardCase{"OneIsMissing", Sorting, "S311=", "13.", 0.5 / 4},
        RewardCase{"Descending", Descending, "S31710=", "73110.", 1},
        RewardCase{"Brackets", Brackets, "B([]{<=", ">}).", 1},
        RewardCase{"MoreBrackets", Brackets, "B(=", "[()]).", 1},
        RewardCase{"WrongKind", Brackets, "B([=", "}).", 0.5 * 2 / 3},
        RewardCase{"OneTooMany", Brackets, "B(=", ")).", 0.5 / 3},
        RewardCase{"OneTooFew", Brackets, "B((=", ").", 0.5 / 3},
        RewardCase{"NoBracket", Brackets, "B(=", "1.", 0.25},
        RewardCase{"BalancedWithoutEnd", Brackets, "B(=", ")", 0.25},
        RewardCase{"Cipher", Cipher, "Xbdacda:abba=", "cddc.", 1},
        RewardCase{"NotReplaced", Cipher, "Xbdacda:abba=", "abba.", 0.1},
        RewardCase{"Modular", Modular, "M7+5*3-8%10=", "2,6,8.", 1},
        RewardCase{"Negative", Modular, "M1-4%10=", "7.", 1},
        RewardCase{"LargeModulus", Modular, "M99*99-0%100=", "1,1.", 1},
        RewardCase{"OnlyTheResult", Modular, "M7+5*3-8%10=", "8.", 0},
        // The first step is wrong, the others follow from it, and the end.
        RewardCase{"WrongStep", Modular, "M7+5*3-8%10=", "3,9,1.", 0.5 * 3 / 4},
        RewardCase{"WrongLastStep", Modular, "M7+5*3-8%10=", "2,6,9.",
                   0.5 * 3 / 4},
        RewardCase{"NoNumber", Modular, "M7+5*3-8%10=", "2,,8.", 0.5 * 2 / 4},
        RewardCase{"NotReduced", Modular, "M7+5*3%10=", "12,6.", 0.5 * 2 / 3},
        RewardCase{"StepWithZero", Modular, "M7+5*3%10=", "02,6.", 0.5 / 3},
        RewardCase{"StepsWithoutEnd", Modular, "M7+5*3%10=", "2,6",
                   0.5 * 2 / 3},
        RewardCase{"StepTooMany", Modular, "M7+5*3%10=", "2,6,6.", 0.5 * 2 / 4},
        RewardCase{"StepsAfterTheEnd", Modular, "M7+5*3%10=", "2,6..",
                   0.5 * 2 / 3},
        RewardCase{"NoStep", Modular, "M7+5*3%10=", "", 0}),
    [](const auto &Info) { return std::string(Info.param.Name); });

TEST(BuiltIn, JudgesTokensOutsideTheAlphabet) {
  std::unique_ptr<Environment> E = make(Copy);
  const std::vector<int64_t> Prompt = tokensOf("C1=");
  // 64 + 1 is not 1.
  const std::vector<int64_t> Responses[] = {{65, 10}, {-1, 10}, {1, 10}};
  std::vector<Answer> Answers;
  for (const std::vector<int64_t> &R : Responses)
    Answers.push_back({0, Prompt, R, false, nullptr});
  std::vector<double> Rewards(3, -1);
  ASSERT_TRUE(E->rewards(Answers, Rewards).ok());
  EXPECT_EQ(Rewards, (std::vector<double>{0, 0, 1}));
}

TEST(BuiltIn, RefusesPromptsOfOthers) {
  const std::pair<const char *, const char *> Cases[] = {
      {"sorting", "C12="},     {"sorting", "S1a="},  {"sorting", ""},
      {"brackets", "B)="},     {"cipher", "Xab:c="}, {"cipher", "Xaba="},
      {"modular", "M1+2%0="},  {"modular", "M1+2="}, {"modular", "M1+%5="},
      {"modular", "M01+2%5="}, {"parity", "P2="}};
  for (auto [Name, Text] : Cases) {
    const std::vector<int64_t> Prompt = tokensOf(Text);
    const Answer A = {0, Prompt, {}, false, nullptr};
    double Reward = 0;
    EXPECT_EQ(
        message(make({{"name", Name}})
                    ->rewards(std::span(&A, 1), std::span(&Reward, 1))),
        concat("environment ", Name, ": '", Text, "' is not a prompt of it"));
  }
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

class Generator : public TestWithParam<std::string> {};

TEST_P(Generator, DependsOnSeedAndNumberOnly) {
  const std::string Name = GetParam();
  auto Seed1 = make({{"name", Name}, {"seed", 1}, {"max_length", 9}});
  auto Again = make(Seed1->options());
  auto Seed2 = make({{"name", Name}, {"seed", 2}, {"max_length", 9}});
  std::set<std::string> Texts;
  int Equal = 0;
  for (uint64_t Number = 0; Number < 100; ++Number) {
    const Prompt P = value(Seed1->makePrompt(Number));
    Texts.insert(Seed1->text(P.Tokens));
    Equal += P.Tokens == value(Seed2->makePrompt(Number)).Tokens;
    // In another order.
    EXPECT_EQ(value(Again->makePrompt(99 - Number)).Tokens,
              value(Seed1->makePrompt(99 - Number)).Tokens);
  }
  EXPECT_GT(Texts.size(), 50u);
  EXPECT_LT(Equal, 30);
}

TEST_P(Generator, SolutionsAreRight) {
  auto E = make({{"name", GetParam()}, {"seed", 3}, {"max_length", 20}});
  for (uint64_t Number = 0; Number < 200; ++Number) {
    const Prompt P = value(E->makePrompt(Number));
    for (int64_t Token : P.Tokens)
      EXPECT_TRUE(Token >= 0 && Token < E->vocabulary());
    ASSERT_FALSE(P.Solution.empty());
    EXPECT_EQ(P.Solution.back(), E->stopToken());
    EXPECT_EQ(P.Metadata["text"], E->text(P.Tokens));
    const Answer A = {Number, P.Tokens, P.Solution, false, &P.Metadata};
    double Reward = 0;
    ASSERT_TRUE(E->rewards(std::span(&A, 1), std::span(&Reward, 1)).ok());
    EXPECT_EQ(Reward, 1) << E->text(P.Tokens) << E->text(P.Solution);
  }
}

INSTANTIATE_TEST_SUITE_P(Environments, Generator,
                         testing::Values("copy", "parity", "digit_sum",
                                         "sorting", "brackets", "cipher",
                                         "modular"),
                         [](const auto &Info) { return Info.param; });

TEST(BuiltIn, LengthsHaveBounds) {
  auto E = make({{"name", "copy"}, {"min_length", 3}, {"max_length", 5}});
  std::set<size_t> Lengths;
  for (uint64_t Number = 0; Number < 100; ++Number)
    Lengths.insert(value(E->makePrompt(Number)).Tokens.size() - 2);
  EXPECT_EQ(Lengths, (std::set<size_t>{3, 4, 5}));
}

/// The characters that appear in prompts and solutions.
std::string characters(const json &Description) {
  auto E = make(Description);
  std::set<char> Used;
  for (uint64_t Number = 0; Number < 200; ++Number) {
    const Prompt P = value(E->makePrompt(Number));
    for (char C : E->text(P.Tokens) + E->text(P.Solution))
      Used.insert(C);
  }
  return {Used.begin(), Used.end()};
}

TEST(BuiltIn, OptionsDecideWhatAppears) {
  EXPECT_EQ(characters({{"name", "sorting"}, {"digits", 3}}), ".012=S");
  EXPECT_EQ(characters({{"name", "parity"}}), ".01=P");
  EXPECT_EQ(characters({{"name", "brackets"}, {"kinds", 1}}), "().=B");
  EXPECT_EQ(characters({{"name", "brackets"}, {"kinds", 4}}), "().<=>B[]{}");
  EXPECT_EQ(characters({{"name", "cipher"}, {"letters", 3}}), ".:=Xabc");
  EXPECT_EQ(
      characters({{"name", "modular"}, {"modulus", 3}, {"operators", "*"}}),
      "%*,.0123=M");
  EXPECT_EQ(characters({{"name", "digit_sum"}, {"modulus", 2}, {"digits", 2}}),
            ".01=D");
}

//===----------------------------------------------------------------------===//
// Descriptions
//===----------------------------------------------------------------------===//

TEST(CreateEnvironment, ListsWhatItMakes) {
  std::vector<std::string> Names;
  for (const EnvironmentInfo &Info : listEnvironments()) {
    Names.push_back(Info.Name);
    EXPECT_FALSE(Info.Description.empty());
    if (Info.Name == "program")
      continue;
    // The defaults are valid, and are what is listed.
    json Defaults = {{"name", Info.Name}};
    for (const EnvironmentOption &Option : Info.Options)
      Defaults[Option.Name] = Option.Default;
    EXPECT_EQ(make({{"name", Info.Name}})->options(), Defaults);
  }
  EXPECT_EQ(Names, (std::vector<std::string>{"copy", "parity", "digit_sum",
                                             "sorting", "brackets", "cipher",
                                             "modular", "program"}));
}

TEST(CreateEnvironment, ErrorsSayWhatIsWrong) {
  const std::pair<const char *, const char *> Cases[] = {
      {"[]", "environment: found array, expected an object such as {\"name\": "
             "\"sorting\"}"},
      {"{}", "environment: its \"name\" is missing, expected one of copy, "
             "parity, digit_sum, sorting, brackets, cipher, modular, program"},
      {R"({"name": 3})",
       "environment: its \"name\" is missing, expected one of "
       "copy, parity, digit_sum, sorting, brackets, cipher, "
       "modular, program"},
      {R"({"name": "sortin"})",
       "unknown environment 'sortin'; did you mean 'sorting'? (environments: "
       "copy, parity, digit_sum, sorting, brackets, cipher, modular, program)"},
      {R"({"name": "copy", "max_lenght": 3})",
       "environment copy: unknown option 'max_lenght'; did you mean "
       "'max_length'? (options: seed, partial_credit, min_length, max_length, "
       "digits)"},
      {R"({"name": "copy", "max_length": 0})",
       "environment copy: option 'max_length' is 0, expected a whole number "
       "from 1 to 4096"},
      {R"({"name": "copy", "max_length": 2.0})",
       "environment copy: option 'max_length' is 2.0, expected a whole number "
       "from 1 to 4096"},
      {R"({"name": "copy", "seed": 18446744073709551615})",
       "environment copy: option 'seed' is 18446744073709551615, expected a "
       "whole number from 0 to 9223372036854775807"},
      {R"({"name": "copy", "min_length": 5})",
       "environment copy: option 'min_length' is 5, expected at most "
       "max_length, which is 4"},
      {R"({"name": "copy", "partial_credit": "yes"})",
       "environment copy: option 'partial_credit' is \"yes\", expected a "
       "number "
       "from 0.0 to 1.0"},
      {R"({"name": "copy", "partial_credit": 1.5})",
       "environment copy: option 'partial_credit' is 1.5, expected a number "
       "from 0.0 to 1.0"},
      {R"({"name": "sorting", "descending": 1})",
       "environment sorting: option 'descending' is 1, expected true or false"},
      {R"({"name": "modular", "operators": "+/"})",
       "environment modular: option 'operators' is \"+/\", expected some of "
       "\"+-*\""},
      {R"({"name": "program"})",
       "environment program: option 'command' is missing, expected a list of "
       "strings, at least one"},
      {R"({"name": "program", "command": "python3"})",
       "environment program: option 'command' is \"python3\", expected a list "
       "of strings, at least one"},
      {R"({"name": "program", "command": ["true"], "options": 3})",
       "environment program: option 'options' is 3, expected an object"},
      {R"({"name": "program", "comand": ["true"]})",
       "environment program: unknown option 'comand'; did you mean 'command'? "
       "(options: command, seed, prompts, vocabulary, stop_token, "
       "timeout_seconds, max_restarts, log, options)"}};
  for (auto [Text, Error] : Cases)
    EXPECT_EQ(message(createEnvironment(json::parse(Text)).status()), Error);
}
} // namespace
