//===- RecordedCallsTest.cpp - recorded calls with exchanges --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The executor records a repeated call on a GPU, its exchanges included.
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"
#include "runtime/comm/nccl/LoadNccl.h"
#include "runtime/comm/nccl/NcclCommunicator.h"
#include "runtime/device/gpu/GpuDevice.h"
#include "test/unit/TestSupport.h"
#include "test/unit/comm/Ranks.h"
#include "test/unit/comm/nccl/NcclTest.h"

#include <gmock/gmock.h>

#include <atomic>
#include <barrier>

using namespace m1;
using namespace m1::test;
using std::chrono::milliseconds;
using testing::Each;
using testing::HasSubstr;

namespace {
/// What meshPlan() returns, as bits.
using Results = std::vector<std::vector<uint32_t>>;

/// Call number `Turn` of a rank, with `N` numbers that no other call has.
absl::StatusOr<Results> call(Executor &Program, int Rank, int Turn, int64_t N) {
  std::vector<uint32_t> A(N);
  for (int64_t I = 0; I < N; ++I)
    A[I] = 1000000 + 10000 * Rank + 100 * Turn + I;
  Results Found = {std::vector<uint32_t>(24), std::vector<uint32_t>(9),
                   std::vector<uint32_t>(12), std::vector<uint32_t>(4)};
  const HostTensor In{A.data(), ElementType::F32, {N}};
  const HostTensor Out[] = {{Found[0].data(), ElementType::F32, {24}},
                            {Found[1].data(), ElementType::F32, {9}},
                            {Found[2].data(), ElementType::F32, {3, 4}},
                            {Found[3].data(), ElementType::F32, {2, 2}}};
  M1_RETURN_IF_ERROR(Program.call(0, {&In, 1}, Out));
  // What lies behind the N numbers that ranks exchange is not defined.
  const int64_t Block = (N + 2) / 3, First = Rank / 2 * Block;
  Found[0].resize(3 * N);
  Found[1].resize(3 * Block);
  for (int64_t I = 0; I < 3 * Block; ++I)
    if (First + I % Block >= N)
      Found[1][I] = 0;
  return Found;
}

class RecordedCalls : public NcclTest {
protected:
  static constexpr int kRanks = 6;

  RecordedCalls() {
    plan::PlanT PlanT = meshPlan();
    Plan = value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  }

  /// Runs `Body` on ranks with a device and a communicator; the error of each.
  using RankBody = std::function<absl::Status(int Rank, Executor &Program)>;
  std::vector<std::string> onCpus(const RankBody &Body) {
    return onRanks(kRanks, [&](Transport &Ranks) {
      DeviceOptions Options;
      Options.Threads = 1;
      std::unique_ptr<Device> Cpu = value(createDevice(*Plan, Options));
      auto Comm = createHostCommunicator(**Plan, Ranks, *Cpu);
      return run(*Cpu, *Comm, Ranks, Body);
    });
  }
  std::vector<std::string> onGpus(const RankBody &Body) {
    return onRanks(kRanks,
                   [&](Transport &Ranks) {
                     absl::Status Status = onGpu(Ranks, Body);
                     if (!Status.ok())
                       Ranks.abort(Status);
                     return Status;
                   },
                   {Timeout});
  }

  absl::Status onGpu(Transport &Ranks, const RankBody &Body) {
    M1_ASSIGN_OR_RETURN(nccl::Api Library, nccl::loadNccl(M1_MOCK_NCCL));
    auto Driver = std::make_unique<MockGpu>();
    MockGpu &Gpu = *Driver;
    std::unique_ptr<Device> Owner =
        createGpuDevice(std::move(Driver), GpuOptions());
    absl::Status Status;
    {
      M1_ASSIGN_OR_RETURN(
          std::unique_ptr<Communicator> Comm,
          nccl::createNcclCommunicator(Library, **Plan, Ranks, Gpu));
      Status = run(*Owner, *Comm, Ranks, Body);
      EXPECT_FALSE(Gpu.isRecording());
      Replays += Gpu.Replays;
      Recordings += Gpu.recordings();
      if (Status.ok())
        Status = Ranks.finish();
    }
    return Status;
  }

  absl::Status run(Device &TheDevice, Communicator &Comm, Transport &Ranks,
                   const RankBody &Body) {
    std::vector<int64_t> Own(Comm.coordinates().begin(),
                             Comm.coordinates().end());
    std::unique_ptr<ParameterSource> Source =
        value(randomParameters(*Plan, 1, Own));
    M1_ASSIGN_OR_RETURN(
        std::unique_ptr<Executor> Program,
        Executor::create(*Plan, TheDevice, *Source, nullptr, &Comm));
    return Body(Ranks.rank(), *Program);
  }

  std::unique_ptr<LoadedPlan> Plan;
  milliseconds Timeout = std::chrono::seconds(60);
  std::atomic<int> Replays = 0;
  std::atomic<size_t> Recordings = 0;
};

/// Calls of two sizes; each is issued, recorded and replayed, and replayed.
constexpr int64_t kSizes[] = {5, 5, 8, 5, 8, 8, 5};

/// Fills `All`, by rank, with what the calls return.
auto callAll(std::vector<std::vector<Results>> &All) {
  return [&All](int Rank, Executor &Program) -> absl::Status {
    for (int Turn = 0; Turn < int(std::size(kSizes)); ++Turn) {
      M1_ASSIGN_OR_RETURN(All[Rank].emplace_back(),
                          call(Program, Rank, Turn, kSizes[Turn]));
    }
    return absl::OkStatus();
  };
}

TEST_F(RecordedCalls, HaveTheBitsOfOtherCalls) {
  std::vector<std::vector<Results>> Expected(kRanks), Found(kRanks),
      Delayed(kRanks);
  EXPECT_THAT(onCpus(callAll(Expected)), Each(""));
  EXPECT_THAT(onGpus(callAll(Found)), Each(""));
  EXPECT_EQ(Found, Expected);
  EXPECT_EQ(Expected[0].size(), std::size(kSizes));
  // Each size is issued once and recorded once.
  EXPECT_EQ(Mock->Calls["ncclAllGather"], 2 * 2 * kRanks);
  EXPECT_EQ(Mock->Calls["ncclSend"], 3 * 2 * 2 * kRanks);
  EXPECT_EQ(Replays.load(), 5 * kRanks);
  EXPECT_EQ(Recordings.load(), 2u * kRanks);

  Mock->Progress = 100; // also while exchanges are recorded
  EXPECT_THAT(onGpus(callAll(Delayed)), Each(""));
  EXPECT_EQ(Delayed, Expected);
}

TEST_F(RecordedCalls, FailWhileTheyAreRecorded) {
  // Two ranks have this coordinate on the axis: they fail at the first or the
  // second exchange of the second call, which is recorded.
  const std::pair<const char *, int> Cases[] = {
      {"ncclAllGather", 2}, {"ncclSend", 6}, {"ncclRecv", 8}};
  for (const auto &[Function, Before] : Cases) {
    SetUp();
    Replays = 0;
    Recordings = 0;
    Mock->Failures = {{{Function, 1}, Before}};
    std::barrier Start(kRanks);
    const std::vector<std::string> Errors =
        onGpus([&](int Rank, Executor &Program) -> absl::Status {
          absl::Status Status = call(Program, Rank, 0, 5).status();
          Start.arrive_and_wait();
          for (int Turn = 1; Turn < 3 && Status.ok(); ++Turn)
            Status = call(Program, Rank, Turn, 5).status();
          return Status;
        });
    EXPECT_THAT(Errors, Each(HasSubstr(concat(Function, ": internal error"))));
    EXPECT_THAT(Errors, Each(HasSubstr("'exchange'")));
    EXPECT_EQ(Mock->Aborted, 2 * kRanks);
    // The recording that failed is not kept; ranks that had recorded theirs
    // waited in the replay.
    EXPECT_LE(Replays.load(), kRanks - 1);
    EXPECT_EQ(Recordings.load(), static_cast<size_t>(Replays.load()));
  }
}

TEST_F(RecordedCalls, EndWhenAReplayHangs) {
  Timeout = milliseconds(1500);
  Mock->Hangs[1] = 5; // the second exchange of the third call
  std::barrier Start(kRanks);
  const std::vector<std::string> Errors =
      onGpus([&](int Rank, Executor &Program) -> absl::Status {
        absl::Status Status;
        for (int Turn = 0; Turn < 2 && Status.ok(); ++Turn)
          Status = call(Program, Rank, Turn, 5).status();
        Start.arrive_and_wait();
        return Status.ok() ? call(Program, Rank, 2, 5).status() : Status;
      });
  EXPECT_THAT(Errors,
              Each(HasSubstr("the GPU finished no exchange within 1.5 s")));
  EXPECT_THAT(Errors, Each(HasSubstr("'exchange' (last finished: step 1)")));
  EXPECT_EQ(Replays.load(), 2 * kRanks);
  EXPECT_EQ(Mock->Aborted, 2 * kRanks);
}

TEST_F(RecordedCalls, PassOnAnErrorInAReplay) {
  Mock->AsyncErrors[1] = 3; // the second exchange of the second call
  const std::vector<std::string> Errors =
      onGpus([](int Rank, Executor &Program) -> absl::Status {
        for (int Turn = 0; Turn < 1000; ++Turn)
          M1_RETURN_IF_ERROR(call(Program, Rank, Turn, 5).status());
        return absl::OkStatus();
      });
  EXPECT_THAT(Errors, Each(HasSubstr("remote process exited")));
  // A late rank may hear of the failure before it has opened all of its own.
  EXPECT_EQ(Mock->Aborted, Mock->Communicators);
}
} // namespace
