//===- MpiTransportTest.cpp - ranks that mpirun started -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/mpi/MpiTransport.h"

#include "test/unit/comm/FaultyTransport.h"
#include "test/unit/comm/mpi/FakeMpi.h"

#include <gmock/gmock.h>

#include <functional>
#include <numeric>
#include <thread>

using namespace m1;
using namespace m1::test;
using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;

namespace {
class MpiTransport : public testing::Test {
protected:
  /// Runs `Body` on ranks that are threads; the error of each, or "". A rank
  /// that fails says so to the others.
  std::vector<std::string>
  onRanks(int Count, const std::function<absl::Status(Transport &)> &Body) {
    Mpi = std::make_unique<FakeMpi>(Count);
    if (Prepare)
      Prepare(*Mpi);
    std::vector<std::string> Errors(Count);
    std::vector<std::thread> Threads;
    for (int Rank = 0; Rank < Count; ++Rank)
      Threads.emplace_back([&, Rank] {
        Mpi->enter(Rank);
        auto Created = mpi::createMpiTransport(Mpi->api(), Options);
        absl::Status Status = Created.status();
        if (Status.ok()) {
          std::unique_ptr<Transport> Ranks = std::move(*Created);
          if (Rank == 1)
            Ranks =
                std::make_unique<FaultyTransport>(std::move(Ranks), OnRank1);
          Status = Body(*Ranks);
          if (Status.ok())
            Status = Ranks->finish();
          if (!Status.ok() && Aborts)
            Ranks->abort(Status);
        }
        Errors[Rank] = std::string(Status.message());
      });
    for (std::thread &Thread : Threads)
      Thread.join();
    return Errors;
  }

  std::unique_ptr<FakeMpi> Mpi;
  std::function<void(FakeMpi &)> Prepare;
  mpi::MpiOptions Options;
  Fault OnRank1;
  bool Aborts = true;
};

std::vector<int> allOf(const Transport &Ranks) {
  std::vector<int> Group(Ranks.size());
  std::iota(Group.begin(), Group.end(), 0);
  return Group;
}
std::byte *bytes(std::vector<int> &Values) {
  return reinterpret_cast<std::byte *>(Values.data());
}

/// Exchanges blocks of `Count` numbers, some of them between neighbours only.
absl::Status exchange(Transport &Ranks, int Count) {
  const int Own = Ranks.rank(), Size = Ranks.size(), Bytes = 4 * Count;
  std::vector<int> Mine(size_t(Size) * Count), All(size_t(Size) * Count);
  for (int I = 0; I < Size * Count; ++I)
    Mine[I] = 1000 * Own + I;
  M1_RETURN_IF_ERROR(
      Ranks.allToAll(allOf(Ranks), bytes(Mine), bytes(All), Bytes));
  for (int I = 0; I < Size * Count; ++I)
    EXPECT_EQ(All[I], 1000 * (I / Count) + Own * Count + I % Count);
  const std::vector<int> Pair = {Own / 2 * 2, Own / 2 * 2 + 1};
  for (int Turn = 0; Turn < 3; ++Turn) {
    M1_RETURN_IF_ERROR(Ranks.allGather(Pair, bytes(Mine), bytes(All), Bytes));
    for (int I = 0; I < 2 * Count; ++I)
      EXPECT_EQ(All[I], 1000 * Pair[I / Count] + I % Count);
  }
  std::string Data = concat("rank ", Own);
  M1_RETURN_IF_ERROR(Ranks.broadcast(Data));
  EXPECT_EQ(Data, "rank 0");
  return Ranks.gather(Data).status();
}

TEST_F(MpiTransport, Exchanges) {
  auto body = [](Transport &Ranks) { return exchange(Ranks, 3); };
  EXPECT_THAT(onRanks(4, body), Each(""));
  EXPECT_EQ(Mpi->finished(), 4);
  EXPECT_EQ(Mpi->aborted(), -1);
  // Messages that wait for their receivers.
  Prepare = [](FakeMpi &Mpi) { Mpi.setEager(-1); };
  EXPECT_THAT(onRanks(4, body), Each(""));
  EXPECT_EQ(Mpi->largestMessage(), 12);
}

TEST_F(MpiTransport, SendsEachOtherRankOneMessage) {
  // A group of four, then two of two, three times; no other message has this
  // size.
  EXPECT_THAT(onRanks(4, [](Transport &Ranks) { return exchange(Ranks, 25); }),
              Each(""));
  EXPECT_EQ(Mpi->messagesOf(100), 4 * 3 + 3 * 4 * 1);
}

TEST_F(MpiTransport, SendsLargeMessagesInParts) {
  for (uint64_t Bytes : {12, 8, 5, 1}) {
    Options.MessageBytes = Bytes;
    EXPECT_THAT(onRanks(2, [](Transport &Ranks) { return exchange(Ranks, 3); }),
                Each(""));
    EXPECT_EQ(Mpi->largestMessage(), int(Bytes));
  }
}

TEST_F(MpiTransport, SaysWhoDidNotAnswerInTime) {
  Options.Timeout = milliseconds(500);
  Options.Grace = milliseconds(3000);
  OnRank1 = {Fault::Hang, 2, milliseconds(2000)};
  auto Errors = onRanks(2, [](Transport &Ranks) { return exchange(Ranks, 1); });
  EXPECT_THAT(Errors, ElementsAre("all-gather of 4 bytes: rank 1 did not "
                                  "answer within 0.5 s",
                                  "injected failure"));
  EXPECT_EQ(Mpi->aborted(), 1);
  EXPECT_EQ(Mpi->finished(), 0);
}

TEST_F(MpiTransport, AllRanksQuoteTheFirstFailure) {
  Options.Grace = std::chrono::seconds(60);
  OnRank1 = {Fault::Fail, 2};
  // Ranks 2 and 3 wait for ranks that fail because of rank 1.
  const auto Quotes = EndsWith("rank 1 failed: injected failure");
  EXPECT_THAT(onRanks(4, [](Transport &Ranks) { return exchange(Ranks, 1); }),
              ElementsAre(Quotes, "injected failure", Quotes, Quotes));
  EXPECT_EQ(Mpi->aborted(), 1);
}

TEST_F(MpiTransport, ARankThatEndsEarlyEndsAll) {
  Options.Grace = std::chrono::seconds(60);
  Aborts = false;
  OnRank1 = {Fault::Fail, 0};
  EXPECT_THAT(onRanks(2, [](Transport &Ranks) { return exchange(Ranks, 1); }),
              ElementsAre("all-to-all of 4 bytes: rank 1 failed: it has ended",
                          "injected failure"));
  EXPECT_EQ(Mpi->aborted(), 1);
}

TEST_F(MpiTransport, WaitsForAllRanksAtTheEnd) {
  Options.Timeout = milliseconds(100);
  Options.Grace = milliseconds(2500);
  OnRank1 = {Fault::Hang, 0, milliseconds(1000)};
  EXPECT_THAT(
      onRanks(2, [](Transport &) { return absl::OkStatus(); }),
      ElementsAre("the end of the run: rank 1 did not answer within 0.1 s",
                  "injected failure"));
}

TEST_F(MpiTransport, KeepsCallsApart) {
  Options.Timeout = milliseconds(1000);
  auto Errors = onRanks(2, [](Transport &Ranks) {
    std::vector<int> Mine(4), All(8);
    return Ranks.allGather(allOf(Ranks), bytes(Mine), bytes(All),
                           Ranks.rank() == 0 ? 8 : 12);
  });
  // The second one to fail may quote the first.
  const std::string Late0 =
      "all-gather of 8 bytes: rank 1 did not answer within 1 s; rank 1 sent "
      "12 bytes for another call";
  const std::string Late1 =
      "all-gather of 12 bytes: rank 0 did not answer within 1 s; rank 0 sent "
      "8 bytes for another call";
  EXPECT_TRUE(Errors[0] == Late0 ||
              Errors[0] == "all-gather of 8 bytes: rank 1 failed: " + Late1)
      << Errors[0];
  EXPECT_TRUE(Errors[1] == Late1 ||
              Errors[1] == "all-gather of 12 bytes: rank 0 failed: " + Late0)
      << Errors[1];
  EXPECT_TRUE(Errors[0] == Late0 || Errors[1] == Late1);
}

TEST_F(MpiTransport, ReportsErrorsOfMpi) {
  for (const char *Function : {"Send", "Receive", "Test"}) {
    Prepare = [&](FakeMpi &Mpi) { Mpi.failAt(Function, 5); };
    auto Errors =
        onRanks(2, [](Transport &Ranks) { return exchange(Ranks, 1); });
    const std::string Name = std::string(Function) == "Test" ? "MPI_Test"
                             : Function[0] == 'S'            ? "MPI_Isend"
                                                             : "MPI_Irecv";
    EXPECT_TRUE(Errors[0] == Name + ": injected failure" ||
                Errors[1] == Name + ": injected failure")
        << Errors[0] << "\n"
        << Errors[1];
    EXPECT_NE(Errors[0], "");
    EXPECT_NE(Errors[1], "");
  }
  Prepare = [&](FakeMpi &Mpi) { Mpi.failAt("Start", 0); };
  EXPECT_THAT(onRanks(1, [](Transport &) { return absl::OkStatus(); }),
              ElementsAre("MPI_Init: injected failure"));
}

TEST(MpiLibrary, IsChecked) {
  EXPECT_THAT(std::string(mpi::loadMpi("/no/libm1-mpi.so").status().message()),
              testing::StartsWith("cannot load MPI: /no/libm1-mpi.so: cannot "
                                  "open shared object file"));
  EXPECT_EQ(std::string(mpi::loadMpi(M1_TEST_KERNELS).status().message()),
            M1_TEST_KERNELS ": has no m1MpiApi; it is not this program's "
                            "library for MPI");
}
} // namespace
