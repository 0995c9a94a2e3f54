//===- NcclCommunicatorTest.cpp - exchanges between GPUs ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/nccl/NcclCommunicator.h"

#include "runtime/comm/CreateCommunicator.h"
#include "runtime/comm/StartCheck.h"
#include "runtime/comm/nccl/LoadNccl.h"
#include "runtime/device/gpu/GpuDevice.h"
#include "test/unit/TestSupport.h"
#include "test/unit/comm/HostDevice.h"
#include "test/unit/comm/Ranks.h"
#include "test/unit/comm/nccl/NcclTest.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {
class Nccl : public NcclTest {
protected:
  void SetUp() override {
    NcclTest::SetUp();
    plan::PlanT Plan;
    for (const char *Name : {"data", "tensor"}) {
      Plan.mesh.push_back(std::make_unique<plan::MeshAxisT>());
      Plan.mesh.back()->name = Name;
      Plan.mesh.back()->extent = 2;
    }
    File = serialize(Plan);
  }

  /// What a rank does with its communicator.
  struct Rank {
    int Number;
    Communicator &Comm;
    MockGpu &Gpu;
    std::vector<int> Source, Destination;

    /// Issues an exchange of numbers from Source to Destination.
    absl::Status exchange(plan::CollectiveKind Kind, uint32_t Axis,
                          uint32_t Step) {
      Exchange What;
      What.Kind = Kind;
      What.Axis = Axis;
      What.Source = reinterpret_cast<Device::Address>(Source.data());
      What.Destination = reinterpret_cast<Device::Address>(Destination.data());
      What.Bytes = Destination.size() / 2 * sizeof(int);
      What.Function = "score";
      What.Step = Step;
      What.Where = "model.layers.0";
      return Comm.exchange(What);
    }
  };

  /// Runs `Body` on 4 ranks; the error of each, or "".
  std::vector<std::string>
  onGpus(const std::function<absl::Status(Rank &)> &Body) {
    return onRanks(4,
                   [&](Transport &Ranks) {
                     absl::Status Status = onGpu(Ranks, Body);
                     if (!Status.ok())
                       Ranks.abort(Status);
                     return Status;
                   },
                   {Timeout});
  }

  absl::Status onGpu(Transport &Ranks,
                     const std::function<absl::Status(Rank &)> &Body) {
    M1_ASSIGN_OR_RETURN(nccl::Api Library, nccl::loadNccl(M1_MOCK_NCCL));
    MockGpu Gpu;
    absl::Status Status;
    {
      M1_ASSIGN_OR_RETURN(
          std::unique_ptr<Communicator> Comm,
          nccl::createNcclCommunicator(Library, *plan::GetPlan(File.data()),
                                       Ranks, Gpu));
      EXPECT_TRUE(Comm->isRecordable());
      Rank Own{Ranks.rank(), *Comm, Gpu, {}, {}};
      Status = Body(Own);
      // Nobody's communicator ends while others need it.
      if (Status.ok())
        Status = Ranks.finish();
    }
    EXPECT_EQ(Gpu.Live, 0);
    return Status;
  }

  std::vector<uint8_t> File;
  milliseconds Timeout = std::chrono::seconds(60);
};
constexpr auto AllGather = plan::CollectiveKind::AllGather,
               AllToAll = plan::CollectiveKind::AllToAll;

TEST_F(Nccl, ExchangesOnEachAxis) {
  EXPECT_THAT(
      onGpus([](Rank &Own) -> absl::Status {
        const int N = Own.Number, Data = N / 2, Tensor = N % 2;
        EXPECT_THAT(Own.Comm.coordinates(), ElementsAre(Data, Tensor));
        Own.Source = {N, 10 * N};
        Own.Destination.assign(4, -1);
        M1_RETURN_IF_ERROR(Own.exchange(AllGather, 0, 1));
        M1_RETURN_IF_ERROR(Own.Comm.wait("score"));
        EXPECT_THAT(Own.Destination, ElementsAre(Tensor, 10 * Tensor,
                                                 Tensor + 2, 10 * Tensor + 20));
        Own.Source = {10 * N, 10 * N + 1};
        Own.Destination.assign(2, -1);
        M1_RETURN_IF_ERROR(Own.exchange(AllToAll, 1, 2));
        M1_RETURN_IF_ERROR(Own.Comm.wait("score"));
        EXPECT_THAT(Own.Destination,
                    ElementsAre(20 * Data + Tensor, 20 * Data + 10 + Tensor));
        return absl::OkStatus();
      }),
      Each(""));
  EXPECT_EQ(Mock->Communicators, 8);
  EXPECT_EQ(Mock->Destroyed, 8);
  EXPECT_EQ(Mock->Aborted, 0);
}

TEST_F(Nccl, RecordsExchanges) {
  EXPECT_THAT(onGpus([](Rank &Own) -> absl::Status {
                Own.Source = {Own.Number};
                Own.Destination.assign(2, -1);
                Recorder &Kept = *Own.Gpu.recorder();
                M1_RETURN_IF_ERROR(Kept.beginRecording());
                M1_RETURN_IF_ERROR(Own.exchange(AllGather, 1, 1));
                M1_RETURN_IF_ERROR(Kept.endRecording().status());
                M1_RETURN_IF_ERROR(Own.Comm.wait("score"));
                EXPECT_THAT(Own.Destination, ElementsAre(-1, -1));
                for (int Turn = 0; Turn < 3; ++Turn) {
                  Own.Source = {Own.Number + 10 * Turn};
                  M1_RETURN_IF_ERROR(Kept.replay(0));
                  M1_RETURN_IF_ERROR(Own.Comm.wait("score"));
                  const int First = Own.Number / 2 * 2 + 10 * Turn;
                  EXPECT_THAT(Own.Destination, ElementsAre(First, First + 1));
                }
                return absl::OkStatus();
              }),
              Each(""));
  EXPECT_EQ(Mock->Calls["ncclAllGather"], 4);
}

/// Three exchanges on the axis "tensor", then one wait.
absl::Status threeExchanges(auto &Own) {
  Own.Source = {Own.Number, Own.Number};
  Own.Destination.assign(2, -1);
  for (uint32_t Step : {4, 7, 9})
    M1_RETURN_IF_ERROR(Own.exchange(AllToAll, 1, Step));
  return Own.Comm.wait("score");
}

TEST_F(Nccl, GivesUpAtTheTimeLimit) {
  Timeout = milliseconds(1500);
  Mock->Hangs[1] = 2; // coordinate 1, the last exchange
  const auto Start = std::chrono::steady_clock::now();
  const std::vector<std::string> Errors =
      onGpus([](Rank &Own) { return threeExchanges(Own); });
  EXPECT_LT(std::chrono::steady_clock::now() - Start, std::chrono::seconds(20));
  // One is the first; the others quote it or say the same.
  int Late = 0;
  for (int Rank = 0; Rank < 4; ++Rank) {
    EXPECT_THAT(
        Errors[Rank],
        StartsWith(concat("rank ", Rank, " (data ", Rank / 2, ", tensor ",
                          Rank % 2, "), 'score' (last finished: step 7): ")));
    EXPECT_THAT(Errors[Rank],
                HasSubstr("the GPU finished no exchange within 1.5 s"));
    Late += Errors[Rank].find("failed") == std::string::npos;
  }
  EXPECT_GE(Late, 1);
  EXPECT_EQ(Mock->Aborted, 8);
  EXPECT_EQ(Mock->Destroyed, 0);
}

TEST_F(Nccl, PassesOnItsErrors) {
  Mock->AsyncErrors[1] = 1;
  const std::vector<std::string> Errors = onGpus([](Rank &Own) {
    absl::Status Status;
    for (int I = 0; I < 1000 && Status.ok(); ++I)
      Status = threeExchanges(Own);
    return Status;
  });
  EXPECT_THAT(Errors, Each(HasSubstr("remote process exited")));
  // A late rank may hear of the failure before it has opened all of its own.
  EXPECT_EQ(Mock->Aborted, Mock->Communicators);
}

TEST_F(Nccl, SaysWhichCallFailed) {
  // Of the ranks with this coordinate, one or both get to the call.
  Mock->Failures[{"ncclSend", 0}] = 2;
  std::vector<std::string> Errors =
      onGpus([](Rank &Own) { return threeExchanges(Own); });
  EXPECT_THAT(Errors, Each(HasSubstr("ncclSend: internal error")));
  EXPECT_THAT(Errors, Each(HasSubstr("'score'")));
  // A late rank may hear of the failure before it has opened all of its own.
  EXPECT_EQ(Mock->Aborted, Mock->Communicators);

  Mock->Failures = {{{"ncclGroupEnd", 1}, 0}};
  Errors = onGpus([](Rank &Own) { return threeExchanges(Own); });
  EXPECT_THAT(Errors, Each(HasSubstr("ncclGroupEnd: internal error")));

  Mock->Failures = {{{"ncclCommInitRankConfig", 1}, 0}};
  Errors = onGpus([](Rank &Own) { return threeExchanges(Own); });
  EXPECT_THAT(Errors,
              Each(HasSubstr("ncclCommInitRankConfig: internal error")));

  Mock->Failures = {{{"ncclGetUniqueId", 0}, 0}};
  Errors = onGpus([](Rank &Own) { return threeExchanges(Own); });
  EXPECT_THAT(Errors, Each(HasSubstr("ncclGetUniqueId: internal error")));
}

TEST_F(Nccl, StartsWithinTheTimeLimit) {
  Timeout = milliseconds(1000);
  Mock->HangsAtStart = true;
  EXPECT_THAT(
      onGpus([](Rank &Own) { return threeExchanges(Own); }),
      Each(HasSubstr("ncclCommInitRankConfig: not finished within 1 s")));
}

TEST_F(Nccl, EndsWhenAnotherRankFails) {
  const std::vector<std::string> Errors = onGpus([](Rank &Own) -> absl::Status {
    if (Own.Number == 2)
      return makeError("out of memory");
    return threeExchanges(Own);
  });
  EXPECT_EQ(Errors[2], "out of memory");
  // Rank 3 waits for it; ranks 0 and 1 may have finished.
  for (int Rank : {0, 1, 3})
    EXPECT_THAT(Errors[Rank], HasSubstr("rank 2 failed: out of memory"));
}

TEST_F(Nccl, IsForGpusOfAllRanks) {
  // "NCCL", "host", or the error, on each rank.
  auto chosen = [&](int HostRank, const std::string &Library) {
    return onRanks(4, [&](Transport &Ranks) -> absl::Status {
      std::unique_ptr<Device> TheDevice =
          createGpuDevice(std::make_unique<MockGpu>(), {});
      if (HostRank == Ranks.rank() || HostRank == 4)
        TheDevice = std::make_unique<HostDevice>();
      auto Comm = createCommunicator(*plan::GetPlan(File.data()), Ranks,
                                     *TheDevice, Library);
      if (!Comm.ok()) {
        EXPECT_TRUE(isOfAllRanks(Comm.status()));
        return Comm.status();
      }
      const bool IsNccl = (*Comm)->isRecordable();
      M1_RETURN_IF_ERROR(Ranks.finish());
      return makeError(IsNccl ? "NCCL" : "host");
    });
  };
  EXPECT_THAT(chosen(-1, M1_MOCK_NCCL), Each("NCCL"));
  EXPECT_THAT(chosen(4, "no library"), Each("host"));
  EXPECT_THAT(chosen(2, M1_MOCK_NCCL),
              Each("the ranks differ in how they exchange: NCCL on ranks 0, 1, "
                   "3, host memory on rank 2"));
  EXPECT_THAT(chosen(-1, "libno-such-nccl.so.2"),
              Each(StartsWith("several GPUs need NCCL, which is not on this "
                              "machine: libno-such-nccl.so.2: ")));
}

TEST_F(Nccl, SaysWhatIsMissing) {
  auto error = [](const std::string &Library) {
    return message(nccl::loadNccl(Library).status());
  };
  EXPECT_THAT(error("libno-such-nccl.so.2"),
              StartsWith("several GPUs need NCCL, which is not on this "
                         "machine: libno-such-nccl.so.2: "));
  EXPECT_EQ(error(M1_TEST_KERNELS),
            "NCCL (" M1_TEST_KERNELS
            ") has no ncclGetVersion, expected 2.14 or later, which does not "
            "block: a rank that waits can give up; install a newer libnccl2");
  Mock->Version = 21304;
  EXPECT_THAT(error(M1_MOCK_NCCL),
              HasSubstr(") is version 2.13.4, expected 2.14 or later"));
  Mock->Version = 21403;
  EXPECT_EQ(error(M1_MOCK_NCCL), "");
}
} // namespace
