//===- InProcessTest.cpp - ranks that are threads -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/InProcess.h"

#include "runtime/comm/MessageTransport.h"
#include "test/unit/comm/FaultyTransport.h"
#include "test/unit/comm/Ranks.h"

#include <gmock/gmock.h>

#include <numeric>

using namespace m1;
using namespace m1::test;
using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;

namespace {
std::vector<int> allOf(const Transport &Ranks) {
  std::vector<int> Group(Ranks.size());
  std::iota(Group.begin(), Group.end(), 0);
  return Group;
}
std::byte *bytes(std::vector<int> &Values) {
  return reinterpret_cast<std::byte *>(Values.data());
}

TEST(InProcess, GathersBlocksInTheOrderOfTheGroup) {
  EXPECT_THAT(onRanks(4,
                      [](Transport &Ranks) -> absl::Status {
                        const int Own = Ranks.rank();
                        // Two groups at once, the second not in order.
                        const std::vector<int> Group =
                            Own % 2 ? std::vector{3, 1} : std::vector{0, 2};
                        std::vector<int> Mine = {Own, 10 * Own}, All(4);
                        M1_RETURN_IF_ERROR(Ranks.allGather(
                            Group, bytes(Mine), bytes(All), 2 * sizeof(int)));
                        EXPECT_THAT(All, ElementsAre(Group[0], 10 * Group[0],
                                                     Group[1], 10 * Group[1]));
                        return absl::OkStatus();
                      }),
              Each(""));
}

TEST(InProcess, TransposesBlocks) {
  EXPECT_THAT(
      onRanks(3,
              [](Transport &Ranks) -> absl::Status {
                const int Own = Ranks.rank();
                std::vector<int> Mine = {10 * Own, 10 * Own + 1, 10 * Own + 2},
                                 All(3);
                M1_RETURN_IF_ERROR(Ranks.allToAll(allOf(Ranks), bytes(Mine),
                                                  bytes(All), sizeof(int)));
                EXPECT_THAT(All, ElementsAre(Own, 10 + Own, 20 + Own));
                return absl::OkStatus();
              }),
      Each(""));
}

TEST(InProcess, BroadcastsAndGathersData) {
  EXPECT_THAT(onRanks(3,
                      [](Transport &Ranks) -> absl::Status {
                        std::string Data =
                            Ranks.rank() == 0 ? std::string("a\0b", 3) : "old";
                        M1_RETURN_IF_ERROR(Ranks.broadcast(Data));
                        EXPECT_EQ(Data, std::string("a\0b", 3));
                        std::string Mine(Ranks.rank(), 'x');
                        M1_ASSIGN_OR_RETURN(std::vector<std::string> All,
                                            Ranks.gather(Mine));
                        if (Ranks.rank() == 0)
                          EXPECT_THAT(All, ElementsAre("", "x", "xx"));
                        else
                          EXPECT_TRUE(All.empty());
                        return absl::OkStatus();
                      }),
              Each(""));
}

TEST(InProcess, OneRankWaitsForNobody) {
  EXPECT_THAT(onRanks(1,
                      [](Transport &Ranks) -> absl::Status {
                        std::vector<int> Mine = {7}, All(1);
                        M1_RETURN_IF_ERROR(
                            Ranks.allToAll(allOf(Ranks), bytes(Mine),
                                           bytes(All), sizeof(int)));
                        EXPECT_THAT(All, ElementsAre(7));
                        std::string Data = "data";
                        M1_RETURN_IF_ERROR(Ranks.broadcast(Data));
                        EXPECT_EQ(Data, "data");
                        return absl::OkStatus();
                      },
                      {milliseconds(0)}),
              Each(""));
}

/// Exchanges `Count` blocks of an int, between all ranks.
absl::Status exchange(Transport &Ranks, int Count) {
  std::vector<int> Mine = {Ranks.rank()}, All(Ranks.size());
  for (int I = 0; I < Count; ++I) {
    M1_RETURN_IF_ERROR(
        Ranks.allGather(allOf(Ranks), bytes(Mine), bytes(All), sizeof(int)));
    EXPECT_EQ(All, allOf(Ranks));
  }
  return absl::OkStatus();
}

/// The errors of 3 ranks that make 4 calls, if rank 1 has a fault. A rank that
/// fails says so to the others.
std::vector<std::string> withFault(const Fault &Injected, bool Aborts,
                                   milliseconds Timeout = milliseconds(200)) {
  return onRanks(
      3,
      [&](Transport &Ranks) {
        absl::Status Status = exchange(Ranks, 4);
        if (!Status.ok() && Aborts)
          Ranks.abort(Status);
        return Status;
      },
      {Timeout},
      [&](std::unique_ptr<Transport> Rank) -> std::unique_ptr<Transport> {
        if (Rank->rank() != 1)
          return Rank;
        return std::make_unique<FaultyTransport>(std::move(Rank), Injected);
      });
}

TEST(InProcess, WaitsForALateRank) {
  EXPECT_THAT(withFault({Fault::Delay, 2, milliseconds(50)}, true,
                        std::chrono::seconds(60)),
              Each(""));
}

TEST(InProcess, SaysWhoDidNotAnswerInTime) {
  EXPECT_THAT(
      withFault({Fault::Hang, 2, milliseconds(1500)}, false),
      ElementsAre("all-gather of 4 bytes: rank 1 did not answer within 0.2 s",
                  "injected failure",
                  "all-gather of 4 bytes: rank 1 did not answer within 0.2 s"));
}

TEST(InProcess, SaysWhoFailed) {
  EXPECT_THAT(
      withFault({Fault::Fail, 2}, true, std::chrono::seconds(60)),
      ElementsAre("all-gather of 4 bytes: rank 1 failed: injected failure",
                  "injected failure",
                  "all-gather of 4 bytes: rank 1 failed: injected failure"));
}

TEST(InProcess, SaysWhoEnded) {
  EXPECT_THAT(
      withFault({Fault::Fail, 0}, false, std::chrono::seconds(60)),
      ElementsAre("all-gather of 4 bytes: rank 1 failed: it has ended",
                  "injected failure",
                  "all-gather of 4 bytes: rank 1 failed: it has ended"));
}

TEST(InProcess, FindsCallsThatDiffer) {
  EXPECT_THAT(
      onRanks(2,
              [](Transport &Ranks) {
                std::vector<int> Mine(4), All(4);
                return Ranks.rank() == 0
                           ? Ranks.allGather(allOf(Ranks), bytes(Mine),
                                             bytes(All), 8)
                           : Ranks.allToAll(allOf(Ranks), bytes(Mine),
                                            bytes(All), 8);
              }),
      ElementsAre("all-gather of 8 bytes: rank 1 is in all-to-all of 8 bytes",
                  "all-to-all of 8 bytes: rank 0 is in all-gather of 8 bytes"));
}

TEST(InProcess, StaysFailed) {
  auto Ranks = createInProcessRanks(2, {milliseconds(1)});
  std::vector<int> Mine(1), All(2);
  auto gather = [&](Transport &Rank) {
    return std::string(
        Rank.allGather(std::vector{0, 1}, bytes(Mine), bytes(All), 4)
            .message());
  };
  const std::string Late =
      "all-gather of 4 bytes: rank 1 did not answer within 0.001 s";
  EXPECT_EQ(gather(*Ranks[0]), Late);
  EXPECT_EQ(gather(*Ranks[1]), ""); // the message was under way
  EXPECT_EQ(gather(*Ranks[0]), Late);
}

TEST(Messages, DescribeRanksAndTimes) {
  EXPECT_EQ(describeRanks(std::vector{3}), "rank 3");
  EXPECT_EQ(describeRanks(std::vector{0, 2, 5}), "ranks 0, 2, 5");
  EXPECT_EQ(describeTime(milliseconds(60000)), "60 s");
  EXPECT_EQ(describeTime(milliseconds(1250)), "1.25 s");
  EXPECT_EQ(describeTime(milliseconds(5)), "0.005 s");
}
} // namespace
