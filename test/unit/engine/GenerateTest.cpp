//===- GenerateTest.cpp - scheduling of sequences -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"
#include "test/unit/engine/ServingPlan.h"

#include "runtime/engine/Generate.h"
#include "runtime/session/Pieces.h"
#include "runtime/session/Score.h"

#include <cmath>
#include <set>

using namespace m1;
using namespace m1::test;

namespace {
using Sequences = std::vector<std::vector<int64_t>>;

/// A model whose next token depends on all tokens that its slot was fed.
class Model : public testing::Test {
protected:
  LanguageModel &start(int64_t Slots, int64_t MaxTokens, int64_t MaxLength) {
    plan::PlanT Plan = modelPlan(Slots, MaxTokens, MaxLength);
    S = open(Plan);
    M = value(LanguageModel::create(*S->Program));
    return *M;
  }
  std::vector<Generated> generateAll(const Sequences &Prompts,
                                     const GenerateOptions &Options) {
    std::vector<Generated> Results(Prompts.size());
    std::set<size_t> Seen;
    absl::Status Status =
        generate(*M, Prompts, Options, [&](size_t I, const Generated &Result) {
          EXPECT_TRUE(Seen.insert(I).second);
          Results[I] = Result;
          return absl::OkStatus();
        });
    EXPECT_TRUE(Status.ok()) << Status;
    EXPECT_EQ(Seen.size(), Prompts.size());
    return Results;
  }
  std::unique_ptr<Session> S;
  std::unique_ptr<LanguageModel> M;
};

Sequences prompts(std::initializer_list<int64_t> Lengths) {
  Sequences Result;
  for (int64_t Length : Lengths) {
    Result.emplace_back();
    for (int64_t I = 0; I < Length; ++I)
      Result.back().push_back((Result.size() * 5 + I * I) % ModelVocabulary);
  }
  return Result;
}

float logProb(const std::vector<int64_t> &Tokens, size_t Length) {
  std::vector<int64_t> Before(Tokens.begin(), Tokens.begin() + Length);
  double LogSum = std::log(std::exp(4.0) + ModelVocabulary - 1);
  return (Tokens[Length] == modelFavourite(Before) ? 4 : 0) - LogSum;
}

void expectLogProbs(const std::vector<int64_t> &Tokens,
                    const std::vector<float> &LogProbs, size_t First = 0) {
  ASSERT_EQ(LogProbs.size(), Tokens.size() - 1 - First);
  for (size_t T = 0; T < LogProbs.size(); ++T)
    ASSERT_NEAR(LogProbs[T], logProb(Tokens, First + T + 1), 1e-5) << T;
}

TEST_F(Model, MoreSequencesThanSlots) {
  Sequences Prompts = prompts({1, 30, 2, 7, 19, 3, 3, 12});
  // From one slot and three tokens per call to room for everything.
  for (auto [Slots, MaxTokens] :
       {std::pair(1, 3), {2, 5}, {3, 3}, {8, 8}, {8, 200}})
    for (bool PromptLogProbs : {true, false}) {
      start(Slots, MaxTokens, 64);
      GenerateOptions Options;
      Options.MaxNewTokens = 9;
      Options.Temperature = 0;
      Options.PromptLogProbs = PromptLogProbs;
      int64_t Drawn = 0;
      Options.Progress = [&](int64_t Count) { Drawn += Count; };
      std::vector<Generated> Results = generateAll(Prompts, Options);
      EXPECT_EQ(Drawn, 9 * 8);
      for (size_t I = 0; I < Prompts.size(); ++I) {
        std::vector<int64_t> Expected = Prompts[I];
        for (int J = 0; J < 9; ++J)
          Expected.push_back(modelFavourite(Expected));
        EXPECT_EQ(Results[I].Tokens, Expected)
            << "sequence " << I << ", " << Slots << " slots";
        EXPECT_EQ(Results[I].Reason, FinishReason::MaxNewTokens);
        EXPECT_EQ(Results[I].PromptTokens, int64_t(Prompts[I].size()));
        expectLogProbs(Expected, Results[I].LogProbs,
                       PromptLogProbs ? 0 : Prompts[I].size() - 1);
      }
    }
}

TEST_F(Model, DrawsDoNotDependOnTheBatch) {
  Sequences Prompts = prompts({4, 9, 2, 6});
  GenerateOptions Options;
  Options.MaxNewTokens = 20;
  Options.Temperature = 1.5f;
  Options.Seed = 3;
  start(4, 100, 64);
  std::vector<Generated> Together = generateAll(Prompts, Options);
  start(1, 2, 64);
  std::vector<Generated> Alone = generateAll(Prompts, Options);
  for (size_t I = 0; I < Prompts.size(); ++I) {
    EXPECT_EQ(Together[I].Tokens, Alone[I].Tokens);
    expectLogProbs(Together[I].Tokens, Together[I].LogProbs);
  }
  Options.Seed = 4;
  EXPECT_NE(generateAll(Prompts, Options)[0].Tokens, Alone[0].Tokens);
  // Equal prompts are sampled differently: each has its own seed.
  Sequences Equal = {Prompts[0], Prompts[0]};
  std::vector<Generated> Two = generateAll(Equal, Options);
  EXPECT_NE(Two[0].Tokens, Two[1].Tokens);
}

TEST_F(Model, DrawsDoNotDependOnTheShare) {
  Sequences Prompts = prompts({4, 9, 2, 6, 3});
  GenerateOptions Options;
  Options.MaxNewTokens = 20;
  Options.Temperature = 1.5f;
  start(4, 100, 64);
  std::vector<Generated> Together = generateAll(Prompts, Options);
  for (size_t First : {0, 1}) {
    Options.Numbers = {First, 2};
    std::vector<Generated> Part =
        generateAll(Options.Numbers.of(Prompts), Options);
    for (size_t I = 0; I < Part.size(); ++I)
      EXPECT_EQ(Part[I].Tokens, Together[First + 2 * I].Tokens);
  }
}

TEST_F(Model, StopsAtAStopToken) {
  start(2, 16, 64);
  Sequences Prompts = prompts({5, 3, 8});
  GenerateOptions Options;
  Options.MaxNewTokens = 40;
  Options.Temperature = 0;
  // The second token never occurs.
  const int64_t Stop = modelFavourite(Prompts[1]);
  Options.StopTokens = {ModelVocabulary, Stop};
  std::vector<Generated> Results = generateAll(Prompts, Options);
  EXPECT_EQ(Results[1].Tokens.size(), 4u);
  EXPECT_EQ(Results[1].Tokens.back(), Stop);
  EXPECT_EQ(Results[1].Reason, FinishReason::StopToken);
  for (const Generated &R : Results)
    for (size_t T = R.PromptTokens; T + 1 < R.Tokens.size(); ++T)
      EXPECT_NE(R.Tokens[T], Stop);
}

TEST_F(Model, StopsAtTheGreatestLength) {
  start(2, 16, 10);
  Sequences Prompts = prompts({8, 10, 1});
  GenerateOptions Options;
  Options.MaxNewTokens = 5;
  Options.Temperature = 0;
  for (bool PromptLogProbs : {true, false}) {
    Options.PromptLogProbs = PromptLogProbs;
    std::vector<Generated> Results = generateAll(Prompts, Options);
    EXPECT_EQ(Results[0].Tokens.size(), 10u);
    EXPECT_EQ(Results[0].Reason, FinishReason::MaxLength);
    EXPECT_EQ(Results[1].Tokens.size(), 10u);
    EXPECT_EQ(Results[1].Reason, FinishReason::MaxLength);
    EXPECT_EQ(Results[2].Tokens.size(), 6u);
    EXPECT_EQ(Results[2].Reason, FinishReason::MaxNewTokens);
    EXPECT_EQ(Results[1].LogProbs.size(), PromptLogProbs ? 9u : 0u);
  }
}

TEST_F(Model, NoNewTokens) {
  start(2, 4, 10);
  Sequences Prompts = prompts({8, 1, 3});
  std::vector<Generated> Results = generateAll(Prompts, {});
  for (size_t I = 0; I < Prompts.size(); ++I) {
    EXPECT_EQ(Results[I].Tokens, Prompts[I]);
    expectLogProbs(Prompts[I], Results[I].LogProbs);
  }
}

TEST_F(Model, StopsEarly) {
  start(1, 16, 64);
  GenerateOptions Options;
  Options.MaxNewTokens = 30;
  Options.Temperature = 0;
  Options.EarlyStopCount = 6;
  // The most probable token has the probability e^4 / (e^4 + 15) = 0.784.
  Options.EarlyStopProbability = 0.78;
  std::vector<Generated> Results = generateAll(prompts({4}), Options);
  EXPECT_EQ(Results[0].Tokens.size(), 10u);
  EXPECT_EQ(Results[0].Reason, FinishReason::EarlyStop);
  Options.EarlyStopProbability = 0.79;
  EXPECT_EQ(generateAll(prompts({4}), Options)[0].Tokens.size(), 34u);
}

TEST_F(Model, CanBeCancelled) {
  start(1, 16, 64);
  GenerateOptions Options;
  Options.MaxNewTokens = 30;
  int Steps = 0;
  Options.BeforeStep = [&] {
    return ++Steps > 4 ? absl::CancelledError("stop") : absl::OkStatus();
  };
  absl::Status Status =
      generate(*M, prompts({4}), Options,
               [](size_t, const Generated &) { return absl::OkStatus(); });
  EXPECT_EQ(Status.code(), absl::StatusCode::kCancelled);
}

TEST_F(Model, ScoreDoesNotDependOnChunks) {
  Sequences Given = prompts({17, 1, 1, 2, 40, 1, 5});
  for (auto [Slots, MaxTokens] : {std::pair(1, 3), {2, 64}, {7, 200}})
    for (int64_t Limit : {0, 1, 4}) {
      start(Slots, MaxTokens, 64);
      ScoreOptions Options;
      Options.MaxTokensPerCall = Limit;
      int64_t Fed = 0;
      Options.Progress = [&](int64_t Count) {
        EXPECT_LE(Count, Limit ? Limit : MaxTokens);
        Fed += Count;
      };
      std::vector<std::vector<float>> LogProbs;
      ASSERT_TRUE(score(*M, Given, Options, [&](size_t I, auto Finished) {
                    EXPECT_EQ(I, LogProbs.size());
                    LogProbs.emplace_back(Finished->begin(), Finished->end());
                    return absl::OkStatus();
                  }).ok());
      ASSERT_EQ(LogProbs.size(), Given.size());
      EXPECT_EQ(Fed, 16 + 1 + 39 + 4);
      for (size_t I = 0; I < Given.size(); ++I)
        expectLogProbs(Given[I], LogProbs[I]);

      Sequences Favourites(Given.size());
      ASSERT_TRUE(computeLogits(*M, Given, Options, [&](size_t I, auto Logits) {
                    EXPECT_EQ(Logits->size() % ModelVocabulary, 0u);
                    for (auto Row = Logits->begin(); Row != Logits->end();
                         Row += ModelVocabulary)
                      Favourites[I].push_back(
                          std::max_element(Row, Row + ModelVocabulary) - Row);
                    return absl::OkStatus();
                  }).ok());
      for (size_t I = 0; I < Given.size(); ++I) {
        ASSERT_EQ(Favourites[I].size(), Given[I].size());
        for (size_t T = 0; T < Given[I].size(); ++T)
          EXPECT_EQ(
              Favourites[I][T],
              modelFavourite({Given[I].begin(), Given[I].begin() + T + 1}));
      }
    }
}

TEST(Pieces, SlotsAreNeverShared) {
  const std::vector<int64_t> Lengths = {5, 0, 0, 1, 0, 0, 9, 2, 2, 2, 0, 1};
  for (int64_t MaxSequences : {1, 2, 3, 5})
    for (int64_t MaxTokens : {1, 4, 100}) {
      std::vector<int64_t> Fed(Lengths.size());
      std::vector<int32_t> SlotOf(Lengths.size(), -1);
      ASSERT_TRUE(feedSequences(Lengths, MaxTokens, MaxSequences,
                                [&](std::span<const Piece> Pieces) {
                                  std::set<int32_t> Slots;
                                  int64_t Tokens = 0;
                                  for (const Piece &P : Pieces) {
                                    EXPECT_TRUE(Slots.insert(P.Slot).second);
                                    EXPECT_LT(P.Slot, MaxSequences);
                                    EXPECT_EQ(P.Begin, Fed[P.Sequence]);
                                    if (P.Begin > 0) {
                                      EXPECT_EQ(P.Slot, SlotOf[P.Sequence]);
                                    }
                                    SlotOf[P.Sequence] = P.Slot;
                                    Fed[P.Sequence] += P.Count;
                                    Tokens += P.Count;
                                  }
                                  EXPECT_LE(Tokens, MaxTokens);
                                  return absl::OkStatus();
                                })
                      .ok());
      EXPECT_EQ(Fed, Lengths);
    }
}

TEST_F(Model, ChecksTokens) {
  start(1, 4, 3);
  auto check = [&](const std::vector<int64_t> &Tokens) {
    return message(
        checkTokens(*value(languageModelOf(*S->Plan)), Tokens, "a.npy"));
  };
  EXPECT_EQ(check({}), "a.npy: no tokens");
  EXPECT_EQ(check({0, 16}),
            "a.npy: token 16 at index 1 is outside the vocabulary of 16");
  EXPECT_EQ(check({0, -1}),
            "a.npy: token -1 at index 1 is outside the vocabulary of 16");
  EXPECT_EQ(check({0, 1, 2, 3}),
            "a.npy: 4 tokens, the plan was compiled for sequences of at most "
            "3");
  EXPECT_EQ(check({0, 1, 2}), "");
}

/// A model of 3 slots and 10 positions with `Blocks` cache blocks of 4 and, in
/// `score`, tables of `Columns`, which it copies to the last arena.
plan::PlanT modelWithBlocks(int64_t Blocks, int64_t Columns) {
  plan::PlanT Plan = modelPlan(3, 8, 10);
  addStateParts(Plan, Blocks);
  constexpr int B = 1;
  const uint32_t Seen =
      addArena(Plan, "seen", plan::ArenaKind::State, 4 * 3 * Columns);
  plan::FunctionT &Score = *Plan.functions[1];
  const auto Input = static_cast<uint32_t>(Score.inputs.size());
  Score.inputs.push_back(
      tensor("blocks", plan::DType::I32, {symbol(B), constant(Columns)}));
  const plan::Expr Bytes = symbol(B, 4 * Columns);
  Score.steps.push_back(copy(memory(plan::ArgKind::Arena, Seen, Bytes, true),
                             memory(plan::ArgKind::Input, Input, Bytes)));
  return Plan;
}

TEST(LanguageModel, GivesEachSlotBlocksOfItsOwn) {
  plan::PlanT Plan = modelWithBlocks(9, 3);
  std::unique_ptr<Session> S = open(Plan);
  auto M = value(LanguageModel::create(*S->Program));
  EXPECT_EQ(M->cacheBlocks(), 9);
  EXPECT_EQ(M->blockPositions(), 4);
  EXPECT_EQ(M->blocksPerSequence(), 3);
  const std::vector<int64_t> Token = {5};
  const std::vector<int32_t> Targets = {1, 1};
  std::vector<float> LogProbs(2);
  auto seen = [&](const RaggedBatch &Given) {
    EXPECT_EQ(message(M->score(Given, Targets, LogProbs)), "");
    std::vector<int32_t> Table(6);
    EXPECT_TRUE(S->Program
                    ->readArena(Plan.arenas.size() - 1, 0,
                                std::as_writable_bytes(std::span(Table)))
                    .ok());
    return Table;
  };
  RaggedBatch Given;
  Given.add(2, 0, Token);
  Given.add(0, 0, Token);
  EXPECT_EQ(seen(Given), (std::vector<int32_t>{6, 7, 8, 0, 1, 2}));
  Given.clear();
  Given.add(2, 0, Token, std::vector<int32_t>{8, 0, 0});
  Given.add(0, 0, Token, std::vector<int32_t>{3, 8, 1});
  EXPECT_EQ(seen(Given), (std::vector<int32_t>{8, 0, 0, 3, 8, 1}));
  Given.Blocks.pop_back();
  EXPECT_EQ(message(M->score(Given, Targets, LogProbs)),
            "a batch of 2 sequences with 5 numbers of blocks, expected 6");

  Plan = modelWithBlocks(8, 3);
  S = open(Plan);
  M = value(LanguageModel::create(*S->Program));
  Given.Blocks.clear();
  EXPECT_EQ(message(M->score(Given, Targets, LogProbs)),
            "test.m1plan: 8 cache blocks (m1c --cache-blocks), expected 9: 3 "
            "for each of 3 slots; with fewer, only an engine that assigns "
            "blocks can run the plan");
  Plan = modelWithBlocks(9, 2); // of 8 positions
  S = open(Plan);
  EXPECT_EQ(message(LanguageModel::create(*S->Program).status()),
            "test.m1plan: input 'blocks' of function 'score' should have a "
            "column for each block of 4 of 10 positions");
  Plan = modelWithBlocks(9, 3);
  Plan.functions[1]->inputs.back()->shape[1] = constant(1 << 25);
  S = open(Plan);
  EXPECT_EQ(message(LanguageModel::create(*S->Program).status()),
            "test.m1plan: input 'blocks' of function 'score' has 33554432 "
            "columns for each of 3 slots, expected at most 67108864 numbers in "
            "all");
}

TEST(LanguageModel, BoundsTheRowsOfRules) {
  const auto error = [](int64_t Vocabulary, int64_t Columns) {
    plan::PlanT Plan = servingPlan(2, 8, 16, 8);
    Plan.model->vocabulary = Vocabulary;
    Plan.functions[0]->inputs[12]->shape[1] = constant(Columns);
    std::unique_ptr<Session> S = open(Plan);
    return message(LanguageModel::create(*S->Program).status());
  };
  EXPECT_EQ(error(16, 16), "");
  EXPECT_EQ(error(INT32_MAX, 16),
            "test.m1plan: input 'bias' of function 'next' should have a column "
            "for each of 2147483647 tokens");
  EXPECT_EQ(error(INT32_MAX, INT32_MAX),
            "test.m1plan: input 'bias' of function 'next' has 2147483647 "
            "columns, expected at most 67108864");
}

TEST(LanguageModel, NeedsItsTensors) {
  plan::PlanT Plan = adderPlan();
  std::unique_ptr<Session> S = open(Plan);
  EXPECT_NE(message(LanguageModel::create(*S->Program).status())
                .find("not a language model's plan"),
            std::string::npos);
  plan::PlanT Lacking = modelPlan(1, 4, 8);
  plan::FunctionT &Score = *Lacking.functions[1];
  Score.steps[1]->instruction.AsLaunch()->args[2]->index = 0;
  Score.inputs.pop_back();
  S = open(Lacking);
  EXPECT_NE(message(LanguageModel::create(*S->Program).status())
                .find("function 'score' lacks 'targets'"),
            std::string::npos);
  // Calls of `score` do not set seeds, and those of no function set outputs of
  // another as inputs.
  for (const char *Name : {"goals", "seeds", "logits", "log_probs"}) {
    plan::PlanT Renamed = modelPlan(1, 4, 8);
    Renamed.functions[1]->outputs[0]->name = "none";
    Renamed.functions[1]->inputs[4]->name = Name;
    S = open(Renamed);
    EXPECT_NE(message(LanguageModel::create(*S->Program).status())
                  .find(concat("function 'score' has the unknown tensor '",
                               Name, "'")),
              std::string::npos);
  }
}
} // namespace
