//===- CudaDriverTest.cpp - the CUDA driver's wrapper ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cuda/CudaDriver.h"
#include "runtime/device/gpu/GpuDevice.h"
#include "test/unit/TestSupport.h"
#include "test/unit/device/cuda/MockCuda.h"

#include <gmock/gmock.h>

#include <dlfcn.h>

using namespace m1;
using namespace m1::test;
using testing::HasSubstr;

namespace {
class CudaDriver : public testing::Test {
protected:
  void SetUp() override {
    void *Library = ::dlopen(M1_MOCK_CUDA, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(Library, nullptr) << ::dlerror();
    Cuda = static_cast<MockCuda *>(::dlsym(Library, "mockCuda"));
    ASSERT_NE(Cuda, nullptr);
    *Cuda = MockCuda();
  }
  /// Checks that all objects were destroyed.
  void TearDown() override {
    EXPECT_EQ(Cuda->Memory, 0);
    EXPECT_EQ(Cuda->HostMemory, 0);
    EXPECT_EQ(Cuda->Streams, 0);
    EXPECT_EQ(Cuda->Events, 0);
    EXPECT_EQ(Cuda->Modules, 0);
    EXPECT_EQ(Cuda->Graphs, 0);
    EXPECT_EQ(Cuda->Contexts, 0);
  }

  std::string openError(unsigned Ordinal = 0,
                        const std::string &Library = M1_MOCK_CUDA) {
    return message(cuda::createCudaDriver(Ordinal, Library).status());
  }

  /// Calls the adder plan `Calls` times; the first error, or "".
  std::string run(plan::PlanT Plan, int Calls, bool Blocking = false) {
    forGpu(Plan);
    auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
    GpuOptions Options;
    Options.Blocking = Blocking;
    auto Gpu = createGpuDevice(value(cuda::createCudaDriver(0, M1_MOCK_CUDA)),
                               Options);
    auto Source = value(randomParameters(*Loaded, 0));
    auto Program = Executor::create(*Loaded, *Gpu, *Source);
    if (!Program.ok())
      return message(Program.status());
    for (int I = 0; I < Calls; ++I) {
      std::vector<float> A = {1, 2, 3}, B = {10, 20, float(I)}, Sum(3);
      auto tensorOf = [](std::vector<float> &Values) {
        return HostTensor{Values.data(), ElementType::F32, {3}};
      };
      std::vector<HostTensor> In = {tensorOf(A), tensorOf(B)},
                              Out = {tensorOf(Sum)};
      absl::Status Status = (*Program)->call(0, In, Out);
      if (!Status.ok())
        return message(Status);
      EXPECT_EQ(Sum, (std::vector<float>{31, 62, 3 + 3 * float(I)}));
    }
    return "";
  }

  MockCuda *Cuda = nullptr;
};

TEST_F(CudaDriver, SaysWhatIsMissing) {
  EXPECT_THAT(openError(0, "libno-such-driver.so.1"),
              HasSubstr("no NVIDIA driver on this machine: "
                        "libno-such-driver.so.1: "));
  EXPECT_EQ(openError(0, M1_TEST_KERNELS),
            "the NVIDIA driver (" M1_TEST_KERNELS
            ") has no cuInit: it is older than CUDA 12.0; install a newer "
            "driver");
  Cuda->Failures["cuInit"] = 100;
  EXPECT_EQ(openError(), "cuInit: no CUDA-capable device is detected "
                         "(CUDA_ERROR_NO_DEVICE)");
  EXPECT_EQ(openError(1), "no GPU 1: the driver reports 1 (numbered from 0)");
  Cuda->Version = 11080;
  EXPECT_EQ(openError(), "the NVIDIA driver is for CUDA 11.8, expected 12.0 or "
                         "later; install a newer driver");
  Cuda->Version = 12000;
  EXPECT_EQ(openError(), "");
  Cuda->Failures["cuStreamCreate"] = 999;
  EXPECT_EQ(openError(), "cuStreamCreate: unknown error 999");
}

TEST_F(CudaDriver, DescribesTheDevice) {
  Cuda->Devices = 2;
  auto Driver = value(cuda::createCudaDriver(1, M1_MOCK_CUDA));
  EXPECT_EQ(Driver->description(), "cuda, Mock 200 (sm_86)");
  EXPECT_EQ(Driver->limits().ComputeCapability, 86u);
  EXPECT_EQ(Driver->limits().SharedBytes, 101376u);
  EXPECT_EQ(value(Driver->freeBytes()), 1u << 20);
}

TEST_F(CudaDriver, RunsAPlan) {
  EXPECT_EQ(run(adderPlan(), 5), "");
  // The first call is launched; the second recorded and, as the others,
  // replayed.
  EXPECT_EQ(Cuda->Calls["cuLaunchKernel"], 2);
  EXPECT_EQ(Cuda->Calls["cuGraphLaunch"], 4);
  EXPECT_EQ(Cuda->Calls["cuFuncSetAttribute"], 0);
  EXPECT_EQ(Cuda->Ptx, "ptx");
}

TEST_F(CudaDriver, AsksForMuchSharedMemory) {
  plan::PlanT Plan = adderPlan();
  Plan.kernels[0]->scratch_bytes = 48 * 1024;
  EXPECT_EQ(run(std::move(Plan), 1), "");
  EXPECT_EQ(Cuda->DynamicShared, 0);
  Plan = adderPlan();
  Plan.kernels[0]->scratch_bytes = 48 * 1024 + 4;
  EXPECT_EQ(run(std::move(Plan), 1), "");
  EXPECT_EQ(Cuda->DynamicShared, 48 * 1024 + 4);
}

TEST_F(CudaDriver, ComparesThePtxVersionWithTheDriver) {
  auto error = [&](std::string_view Version) {
    plan::PlanT Plan = adderPlan();
    forGpu(Plan);
    std::string Text =
        concat("//\n// text\n//\n\n.version ", Version, "\n.target sm_80\n");
    Plan.images[0]->data.assign(Text.begin(), Text.end());
    return run(std::move(Plan), 1);
  };
  EXPECT_EQ(error("8.4"), "");
  EXPECT_EQ(error("8.5"),
            "p.m1plan: kernels in PTX 8.5 need a driver for CUDA 12.5, the "
            "NVIDIA driver here is for CUDA 12.4; install a newer driver");
  EXPECT_EQ(error("7.8"), "");
}

TEST_F(CudaDriver, PassesOnWhatTheAssemblerSays) {
  Cuda->Failures["cuModuleLoadDataEx"] = 218;
  Cuda->JitLog = "ptxas application ptx input, line 12; error   : Unknown\n\n"
                 "ptxas fatal   : aborted\n";
  EXPECT_EQ(run(adderPlan(), 1),
            "p.m1plan: the NVIDIA driver refuses the kernels: something failed "
            "(CUDA_ERROR_INVALID_PTX): ptxas application ptx input, line 12; "
            "error : Unknown; ptxas fatal : aborted");
  plan::PlanT Plan = adderPlan();
  Plan.kernels[0]->name = "absent";
  EXPECT_EQ(run(std::move(Plan), 1),
            "p.m1plan: the image has no kernel 'absent'");
}

TEST_F(CudaDriver, ReportsLackOfMemory) {
  Cuda->FreeBytes = 100;
  EXPECT_THAT(run(adderPlan(), 1),
              HasSubstr("p.m1plan: needs 832 bytes on the device"));
  EXPECT_EQ(Cuda->Calls["cuMemAlloc_v2"], 0);
  // Memory that was free at the check is allocated elsewhere since.
  Cuda->FreeBytes = 1000;
  Cuda->Failures["cuMemAlloc_v2"] = 2;
  EXPECT_THAT(run(adderPlan(), 1), HasSubstr("cuMemAlloc of 768: out of memory "
                                             "(CUDA_ERROR_OUT_OF_MEMORY)"));
}

TEST_F(CudaDriver, NamesTheLaunchThatFailed) {
  const std::string Launch = "kernel 'add_scaled' (here), grid 3 x 1 x 1, "
                             "block 32, shared 64";
  Cuda->Failures["cuLaunchKernel"] = 701;
  EXPECT_EQ(run(adderPlan(), 1), "p.m1plan: " + Launch +
                                     ": cuLaunchKernel: something failed "
                                     "(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)");
  plan::PlanT Plan = adderPlan();
  for (bool Blocking : {false, true}) {
    forGpu(Plan);
    auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
    GpuOptions Options;
    Options.Blocking = Blocking;
    auto Gpu = createGpuDevice(value(cuda::createCudaDriver(0, M1_MOCK_CUDA)),
                               Options);
    ASSERT_EQ(message(Gpu->loadKernels(*Loaded)), "");
    float Values[3] = {};
    uint64_t At =
        value(Gpu->map(Values, sizeof Values, Device::HostAccess::Write));
    const uint64_t Args[4] = {At, At, At, 1};
    Cuda->Failures["cuStreamSynchronize"] = 700;
    absl::Status Status = Gpu->launch(0, Args, {}, {3, 1, 1}, "here");
    if (Status.ok())
      Status = Gpu->synchronize();
    EXPECT_EQ(message(Status),
              "p.m1plan: cuStreamSynchronize: an illegal memory access was "
              "encountered (CUDA_ERROR_ILLEGAL_ADDRESS) in " +
                  Launch);
  }
}
} // namespace
