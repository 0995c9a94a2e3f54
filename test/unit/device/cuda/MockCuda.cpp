//===- MockCuda.cpp - a mock CUDA driver library --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mock of the CUDA driver library, to test CudaDriver without a GPU. See
// MockCuda.h.
//
//===----------------------------------------------------------------------===//

#include "test/unit/device/cuda/MockCuda.h"

#include "runtime/device/cuda/CudaApi.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <vector>

using namespace m1;
using namespace m1::cuda;

extern "C" {
test::MockCuda mockCuda;
}

namespace {
using HostKernel = void (*)(const uint64_t *, const int64_t *, void *);
struct KernelEntry {
  HostKernel Code;
  size_t Arguments;
};
/// Launches of the stream being captured.
std::vector<std::function<void()>> Captured;
bool Capturing = false;

/// Counts a call and returns its injected error.
Result failure(const char *Name) {
  ++mockCuda.Calls[Name];
  auto Found = mockCuda.Failures.find(Name);
  if (Found == mockCuda.Failures.end())
    return kSuccess;
  Result Error = Found->second;
  mockCuda.Failures.erase(Found);
  return Error;
}
void work(std::function<void()> What) {
  if (Capturing)
    Captured.push_back(std::move(What));
  else
    What();
}
using CapturedWork = std::vector<std::function<void()>>;
void *bytes(DevicePointer At) { return reinterpret_cast<void *>(At); }
} // namespace

/// Counts the call and returns from the function if an error is injected.
#define M1_MAY_FAIL                                                            \
  if (Result Error = failure(__func__))                                        \
  return Error

extern "C" {

Result cuInit(unsigned) {
  M1_MAY_FAIL;
  return kSuccess;
}

Result cuDriverGetVersion(int *Version) {
  M1_MAY_FAIL;
  *Version = mockCuda.Version;
  return kSuccess;
}

Result cuGetErrorName(Result Code, const char **Name) {
  M1_MAY_FAIL;
  static const std::map<int, const char *> Names = {
      {2, "CUDA_ERROR_OUT_OF_MEMORY"},
      {100, "CUDA_ERROR_NO_DEVICE"},
      {218, "CUDA_ERROR_INVALID_PTX"},
      {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}};
  auto Found = Names.find(Code);
  *Name = Found == Names.end() ? nullptr : Found->second;
  if (!*Name)
    return 1; // CUDA_ERROR_INVALID_VALUE
  return kSuccess;
}

Result cuGetErrorString(Result Code, const char **Text) {
  M1_MAY_FAIL;
  *Text = Code == 2     ? "out of memory"
          : Code == 100 ? "no CUDA-capable device is detected"
          : Code == 700 ? "an illegal memory access was encountered"
                        : "something failed";
  return kSuccess;
}

Result cuDeviceGetCount(int *Count) {
  M1_MAY_FAIL;
  *Count = mockCuda.Devices;
  return kSuccess;
}

Result cuDeviceGet(DeviceNumber *D, int Ordinal) {
  M1_MAY_FAIL;
  *D = 40 + Ordinal;
  return kSuccess;
}

Result cuDeviceGetName(char *Name, int Bytes, DeviceNumber D) {
  M1_MAY_FAIL;
  std::strncpy(Name, D == 40 ? "Mock 100" : "Mock 200", Bytes);
  return kSuccess;
}

Result cuDeviceGetAttribute(int *Value, int Attribute, DeviceNumber) {
  M1_MAY_FAIL;
  *Value = Attribute == kComputeCapabilityMajor   ? mockCuda.Major
           : Attribute == kComputeCapabilityMinor ? mockCuda.Minor
                                                  : mockCuda.SharedBytes;
  return kSuccess;
}

Result cuDevicePrimaryCtxRetain(Context *C, DeviceNumber) {
  M1_MAY_FAIL;
  *C = reinterpret_cast<Context>(&mockCuda);
  ++mockCuda.Contexts;
  return kSuccess;
}

Result cuDevicePrimaryCtxRelease_v2(DeviceNumber) {
  M1_MAY_FAIL;
  --mockCuda.Contexts;
  return kSuccess;
}

Result cuCtxSetCurrent(Context) {
  M1_MAY_FAIL;
  return kSuccess;
}

Result cuMemGetInfo_v2(size_t *Free, size_t *Total) {
  M1_MAY_FAIL;
  *Free = mockCuda.FreeBytes;
  *Total = 2 * mockCuda.FreeBytes;
  return kSuccess;
}

Result cuMemAlloc_v2(DevicePointer *At, size_t Bytes) {
  M1_MAY_FAIL;
  void *Memory = std::aligned_alloc(256, (Bytes + 255) / 256 * 256);
  std::memset(Memory, 0xA5, Bytes);
  *At = reinterpret_cast<DevicePointer>(Memory);
  ++mockCuda.Memory;
  return kSuccess;
}

Result cuMemFree_v2(DevicePointer At) {
  M1_MAY_FAIL;
  std::free(bytes(At));
  --mockCuda.Memory;
  return kSuccess;
}

Result cuMemHostAlloc(void **At, size_t Bytes, unsigned) {
  M1_MAY_FAIL;
  *At = std::malloc(Bytes);
  ++mockCuda.HostMemory;
  return kSuccess;
}

Result cuMemFreeHost(void *At) {
  M1_MAY_FAIL;
  std::free(At);
  --mockCuda.HostMemory;
  return kSuccess;
}

Result cuMemcpyHtoDAsync_v2(DevicePointer To, const void *From, size_t Bytes,
                            Stream) {
  M1_MAY_FAIL;
  std::memcpy(bytes(To), From, Bytes);
  return kSuccess;
}

Result cuMemcpyDtoHAsync_v2(void *To, DevicePointer From, size_t Bytes,
                            Stream) {
  M1_MAY_FAIL;
  std::memcpy(To, bytes(From), Bytes);
  return kSuccess;
}

Result cuMemcpyDtoDAsync_v2(DevicePointer To, DevicePointer From, size_t Bytes,
                            Stream) {
  M1_MAY_FAIL;
  work([=] { std::memcpy(bytes(To), bytes(From), Bytes); });
  return kSuccess;
}

Result cuMemsetD8Async(DevicePointer To, unsigned char Value, size_t Bytes,
                       Stream) {
  M1_MAY_FAIL;
  work([=] { std::memset(bytes(To), Value, Bytes); });
  return kSuccess;
}

Result cuStreamCreate(Stream *S, unsigned) {
  M1_MAY_FAIL;
  *S = reinterpret_cast<Stream>(&Captured);
  ++mockCuda.Streams;
  return kSuccess;
}

Result cuStreamDestroy_v2(Stream) {
  M1_MAY_FAIL;
  --mockCuda.Streams;
  return kSuccess;
}

Result cuStreamSynchronize(Stream) {
  M1_MAY_FAIL;
  return kSuccess;
}

Result cuStreamQuery(Stream) {
  M1_MAY_FAIL;
  return kSuccess;
}

Result cuEventCreate(Event *E, unsigned) {
  M1_MAY_FAIL;
  *E = reinterpret_cast<Event>(&mockCuda);
  ++mockCuda.Events;
  return kSuccess;
}

Result cuEventDestroy_v2(Event) {
  M1_MAY_FAIL;
  --mockCuda.Events;
  return kSuccess;
}

Result cuEventRecord(Event, Stream) {
  M1_MAY_FAIL;
  return kSuccess;
}

Result cuEventSynchronize(Event) {
  M1_MAY_FAIL;
  return kSuccess;
}

/// A failing call first fills the log.
Result cuModuleLoadDataEx(Module *M, const void *Image, unsigned Count,
                          int *Options, void **Values) {
  if (Count == 2 && Options[0] == kJitErrorLogBuffer &&
      Options[1] == kJitErrorLogBufferSizeBytes)
    std::strncpy(static_cast<char *>(Values[0]), mockCuda.JitLog.c_str(),
                 reinterpret_cast<uintptr_t>(Values[1]));
  M1_MAY_FAIL;
  mockCuda.Ptx = static_cast<const char *>(Image);
  *M = reinterpret_cast<Module>(&mockCuda);
  ++mockCuda.Modules;
  return kSuccess;
}
Result cuModuleUnload(Module) {
  M1_MAY_FAIL;
  --mockCuda.Modules;
  return kSuccess;
}

Result cuModuleGetFunction(Function *F, Module, const char *Name) {
  M1_MAY_FAIL;
  static const std::map<std::string, size_t> Arguments = {{"add_scaled", 4},
                                                          {"accumulate", 2}};
  static std::map<std::string, KernelEntry> Kernels;
  if (Arguments.count(Name) == 0)
    return kNotFound;
  void *Library = ::dlopen(M1_TEST_KERNELS, RTLD_NOW | RTLD_LOCAL);
  KernelEntry &Entry = Kernels[Name];
  Entry = {reinterpret_cast<HostKernel>(::dlsym(Library, Name)),
           Arguments.at(Name)};
  *F = reinterpret_cast<Function>(&Entry);
  return kSuccess;
}

Result cuFuncSetAttribute(Function, int Attribute, int Value) {
  M1_MAY_FAIL;
  if (Attribute == kMaxDynamicSharedSizeBytes)
    mockCuda.DynamicShared = Value;
  return kSuccess;
}

Result cuLaunchKernel(Function F, unsigned GridX, unsigned GridY,
                      unsigned GridZ, unsigned BlockX, unsigned BlockY,
                      unsigned BlockZ, unsigned, Stream, void **Parameters,
                      void **Extra) {
  M1_MAY_FAIL;
  if (Extra || BlockX != 32 || BlockY != 1 || BlockZ != 1)
    return 1; // CUDA_ERROR_INVALID_VALUE
  const auto &Entry = *reinterpret_cast<KernelEntry *>(F);
  std::vector<uint64_t> Args;
  for (size_t I = 0; I < Entry.Arguments; ++I)
    Args.push_back(*static_cast<uint64_t *>(Parameters[I]));
  work([=, Code = Entry.Code] {
    for (int64_t Z = 0; Z < GridZ; ++Z)
      for (int64_t Y = 0; Y < GridY; ++Y)
        for (int64_t X = 0; X < GridX; ++X) {
          const int64_t Cell[3] = {X, Y, Z};
          Code(Args.data(), Cell, nullptr);
        }
  });
  return kSuccess;
}

Result cuStreamBeginCapture_v2(Stream, int Mode) {
  M1_MAY_FAIL;
  if (Mode != kCaptureThreadLocal)
    return 1;
  Captured.clear();
  Capturing = true;
  return kSuccess;
}

Result cuStreamEndCapture(Stream, Graph *G) {
  M1_MAY_FAIL;
  Capturing = false;
  *G = reinterpret_cast<Graph>(new CapturedWork(std::move(Captured)));
  ++mockCuda.Graphs;
  return kSuccess;
}

Result cuGraphDestroy(Graph G) {
  M1_MAY_FAIL;
  delete reinterpret_cast<CapturedWork *>(G);
  --mockCuda.Graphs;
  return kSuccess;
}

Result cuGraphInstantiateWithFlags(GraphExec *Exec, Graph G,
                                   unsigned long long) {
  M1_MAY_FAIL;
  *Exec = reinterpret_cast<GraphExec>(
      new CapturedWork(*reinterpret_cast<CapturedWork *>(G)));
  ++mockCuda.Graphs;
  return kSuccess;
}

Result cuGraphLaunch(GraphExec Exec, Stream) {
  M1_MAY_FAIL;
  for (auto &What : *reinterpret_cast<CapturedWork *>(Exec))
    What();
  return kSuccess;
}

Result cuGraphExecDestroy(GraphExec Exec) {
  M1_MAY_FAIL;
  delete reinterpret_cast<CapturedWork *>(Exec);
  --mockCuda.Graphs;
  return kSuccess;
}

} // extern "C"
