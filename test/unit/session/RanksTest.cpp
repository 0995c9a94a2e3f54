//===- RanksTest.cpp - plans that several ranks run -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/comm/Ranks.h"
#include "test/unit/TestSupport.h"

#include "runtime/comm/HostCommunicator.h"
#include "runtime/plan/Mesh.h"
#include "runtime/session/RankSlice.h"

#include <cstring>
#include <numeric>

using namespace m1;
using namespace m1::test;
using plan::DType;

namespace {
/// The tensors of meshPlan(): w[i] = i, and e.R[i] = 100 + 10 R + i.
std::string checkpoint(const TemporaryDirectory &Directory) {
  std::string Header =
      R"({"w":{"dtype":"F32","shape":[7,4],"data_offsets":[0,112]},)"
      R"("e.0":{"dtype":"F32","shape":[2,2],"data_offsets":[112,128]},)"
      R"("e.1":{"dtype":"F32","shape":[2,2],"data_offsets":[128,144]}})";
  while (Header.size() % 8 != 0)
    Header += ' ';
  std::vector<float> Values(36);
  std::iota(Values.begin(), Values.begin() + 28, 0);
  std::iota(Values.begin() + 28, Values.begin() + 32, 100);
  std::iota(Values.begin() + 32, Values.end(), 110);
  std::string File = safetensors(Header, 0);
  File.append(reinterpret_cast<const char *>(Values.data()),
              Values.size() * sizeof(float));
  std::string Path = Directory.path("model.safetensors");
  writeFile(Path, File);
  return Path;
}

std::vector<float> floatsOf(std::span<const std::byte> Bytes) {
  std::vector<float> Values(Bytes.size() / sizeof(float));
  std::memcpy(Values.data(), Bytes.data(), Bytes.size());
  return Values;
}

TEST(Ranks, ExchangeAndReadTheirParts) {
  TemporaryDirectory Directory;
  const std::string Weights = checkpoint(Directory);
  plan::PlanT PlanT = meshPlan();
  std::unique_ptr<LoadedPlan> Plan =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  constexpr int64_t N = 5;
  std::vector<std::string> Errors = onRanks(6, [&](Transport &Ranks) {
    const int Rank = Ranks.rank();
    const std::vector<int64_t> Own = coordinatesOf(**Plan, Rank);
    DeviceOptions Options;
    Options.Threads = 1;
    std::unique_ptr<Device> Cpu = value(createDevice(*Plan, Options));
    std::unique_ptr<Communicator> Comm =
        createHostCommunicator(**Plan, Ranks, *Cpu);
    CheckpointOptions Checkpoint;
    Checkpoint.Coordinates = Own;
    std::unique_ptr<ParameterSource> Source =
        value(checkpointParameters(*Plan, Weights, Checkpoint));
    M1_ASSIGN_OR_RETURN(
        std::unique_ptr<Executor> Program,
        Executor::create(*Plan, *Cpu, *Source, nullptr, Comm.get()));

    std::vector<float> A(N), All(24), Exchanged(9), W(12), E(4);
    std::iota(A.begin(), A.end(), 10 * Rank);
    HostTensor In{A.data(), ElementType::F32, {N}};
    std::vector<HostTensor> Out = {{All.data(), ElementType::F32, {24}},
                                   {Exchanged.data(), ElementType::F32, {9}},
                                   {W.data(), ElementType::F32, {3, 4}},
                                   {E.data(), ElementType::F32, {2, 2}}};
    M1_RETURN_IF_ERROR(Program->call(0, {&In, 1}, Out));
    const std::vector<int> Group = groupOf(**Plan, Rank, 0);
    for (size_t I = 0; I < 3; ++I) {
      for (int64_t J = 0; J < N; ++J)
        EXPECT_EQ(All[I * N + J], 10 * Group[I] + J);
      // Blocks of two: the rank's own place in what each gives.
      for (int64_t J = 0; J < 2 && 2 * Own[0] + J < N; ++J)
        EXPECT_EQ(Exchanged[2 * I + J], 10 * Group[I] + 2 * Own[0] + J);
    }
    // Three rows from 3 * coordinate on; two of the last rank's do not exist.
    for (int64_t I = 0; I < 12; ++I)
      EXPECT_EQ(W[I], 12 * Own[0] + I < 28 ? 12 * Own[0] + I : 0);
    for (int64_t I = 0; I < 4; ++I)
      EXPECT_EQ(E[I], 100 + 10 * Own[1] + I);
    EXPECT_EQ(Source->bytesRead(), (Own[0] < 2 ? 48u : 16u) + 16u);
    EXPECT_EQ(Program->traffic().Exchanges, 2u);
    EXPECT_EQ(Program->traffic().Messages, 4u);
    EXPECT_EQ(Program->traffic().Bytes, 2u * N * 4 + 2u * 2 * 4);
    return absl::OkStatus();
  });
  EXPECT_EQ(Errors, std::vector<std::string>(6));
}

TEST(Ranks, NeedACommunicator) {
  plan::PlanT PlanT = meshPlan();
  SessionOptions Options;
  Options.Weights = "none";
  EXPECT_EQ(
      message(Session::open(value(LoadedPlan::fromBytes(serialize(PlanT), "p")),
                            Options)
                  .status()),
      "p: was compiled for 6 ranks (tensor 3 x expert 2), found one: "
      "start it with mpirun -np 6 m1run ...");
}

TEST(Ranks, ReadSlicesInPlaceOrGatherThem) {
  TemporaryDirectory Directory;
  const std::string Weights = checkpoint(Directory);
  plan::PlanT PlanT = meshPlan();
  // The second slice is of columns, and of some rows: 1 to 7.
  auto Columns = std::make_unique<plan::ParameterT>(*PlanT.parameters[0]);
  Columns->slices[0]->axis = 1;
  Columns->slices[0]->begin = 1;
  auto Slice = std::make_unique<plan::ParameterSliceT>();
  Slice->dimension = 1;
  Slice->step = 2;
  Slice->end = 4;
  Columns->slices.push_back(std::move(Slice));
  PlanT.parameters.push_back(std::move(Columns));
  std::unique_ptr<LoadedPlan> Plan =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  CheckpointOptions Options;
  Options.Coordinates = {1, 1};
  auto Source = value(checkpointParameters(*Plan, Weights, Options));
  EXPECT_EQ(
      floatsOf(value(Source->get(0))),
      (std::vector<float>{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}));
  EXPECT_EQ(floatsOf(value(Source->get(2))),
            (std::vector<float>{18, 19, 22, 23, 26, 27}));
  EXPECT_EQ(Source->bytesRead(), 48u + 24u);
  const plan::Parameter &Parameter = *(*Plan)->parameters()->Get(0);
  EXPECT_EQ(RankSlice(Parameter, Options.Coordinates).range(), 12);
  Options.Coordinates = {2, 1};
  EXPECT_EQ(RankSlice(Parameter, Options.Coordinates).range(), std::nullopt);

  // Random tensors are the same on all ranks.
  plan::PlanT WholeT;
  addParameter(WholeT, "w", DType::F32, {7, 4});
  addParameter(WholeT, "e.1", DType::F32, {2, 2});
  std::unique_ptr<LoadedPlan> Whole =
      value(LoadedPlan::fromBytes(serialize(WholeT), "whole"));
  auto All = value(randomParameters(*Whole, 3));
  auto Mine = value(randomParameters(*Plan, 3, Options.Coordinates));
  const std::vector<float> W = floatsOf(value(All->get(0)));
  std::vector<float> Last(W.begin() + 24, W.end());
  Last.resize(12);
  EXPECT_EQ(floatsOf(value(Mine->get(0))), Last);
  EXPECT_EQ(floatsOf(value(Mine->get(1))), floatsOf(value(All->get(1))));
  EXPECT_EQ(floatsOf(value(Mine->get(2))), std::vector<float>(6));
  const int64_t Middle[] = {1, 1};
  auto Other = value(randomParameters(*Plan, 3, Middle));
  EXPECT_EQ(floatsOf(value(Other->get(2))),
            (std::vector<float>{W[18], W[19], W[22], W[23], W[26], W[27]}));
}
} // namespace
