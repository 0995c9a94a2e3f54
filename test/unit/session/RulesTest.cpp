//===- RulesTest.cpp - sampling rules of plans for serving ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/session/LanguageModel.h"

using namespace m1;
using namespace m1::test;
using plan::DType;

namespace {
/// modelPlan with the inputs of m1c --serve, which its kernels do not read.
plan::PlanT servingPlan() {
  plan::PlanT Plan = modelPlan(4, 16, 64);
  enum { T, B, R };
  addSymbol(Plan, "R", 4);
  plan::FunctionT &Next = *Plan.functions[0];
  Next.inputs.push_back(tensor("min_p", DType::F32, {symbol(B)}));
  Next.inputs.push_back(tensor("adjustments", DType::I32, {symbol(B)}));
  for (const char *Name : {"bias", "repetition"})
    Next.inputs.push_back(
        tensor(Name, DType::F32, {symbol(R), constant(ModelVocabulary)}));
  Next.checks.push_back(std::make_unique<plan::CheckT>());
  Next.checks.back()->kind = plan::CheckKind::RowOrNone;
  Next.checks.back()->input = Next.inputs.size() - 3;
  Next.checks.back()->total = std::make_unique<plan::Expr>(symbol(R));
  return Plan;
}

/// A call of `next` on one token.
struct Call {
  RaggedBatch Given;
  Sampling How;
  int32_t Sampled = 0;
  float LogProb = 0;

  Call(float MinP, int32_t Adjustment) {
    Given.add(0, 0, std::vector<int64_t>{1});
    How.add(0, 1, 0, 0, 1, MinP, Adjustment);
  }
  std::string run(plan::PlanT Plan) {
    std::unique_ptr<Session> S = open(Plan);
    auto Model = value(LanguageModel::create(*S->Program));
    return message(Model->next(Given, How, std::span(&Sampled, 1),
                               std::span(&LogProb, 1)));
  }
};

TEST(Rules, NeedAPlanForServing) {
  const std::string Lacking =
      "test.m1plan: function 'next' has no 'min_p' and no 'bias'; compile the "
      "model with --serve";
  EXPECT_EQ(Call(0, -1).run(modelPlan(4, 16, 64)), "");
  EXPECT_EQ(Call(0.5, -1).run(modelPlan(4, 16, 64)), Lacking);
  EXPECT_EQ(Call(0, 0).run(modelPlan(4, 16, 64)), Lacking);
}

TEST(Rules, ArraysAreNotNeededWithoutRows) {
  EXPECT_EQ(Call(0.5, -1).run(servingPlan()), "");
  EXPECT_EQ(Call(0.5, 1).run(servingPlan()),
            "input 'adjustments' of function 'next': element 0 is 1, expected "
            "-1 to 0");
  const std::vector<float> Bias(2 * ModelVocabulary, 0.5f),
      Repetition(2 * ModelVocabulary, 1.5f);
  Call Both(0, 1);
  Both.How.Bias = Bias;
  Both.How.Repetition = Repetition;
  EXPECT_EQ(Both.run(servingPlan()), "");
  Both.How.Adjustments[0] = 2;
  EXPECT_EQ(Both.run(servingPlan()),
            "input 'adjustments' of function 'next': element 0 is 2, expected "
            "-1 to 1");
}

TEST(Rules, OfAPlanAreComplete) {
  plan::PlanT Plan = servingPlan();
  Plan.functions[0]->inputs.pop_back();
  std::unique_ptr<Session> S = open(Plan);
  EXPECT_EQ(message(LanguageModel::create(*S->Program).status()),
            "test.m1plan: function 'next' lacks 'repetition'");
}
} // namespace
