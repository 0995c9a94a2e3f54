//===- CudaDriver.cpp - NVIDIA GPUs ---------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cuda/CudaDriver.h"

#include "runtime/device/cuda/CudaApi.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <dlfcn.h>
#include <map>
#include <vector>

using namespace m1;
using namespace m1::cuda;
using gpu::Address;

namespace {
/// The version of CUDA that a PTX version came with, as cuDriverGetVersion
/// counts; 0 where it is not known. (PTX ISA, "Release History".)
int cudaVersionOf(int PtxMajor, int PtxMinor) {
  if (PtxMajor == 7 && PtxMinor <= 8)
    return 11000 + 10 * PtxMinor;
  if (PtxMajor == 8 && PtxMinor <= 5)
    return 12000 + 10 * PtxMinor;
  return 0;
}
std::string versionText(int Version) {
  return concat(Version / 1000, ".", Version % 1000 / 10);
}
constexpr int kLeastVersion = 12000; // PTX 8.0; recordings need 11.4

/// A log of several lines as one.
std::string oneLine(std::string_view Log) {
  std::string Result;
  for (char C : Log) {
    bool IsSpace = std::isspace(static_cast<unsigned char>(C));
    if (!IsSpace)
      Result += C;
    else if (C == '\n' && !Result.empty() && !Result.ends_with("; "))
      Result += "; ";
    else if (!Result.empty() && !Result.ends_with(' '))
      Result += ' ';
  }
  while (Result.ends_with(' ') || Result.ends_with(';'))
    Result.pop_back();
  return Result;
}

class CudaDriver : public gpu::Driver, private Recorder {
public:
  ~CudaDriver() override {
    // A destructor cannot report errors.
    for (auto [Number, Exec] : Recordings)
      (void)Cuda.GraphExecDestroy(Exec);
    for (Module M : Modules)
      (void)Cuda.ModuleUnload(M);
    for (Event E : Events)
      if (E)
        (void)Cuda.EventDestroy(E);
    if (Work)
      (void)Cuda.StreamDestroy(Work);
    if (HasContext)
      (void)Cuda.PrimaryCtxRelease(TheDevice);
  }

  absl::Status open(unsigned Ordinal, const std::string &Library) {
    M1_RETURN_IF_ERROR(loadLibrary(Library));
    M1_RETURN_IF_ERROR(check(Cuda.Init(0), "cuInit"));
    M1_RETURN_IF_ERROR(
        check(Cuda.DriverGetVersion(&Version), "cuDriverGetVersion"));
    if (Version < kLeastVersion)
      return makeError("the NVIDIA driver is for CUDA ", versionText(Version),
                       ", expected ", versionText(kLeastVersion),
                       " or later; install a newer driver");
    int Count = 0;
    M1_RETURN_IF_ERROR(check(Cuda.DeviceGetCount(&Count), "cuDeviceGetCount"));
    if (Ordinal >= static_cast<unsigned>(Count))
      return makeError("no GPU ", Ordinal, ": the driver reports ", Count,
                       " (numbered from 0)");
    M1_RETURN_IF_ERROR(
        check(Cuda.DeviceGet(&TheDevice, Ordinal), "cuDeviceGet"));
    char Text[256] = "";
    M1_RETURN_IF_ERROR(
        check(Cuda.DeviceGetName(Text, sizeof Text - 1, TheDevice),
              "cuDeviceGetName"));
    Name = Text;
    M1_ASSIGN_OR_RETURN(int Major, attribute(kComputeCapabilityMajor));
    M1_ASSIGN_OR_RETURN(int Minor, attribute(kComputeCapabilityMinor));
    M1_ASSIGN_OR_RETURN(int Shared, attribute(kMaxSharedMemoryPerBlockOptin));
    TheLimits.ComputeCapability = 10 * Major + Minor;
    TheLimits.SharedBytes = Shared;
    Context Primary;
    M1_RETURN_IF_ERROR(check(Cuda.PrimaryCtxRetain(&Primary, TheDevice),
                             "cuDevicePrimaryCtxRetain"));
    HasContext = true;
    M1_RETURN_IF_ERROR(check(Cuda.CtxSetCurrent(Primary), "cuCtxSetCurrent"));
    M1_RETURN_IF_ERROR(
        check(Cuda.StreamCreate(&Work, kStreamNonBlocking), "cuStreamCreate"));
    for (Event &E : Events)
      M1_RETURN_IF_ERROR(
          check(Cuda.EventCreate(&E, kEventDisableTiming), "cuEventCreate"));
    return absl::OkStatus();
  }

  std::string description() const override {
    return concat("cuda, ", Name, " (sm_", TheLimits.ComputeCapability, ")");
  }
  gpu::Limits limits() const override { return TheLimits; }
  absl::StatusOr<uint64_t> freeBytes() override {
    size_t Free = 0, Total = 0;
    M1_RETURN_IF_ERROR(check(Cuda.MemGetInfo(&Free, &Total), "cuMemGetInfo"));
    return Free;
  }

  absl::StatusOr<Address> allocate(uint64_t Bytes, Contents What) override {
    DevicePointer At = 0;
    M1_RETURN_IF_ERROR(
        check(Cuda.MemAlloc(&At, Bytes), concat("cuMemAlloc of ", Bytes)));
    if (What == Contents::Undefined)
      return At;
    if (absl::Status Status =
            check(Cuda.MemsetD8Async(At, 0, Bytes, Work), "cuMemsetD8Async");
        !Status.ok()) {
      (void)Cuda.MemFree(At); // the first error is the one to report
      return Status;
    }
    return At;
  }
  absl::Status release(Address At) override {
    return check(Cuda.MemFree(At), "cuMemFree");
  }
  absl::StatusOr<void *> allocateHost(uint64_t Bytes) override {
    void *At = nullptr;
    M1_RETURN_IF_ERROR(check(Cuda.MemHostAlloc(&At, Bytes, 0),
                             concat("cuMemHostAlloc of ", Bytes)));
    return At;
  }
  void releaseHost(void *At) override { (void)Cuda.MemFreeHost(At); }

  absl::Status copyIn(Address To, const void *From, uint64_t Bytes) override {
    return check(Cuda.MemcpyHtoDAsync(To, From, Bytes, Work),
                 "cuMemcpyHtoDAsync");
  }
  absl::Status copyOut(void *To, Address From, uint64_t Bytes) override {
    return check(Cuda.MemcpyDtoHAsync(To, From, Bytes, Work),
                 "cuMemcpyDtoHAsync");
  }
  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    return check(Cuda.MemcpyDtoDAsync(To, From, Bytes, Work),
                 "cuMemcpyDtoDAsync");
  }

  absl::Status mark(unsigned Mark) override {
    return check(Cuda.EventRecord(Events[Mark], Work), "cuEventRecord");
  }
  absl::Status waitFor(unsigned Mark) override {
    return check(Cuda.EventSynchronize(Events[Mark]), "cuEventSynchronize");
  }

  absl::StatusOr<uint32_t> loadModule(std::string_view Ptx) override {
    std::string Text(Ptx); // the driver expects a terminating zero
    int Major = 0, Minor = 0;
    if (size_t At = Text.find("\n.version "); At != std::string::npos)
      (void)std::sscanf(Text.c_str() + At, " .version %d.%d", &Major, &Minor);
    if (int Needed = cudaVersionOf(Major, Minor); Version < Needed)
      return makeError("kernels in PTX ", Major, ".", Minor,
                       " need a driver for CUDA ", versionText(Needed),
                       ", the NVIDIA driver here is for CUDA ",
                       versionText(Version), "; install a newer driver");
    std::vector<char> Log(16384);
    int Options[] = {kJitErrorLogBuffer, kJitErrorLogBufferSizeBytes};
    void *Values[] = {Log.data(),
                      reinterpret_cast<void *>(uintptr_t(Log.size() - 1))};
    Module M = nullptr;
    Result Code = Cuda.ModuleLoadDataEx(&M, Text.c_str(), 2, Options, Values);
    if (Code != kSuccess) {
      std::string Said = oneLine(Log.data());
      return makeError("the NVIDIA driver refuses the kernels: ", text(Code),
                       Said.empty() ? "" : ": ", Said);
    }
    Modules.push_back(M);
    return Modules.size() - 1;
  }

  absl::StatusOr<uint32_t> findKernel(uint32_t Number,
                                      const std::string &Kernel,
                                      uint32_t SharedBytes) override {
    Function F = nullptr;
    Result Code = Cuda.ModuleGetFunction(&F, Modules[Number], Kernel.c_str());
    if (Code == kNotFound)
      return makeError("the image has no kernel '", Kernel, "'");
    M1_RETURN_IF_ERROR(check(Code, "cuModuleGetFunction"));
    // More than this has to be requested.
    constexpr uint32_t AlwaysThere = 48 << 10;
    if (SharedBytes > AlwaysThere)
      M1_RETURN_IF_ERROR(
          check(Cuda.FuncSetAttribute(F, kMaxDynamicSharedSizeBytes,
                                      static_cast<int>(SharedBytes)),
                concat("kernel '", Kernel, "', ", SharedBytes,
                       " bytes of shared ", "memory: cuFuncSetAttribute")));
    Functions.push_back(F);
    return Functions.size() - 1;
  }

  absl::Status launch(uint32_t Kernel, const gpu::LaunchShape &Shape,
                      std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent>) override {
    // The driver takes the address of each argument and reads 8 bytes there.
    Parameters.clear();
    for (const uint64_t &Arg : Args)
      Parameters.push_back(const_cast<uint64_t *>(&Arg));
    return check(Cuda.LaunchKernel(Functions[Kernel], Shape.Grid[0],
                                   Shape.Grid[1], Shape.Grid[2], Shape.Threads,
                                   1, 1, Shape.SharedBytes, Work,
                                   Parameters.data(), nullptr),
                 "cuLaunchKernel");
  }
  absl::Status synchronize() override {
    return check(Cuda.StreamSynchronize(Work), "cuStreamSynchronize");
  }

  void *stream() override { return Work; }
  absl::StatusOr<bool> isIdle() override {
    const Result Code = Cuda.StreamQuery(Work);
    if (Code == kNotReady)
      return false;
    M1_RETURN_IF_ERROR(check(Code, "cuStreamQuery"));
    return true;
  }

  Recorder *recorder() override { return this; }
  absl::Status beginRecording() override {
    return check(Cuda.StreamBeginCapture(Work, kCaptureThreadLocal),
                 "cuStreamBeginCapture");
  }
  absl::StatusOr<uint32_t> endRecording() override {
    Graph G = nullptr;
    M1_RETURN_IF_ERROR(
        check(Cuda.StreamEndCapture(Work, &G), "cuStreamEndCapture"));
    GraphExec Exec = nullptr;
    absl::Status Status = check(Cuda.GraphInstantiate(&Exec, G, 0),
                                "cuGraphInstantiateWithFlags");
    Status.Update(check(Cuda.GraphDestroy(G), "cuGraphDestroy"));
    M1_RETURN_IF_ERROR(Status);
    Recordings[NextRecording] = Exec;
    return NextRecording++;
  }
  absl::Status replay(uint32_t Recording) override {
    return check(Cuda.GraphLaunch(Recordings.at(Recording), Work),
                 "cuGraphLaunch");
  }
  absl::Status forget(uint32_t Recording) override {
    GraphExec Exec = Recordings.at(Recording);
    Recordings.erase(Recording);
    return check(Cuda.GraphExecDestroy(Exec), "cuGraphExecDestroy");
  }

private:
  /// The library is never unloaded: drivers do not support it.
  absl::Status loadLibrary(const std::string &Library) {
    void *Handle = ::dlopen(Library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!Handle)
      return makeError("no NVIDIA driver on this machine: ", ::dlerror());
    auto find = [&](auto &Member, const char *Symbol) -> absl::Status {
      Member = reinterpret_cast<std::remove_reference_t<decltype(Member)>>(
          ::dlsym(Handle, Symbol));
      if (!Member)
        return makeError("the NVIDIA driver (", Library, ") has no ", Symbol,
                         ": it is older than CUDA ", versionText(kLeastVersion),
                         "; install a newer driver");
      return absl::OkStatus();
    };
#define M1_CUDA_FIND(Member, Symbol, Parameters)                               \
  M1_RETURN_IF_ERROR(find(Cuda.Member, #Symbol));
    M1_CUDA_FUNCTIONS(M1_CUDA_FIND)
#undef M1_CUDA_FIND
    return absl::OkStatus();
  }

  absl::StatusOr<int> attribute(int Number) {
    int Value = 0;
    M1_RETURN_IF_ERROR(check(Cuda.DeviceGetAttribute(&Value, Number, TheDevice),
                             "cuDeviceGetAttribute"));
    return Value;
  }

  /// "an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)"
  std::string text(Result Code) const {
    const char *Symbol = nullptr, *Text = nullptr;
    if (Cuda.GetErrorName(Code, &Symbol) != kSuccess || !Symbol ||
        Cuda.GetErrorString(Code, &Text) != kSuccess || !Text)
      return concat("unknown error ", Code);
    return concat(Text, " (", Symbol, ")");
  }
  absl::Status check(Result Code, std::string_view What) const {
    if (Code == kSuccess)
      return absl::OkStatus();
    return makeError(What, ": ", text(Code));
  }

  Api Cuda;
  int Version = 0;
  DeviceNumber TheDevice = 0;
  std::string Name;
  gpu::Limits TheLimits;
  bool HasContext = false;
  Stream Work = nullptr;
  Event Events[2] = {};
  std::vector<Module> Modules;
  std::vector<Function> Functions;
  std::map<uint32_t, GraphExec> Recordings;
  uint32_t NextRecording = 0;
  std::vector<void *> Parameters; // of the launch that is being made
};
} // namespace

absl::StatusOr<std::unique_ptr<gpu::Driver>>
cuda::createCudaDriver(unsigned Ordinal, const std::string &Library) {
  auto Result = std::make_unique<CudaDriver>();
  M1_RETURN_IF_ERROR(Result->open(Ordinal, Library));
  return Result;
}
