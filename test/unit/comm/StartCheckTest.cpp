//===- StartCheckTest.cpp - whether ranks belong together -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/StartCheck.h"

#include "runtime/weights/Checkpoint.h"
#include "test/unit/TestSupport.h"
#include "test/unit/comm/Ranks.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using testing::Each;
using testing::ElementsAre;

namespace {
/// The error of ranks of which each gives `Of(rank)` to a check: rank 0's, if
/// all ranks have one.
std::string verdict(int Count,
                    const std::function<absl::Status(Transport &)> &Check) {
  std::vector<int> Failed(Count);
  std::vector<std::string> Errors = onRanks(Count, [&](Transport &Ranks) {
    absl::Status Status = Check(Ranks);
    Failed[Ranks.rank()] = !Status.ok();
    EXPECT_EQ(isOfAllRanks(Status), !Status.ok());
    return Status;
  });
  EXPECT_THAT(Failed, Each(Failed[0]));
  EXPECT_THAT(Errors, Each(Errors[0]));
  return Errors[0];
}

std::string factsVerdict(const std::vector<std::vector<StartFact>> &Facts) {
  return verdict(Facts.size(), [&](Transport &Ranks) {
    return checkFacts(Ranks, Facts[Ranks.rank()]);
  });
}

TEST(StartCheck, ComparesFacts) {
  const std::vector<StartFact> Usual = {{"the seed", "7"}, {"the mesh", ""}};
  EXPECT_EQ(factsVerdict({Usual}), "");
  EXPECT_EQ(factsVerdict({Usual, Usual, Usual}), "");
  EXPECT_EQ(factsVerdict({{}, {}}), "");
  EXPECT_EQ(factsVerdict({Usual, {{"the seed", "8"}, {"the mesh", "x"}}}),
            "the ranks differ in the seed: 7 on rank 0, 8 on rank 1");
  EXPECT_EQ(factsVerdict(
                {Usual, Usual, {{"the seed", "7"}, {"the mesh", "x"}}, Usual}),
            "the ranks differ in the mesh:  on ranks 0, 1, 3, x on rank 2");
  EXPECT_EQ(factsVerdict({Usual, {{"the seed", "7"}}}),
            "the ranks differ in the mesh:  on rank 0, none on rank 1");
  EXPECT_EQ(factsVerdict({{}, {{"the seed", "7"}}}),
            "the ranks differ in the seed: none on rank 0, 7 on rank 1");
  EXPECT_EQ(factsVerdict({{{"s", "1"}}, {{"s", "2"}}, {{"s", "3"}}}),
            "the ranks differ in s: 1 on rank 0, 2 on rank 1, others on the "
            "rest");
}

TEST(StartCheck, SaysWhichRanksFailed) {
  auto of = [](const std::vector<std::string> &Errors) {
    return verdict(Errors.size(), [&](Transport &Ranks) {
      const std::string &Error = Errors[Ranks.rank()];
      return allSucceeded(Ranks,
                          Error.empty() ? absl::OkStatus() : makeError(Error));
    });
  };
  EXPECT_EQ(of({"", "", ""}), "");
  EXPECT_EQ(of({"", "no GPU 1", ""}), "rank 1: no GPU 1");
  EXPECT_EQ(of({"a", "", "b", "a"}), "ranks 0, 3: a; rank 2: b");
  EXPECT_EQ(of({"no such file", "no such file"}), "no such file");
}

TEST(StartCheck, FindsWhatRanksShare) {
  auto of = [](const std::vector<std::string> &Names) {
    return verdict(Names.size(), [&](Transport &Ranks) {
      return checkDistinct(Ranks, Names[Ranks.rank()]);
    });
  };
  EXPECT_EQ(of({"GPU 0 of a", "GPU 0 of b", "GPU 1 of a"}), "");
  EXPECT_EQ(of({"", "", ""}), "");
  EXPECT_EQ(of({"GPU 0 of a", "GPU 1 of a", "GPU 0 of a"}),
            "ranks 0, 2 have the same GPU 0 of a");
}

plan::PlanT meshPlan(int64_t Extent) {
  plan::PlanT Plan = adderPlan();
  addSymbol(Plan, "tensor", Extent - 1);
  Plan.mesh.push_back(std::make_unique<plan::MeshAxisT>());
  Plan.mesh[0]->name = "tensor";
  Plan.mesh[0]->extent = Extent;
  Plan.mesh[0]->symbol = Plan.symbols.size() - 1;
  return Plan;
}

std::unique_ptr<LoadedPlan> load(plan::PlanT Plan) {
  return value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
}

TEST(StartCheck, KnowsWhatAPlanIs) {
  auto facts = [](plan::PlanT Plan) {
    std::vector<std::string> Result;
    for (const StartFact &Fact : planFacts(*load(std::move(Plan))))
      Result.push_back(Fact.Name + ": " + Fact.Value);
    return Result;
  };
  using testing::StartsWith;
  const std::vector<std::string> One = facts(adderPlan());
  EXPECT_THAT(One,
              ElementsAre("the plan's mesh: none", "the plan's bound of N: 8",
                          StartsWith("the plan: digest ")));
  EXPECT_EQ(One[2].size(), std::string("the plan: digest ").size() + 16);
  EXPECT_THAT(facts(meshPlan(4)), ElementsAre("the plan's mesh: tensor 4",
                                              "the plan's bound of N: 8",
                                              StartsWith("the plan: digest ")));
  plan::PlanT Other = adderPlan();
  Other.functions[0]->name = "other";
  EXPECT_NE(facts(std::move(Other))[2], One[2]);
}

TEST(StartCheck, CountsRanks) {
  EXPECT_EQ(message(checkRankCount(*load(adderPlan()), 1)), "");
  EXPECT_EQ(message(checkRankCount(*load(meshPlan(4)), 4)), "");
  EXPECT_EQ(message(checkRankCount(*load(adderPlan()), 2)),
            "p.m1plan: compiled for one rank, found 2; start it without "
            "mpirun, or compile it for a mesh");
  EXPECT_EQ(message(checkRankCount(*load(meshPlan(4)), 1)),
            "p.m1plan: compiled for 4 ranks (tensor 4), found one; start it "
            "with mpirun -n 4");
  EXPECT_EQ(message(checkRankCount(*load(meshPlan(4)), 3)),
            "p.m1plan: compiled for 4 ranks (tensor 4), found 3; start it with "
            "mpirun -n 4");
}

TEST(StartCheck, KnowsWhatACheckpointIs) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("model.safetensors");
  constexpr size_t Floats = 100000;
  auto of = [&](const std::string &File) {
    writeFile(Path, File);
    auto Facts = value(checkpointFacts(*value(Checkpoint::open(Path))));
    EXPECT_EQ(Facts.size(), 1u);
    EXPECT_EQ(Facts[0].Name, "the checkpoint's file model.safetensors");
    return Facts[0].Value;
  };
  auto file = [&](const std::string &Name) {
    return safetensors(R"({")" + Name +
                           R"(":{"dtype":"F32","shape":[100000],)"
                           R"("data_offsets":[0,400000]}})",
                       4 * Floats);
  };
  const std::string File = file("a"), Usual = of(File);
  EXPECT_EQ(of(File), Usual);
  EXPECT_THAT(Usual, testing::StartsWith(std::to_string(File.size()) +
                                         " bytes, digest "));
  EXPECT_NE(of(file("b")), Usual);
  // Other weights: all of them, the first, one in the last sixteenth.
  for (size_t At : {size_t(0), File.size() - 4 * Floats,
                    File.size() - 4 * Floats / 16 + 100}) {
    std::string Other = File;
    if (At > 0)
      Other[At] ^= 1;
    else
      for (size_t I = File.size() - 4 * Floats; I < File.size(); ++I)
        Other[I] ^= 1;
    EXPECT_NE(of(Other), Usual) << At;
  }
}
} // namespace
