//===- ProfileTest.cpp - time by kernel -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;

namespace {
HostTensor floats(std::vector<float> &Values) {
  return {
      Values.data(), ElementType::F32, {static_cast<int64_t>(Values.size())}};
}

TEST(Profile, CountsRuns) {
  plan::PlanT Plan = adderPlan();
  SessionOptions Options;
  Options.Profile = true;
  std::unique_ptr<Session> S = open(Plan, Options);
  std::vector<float> A(2), B(2), Sum(2);
  std::vector<HostTensor> In = {floats(A), floats(B)}, Out = {floats(Sum)};
  for (int I = 0; I < 3; ++I)
    ASSERT_TRUE(S->Program->call(0, In, Out).ok());
  std::string Table = S->Trace->table();
  EXPECT_NE(Table.find("add_scaled"), std::string::npos);
  EXPECT_NE(Table.find("3 x"), std::string::npos);
  EXPECT_NE(Table.find("6 x"), std::string::npos); // in all
}
} // namespace
