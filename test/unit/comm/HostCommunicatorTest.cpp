//===- HostCommunicatorTest.cpp - exchanges through the host --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"

#include "runtime/comm/MeshCommunicator.h"
#include "test/unit/TestSupport.h"
#include "test/unit/comm/FaultyTransport.h"
#include "test/unit/comm/HostDevice.h"
#include "test/unit/comm/Ranks.h"

#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

namespace {
/// The file of a plan with this mesh and nothing else.
std::vector<uint8_t>
meshOf(const std::vector<std::pair<std::string, int64_t>> &Axes) {
  plan::PlanT Plan;
  for (const auto &[Name, Extent] : Axes) {
    Plan.mesh.push_back(std::make_unique<plan::MeshAxisT>());
    Plan.mesh.back()->name = Name;
    Plan.mesh.back()->extent = Extent;
  }
  return serialize(Plan);
}

/// One exchange of numbers on one axis; the destination's numbers.
std::vector<int> exchange(Communicator &Comm, const HostDevice &TheDevice,
                          plan::CollectiveKind Kind, uint32_t Axis,
                          std::vector<int> Source, int Ranks, int Count,
                          absl::Status &Status, uint32_t Step = 3) {
  std::vector<int> Destination(Ranks * Count);
  Exchange What;
  What.Kind = Kind;
  What.Axis = Axis;
  What.Source = TheDevice.at(Source.data());
  What.Destination = TheDevice.at(Destination.data());
  What.Bytes = Count * sizeof(int);
  What.Function = "score";
  What.Step = Step;
  What.Where = "model.layers.0";
  Status.Update(Comm.exchange(What));
  return Destination;
}

class HostCommunicator : public testing::TestWithParam<uint64_t> {};

TEST_P(HostCommunicator, ExchangesOnEachAxis) {
  const std::vector<uint8_t> File = meshOf({{"data", 2}, {"tensor", 3}});
  EXPECT_THAT(
      onRanks(
          6,
          [&](Transport &Ranks) {
            HostDevice TheDevice(GetParam());
            auto Comm = createHostCommunicator(*plan::GetPlan(File.data()),
                                               Ranks, TheDevice);
            const int Own = Ranks.rank(), Data = Own / 3, Tensor = Own % 3;
            EXPECT_THAT(Comm->coordinates(), ElementsAre(Data, Tensor));
            using Kind = plan::CollectiveKind;
            absl::Status Status;
            EXPECT_THAT(exchange(*Comm, TheDevice, Kind::AllGather, 0,
                                 {Own, -Own}, 2, 2, Status),
                        ElementsAre(Tensor, -Tensor, Tensor + 3, -Tensor - 3));
            EXPECT_THAT(exchange(*Comm, TheDevice, Kind::AllToAll, 1,
                                 {10 * Own, 10 * Own + 1, 10 * Own + 2}, 3, 1,
                                 Status),
                        ElementsAre(30 * Data + Tensor, 30 * Data + 10 + Tensor,
                                    30 * Data + 20 + Tensor));
            // A larger one after a smaller one, and a smaller one again.
            for (int Count : {100, 1}) {
              std::vector<int> Mine(Count, Own), Expected;
              for (int Other : {0, 1, 2})
                Expected.insert(Expected.end(), Count, 3 * Data + Other);
              EXPECT_THAT(exchange(*Comm, TheDevice, Kind::AllGather, 1, Mine,
                                   3, Count, Status),
                          ElementsAreArray(Expected));
            }
            return Status;
          }),
      Each(""));
}

TEST_P(HostCommunicator, SaysWhereARankWaited) {
  const std::vector<uint8_t> File = meshOf({{"data", 1}, {"tensor", 2}});
  const std::vector<std::string> Errors = onRanks(
      2,
      [&](Transport &Ranks) {
        HostDevice TheDevice(GetParam());
        auto Comm = createHostCommunicator(*plan::GetPlan(File.data()), Ranks,
                                           TheDevice);
        absl::Status Status;
        for (uint32_t Step = 3; Step < 6 && Status.ok(); ++Step)
          exchange(*Comm, TheDevice, plan::CollectiveKind::AllGather, 1, {7}, 2,
                   1, Status, Step);
        return Status;
      },
      {std::chrono::seconds(60)},
      [](std::unique_ptr<Transport> Rank) -> std::unique_ptr<Transport> {
        const uint64_t Call = Rank->rank() == 1 ? 1 : 99;
        return std::make_unique<FaultyTransport>(std::move(Rank),
                                                 Fault{Fault::Fail, Call, {}});
      });
  EXPECT_THAT(
      Errors,
      ElementsAre("rank 0 (data 0, tensor 0), step 4 of 'score' "
                  "(model.layers.0; last finished: step 3): all-gather of 4 "
                  "bytes: rank 1 failed: it has ended",
                  "rank 1 (data 0, tensor 1), step 4 of 'score' "
                  "(model.layers.0; last finished: step 3): injected failure"));
}

INSTANTIATE_TEST_SUITE_P(Memory, HostCommunicator,
                         testing::Values(0, uint64_t(1) << 60),
                         [](const auto &Info) {
                           return Info.param ? "OfTheDevice" : "OfTheHost";
                         });
} // namespace
