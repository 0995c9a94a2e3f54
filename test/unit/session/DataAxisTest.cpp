//===- DataAxisTest.cpp - sequences over the axis `data` ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"
#include "test/unit/comm/Ranks.h"

#include "runtime/session/DataAxis.h"
#include "runtime/session/Placement.h"
#include "runtime/support/Packed.h"

#include <set>

using namespace m1;
using namespace m1::test;

namespace {
std::unique_ptr<LoadedPlan>
planOn(const std::vector<std::pair<std::string, int64_t>> &Mesh) {
  plan::PlanT Plan = adderPlan();
  for (const auto &[Name, Extent] : Mesh) {
    auto Axis = std::make_unique<plan::MeshAxisT>();
    Axis->name = Name;
    Axis->extent = Extent;
    Axis->symbol = Plan.symbols.size();
    addSymbol(Plan, Name, Extent - 1);
    Plan.mesh.push_back(std::move(Axis));
  }
  return value(LoadedPlan::fromBytes(serialize(Plan), "plan"));
}

TEST(DataAxis, PlacesOfRanks) {
  auto Plan = planOn({{"tensor", 2}, {"data", 3}});
  // Ranks 1 and 4 are the second coordinate on the axis `data`.
  DataPlace Place = dataPlace(**Plan, 4);
  EXPECT_EQ(Place.Sequences.First, 1u);
  EXPECT_EQ(Place.Sequences.Step, 3u);
  EXPECT_EQ(Place.Group, (std::vector<int>{1, 4}));
  EXPECT_FALSE(Place.Leads);
  EXPECT_TRUE(dataPlace(**Plan, 1).Leads);

  Place = dataPlace(**planOn({{"tensor", 4}}), 2);
  EXPECT_EQ(Place.Sequences.Step, 1u);
  EXPECT_EQ(Place.Group, (std::vector<int>{0, 1, 2, 3}));

  Place = dataPlace(**planOn({}), 0);
  EXPECT_EQ(Place.Sequences.Step, 1u);
  EXPECT_EQ(Place.Group, (std::vector<int>{0}));
  EXPECT_TRUE(Place.Leads);
}

TEST(DataAxis, EverySequenceHasOneShare) {
  for (size_t Count : {0, 1, 2, 3, 7}) {
    std::vector<size_t> All(Count);
    for (size_t I = 0; I < Count; ++I)
      All[I] = I;
    std::set<size_t> Seen;
    for (size_t First = 0; First < 3; ++First) {
      const Share Part{First, 3};
      const std::vector<size_t> Own = Part.of(All);
      EXPECT_EQ(Own.size(), Part.size(Count));
      for (size_t I = 0; I < Own.size(); ++I) {
        EXPECT_EQ(Own[I], Part.number(I));
        EXPECT_TRUE(Seen.insert(Own[I]).second);
      }
    }
    EXPECT_EQ(Seen.size(), Count);
  }
}

TEST(DataAxis, RoundsBringAllResultsToTheRoot) {
  // Each rank has another number of results, and the first has none; rank 2
  // has nothing to give in some rounds.
  std::vector<std::string> Received;
  const std::vector<std::string> Errors = onRanks(4, [&](Transport &Ranks) {
    ResultRounds Rounds(Ranks, [&](std::string_view Result) {
      EXPECT_EQ(Ranks.rank(), 0);
      Received.emplace_back(Result);
      return absl::OkStatus();
    });
    for (int I = 0; I < Ranks.rank(); ++I) {
      if (Ranks.rank() == 2)
        M1_RETURN_IF_ERROR(Rounds.giveNothing());
      M1_RETURN_IF_ERROR(Rounds.give(concat(Ranks.rank(), I)));
    }
    return Rounds.finish(absl::OkStatus());
  });
  EXPECT_EQ(Errors, std::vector<std::string>(4));
  EXPECT_EQ(Received,
            (std::vector<std::string>{"10", "30", "20", "31", "32", "21"}));
}

TEST(DataAxis, RoundsEndWithTheFirstErrorOnAll) {
  std::vector<std::string> Errors = onRanks(3, [](Transport &Ranks) {
    ResultRounds Rounds(Ranks, [](auto) { return absl::OkStatus(); });
    return Rounds.finish(Ranks.rank() == 0 ? absl::OkStatus()
                                           : makeError("of ", Ranks.rank()));
  });
  EXPECT_EQ(Errors, std::vector<std::string>(3, "of 1"));
  // The root cannot write a result: nobody goes on.
  Errors = onRanks(3, [](Transport &Ranks) {
    ResultRounds Rounds(Ranks, [](auto) { return makeError("disk full"); });
    M1_RETURN_IF_ERROR(Rounds.give("result"));
    return makeError("went on");
  });
  EXPECT_EQ(Errors, std::vector<std::string>(3, "disk full"));
}

TEST(DataAxis, RoundsWaitAsLongAsItTakes) {
  TransportOptions Options;
  Options.Timeout = std::chrono::milliseconds(50);
  const std::vector<std::string> Errors = onRanks(
      2,
      [](Transport &Ranks) {
        ResultRounds Rounds(Ranks, [](auto) { return absl::OkStatus(); });
        if (Ranks.rank() == 1)
          std::this_thread::sleep_for(std::chrono::milliseconds(200));
        M1_RETURN_IF_ERROR(Rounds.finish(absl::OkStatus()));
        // Other calls do not.
        std::string Data;
        return Ranks.rank() == 1 ? Ranks.broadcast(Data) : absl::OkStatus();
      },
      Options);
  EXPECT_EQ(Errors[0], "");
  EXPECT_NE(Errors[1], "");
}

TEST(DataAxis, StatusesAsBytes) {
  for (const absl::Status &Status :
       {absl::OkStatus(), absl::CancelledError("interrupted"),
        absl::DataLossError(std::string(1000, 'x'))})
    EXPECT_EQ(unpackStatus(packStatus(Status)), Status);
}

TEST(Packed, ValuesComeBack) {
  Packer P;
  P.add(std::string("text"));
  P.add(std::vector<float>{1.5f, -0.0f});
  P.add<int64_t>(-7);
  P.add(std::vector<int64_t>());
  Unpacker U(P.Bytes);
  EXPECT_EQ(U.text(), "text");
  EXPECT_EQ(U.numbers<float>(), (std::vector<float>{1.5f, -0.0f}));
  EXPECT_EQ(U.number<int64_t>(), -7);
  EXPECT_TRUE(U.numbers<int64_t>().empty());
  EXPECT_TRUE(U.isDone());
}

RankLocation location(const char *Machine, const char *Gpus,
                      std::vector<bool> Processors) {
  return {Machine, Gpus, std::move(Processors)};
}

TEST(Placement, RanksShareTheirProcessors) {
  auto threads = [](const std::vector<RankLocation> &Ranks) {
    std::vector<unsigned> Result;
    for (const RankPlacement &Each : placeRanks(Ranks))
      Result.push_back(Each.Threads);
    return Result;
  };
  const std::vector<bool> All(5, true);
  using Threads = std::vector<unsigned>;
  EXPECT_EQ(threads({location("a", "", All)}), Threads{5});
  // Unbound on one machine, and a third alone on another.
  EXPECT_EQ(threads({location("a", "", All), location("a", "", All),
                     location("b", "", All)}),
            (Threads{2, 2, 5}));
  // Bound by the launcher.
  EXPECT_EQ(threads({location("a", "", {true, true, false, false}),
                     location("a", "", {false, false, true, false})}),
            (Threads{2, 1}));
  // More ranks than processors.
  EXPECT_EQ(threads({location("a", "", {true}), location("a", "", {true})}),
            (Threads{1, 1}));
}

TEST(Placement, RanksThatSeeTheSameGpusTakeOneEach) {
  std::vector<unsigned> Gpus;
  for (const RankPlacement &Each : placeRanks(std::vector<RankLocation>{
           location("a", "a all", {true}), location("a", "a all", {true}),
           location("b", "b all", {true}), location("a", "a 3", {true}),
           location("b", "b all", {true})}))
    Gpus.push_back(Each.Gpu);
  EXPECT_EQ(Gpus, (std::vector<unsigned>{0, 1, 0, 0, 1}));
}

TEST(Placement, LocationsAsBytes) {
  const RankLocation Own = RankLocation::current();
  const RankLocation Back = RankLocation::unpack(Own.pack());
  EXPECT_FALSE(Own.Machine.empty());
  EXPECT_EQ(Back.Machine, Own.Machine);
  EXPECT_EQ(Back.Gpus, Own.Gpus);
  EXPECT_EQ(Back.Processors, Own.Processors);
  EXPECT_GE(placeRanks(std::vector{Own})[0].Threads, 1u);
}
} // namespace
