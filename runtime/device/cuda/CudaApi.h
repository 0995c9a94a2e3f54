//===- CudaApi.h - the CUDA driver's functions ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of the CUDA driver API that the runtime uses, declared here so that
// the build needs no CUDA toolkit and the binary runs without a GPU. Names,
// numbers and parameters are those of NVIDIA's "CUDA Driver API" reference
// manual, version 12.0; the numbers in names (`_v2`) are part of the library's
// binary interface and do not change with later drivers.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CUDA_CUDAAPI_H
#define M1C_RUNTIME_DEVICE_CUDA_CUDAAPI_H

#include <cstddef>
#include <cstdint>

namespace m1::cuda {

using Result = int;       // CUresult
using DeviceNumber = int; // CUdevice
using DevicePointer = uint64_t;
using Size = size_t;
using Context = struct ContextOpaque *;
using Module = struct ModuleOpaque *;
using Function = struct FunctionOpaque *;
using Stream = struct StreamOpaque *;
using Event = struct EventOpaque *;
using Graph = struct GraphOpaque *;
using GraphExec = struct GraphExecOpaque *;

// CUresult
inline constexpr Result kSuccess = 0, kOutOfMemory = 2, kNotFound = 500,
                        kNotReady = 600;
// CUdevice_attribute
inline constexpr int kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76,
                     kMaxSharedMemoryPerBlockOptin = 97;
// CUfunction_attribute
inline constexpr int kMaxDynamicSharedSizeBytes = 8;
// CUjit_option
inline constexpr int kJitErrorLogBuffer = 5, kJitErrorLogBufferSizeBytes = 6;
// CUstream_flags, CUevent_flags, CUstreamCaptureMode
inline constexpr unsigned kStreamNonBlocking = 1, kEventDisableTiming = 2;
inline constexpr int kCaptureThreadLocal = 1;

/// X(name in Api, name in the library, parameters).
#define M1_CUDA_FUNCTIONS(X)                                                   \
  X(Init, cuInit, (unsigned Flags))                                            \
  X(DriverGetVersion, cuDriverGetVersion, (int *Version))                      \
  X(GetErrorName, cuGetErrorName, (Result Error, const char **Name))           \
  X(GetErrorString, cuGetErrorString, (Result Error, const char **Text))       \
  X(DeviceGetCount, cuDeviceGetCount, (int *Count))                            \
  X(DeviceGet, cuDeviceGet, (DeviceNumber * D, int Ordinal))                   \
  X(DeviceGetName, cuDeviceGetName, (char *Name, int Bytes, DeviceNumber D))   \
  X(DeviceGetAttribute, cuDeviceGetAttribute,                                  \
    (int *Value, int Attribute, DeviceNumber D))                               \
  X(PrimaryCtxRetain, cuDevicePrimaryCtxRetain, (Context * C, DeviceNumber D)) \
  X(PrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (DeviceNumber D))         \
  X(CtxSetCurrent, cuCtxSetCurrent, (Context C))                               \
  X(MemGetInfo, cuMemGetInfo_v2, (Size * Free, Size * Total))                  \
  X(MemAlloc, cuMemAlloc_v2, (DevicePointer * At, size_t Bytes))               \
  X(MemFree, cuMemFree_v2, (DevicePointer At))                                 \
  X(MemHostAlloc, cuMemHostAlloc, (void **At, size_t Bytes, unsigned Flags))   \
  X(MemFreeHost, cuMemFreeHost, (void *At))                                    \
  X(MemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                     \
    (DevicePointer To, const void *From, size_t Bytes, Stream S))              \
  X(MemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                                     \
    (void *To, DevicePointer From, size_t Bytes, Stream S))                    \
  X(MemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                     \
    (DevicePointer To, DevicePointer From, size_t Bytes, Stream S))            \
  X(MemsetD8Async, cuMemsetD8Async,                                            \
    (DevicePointer To, unsigned char Value, size_t Bytes, Stream S))           \
  X(StreamCreate, cuStreamCreate, (Stream * S, unsigned Flags))                \
  X(StreamDestroy, cuStreamDestroy_v2, (Stream S))                             \
  X(StreamSynchronize, cuStreamSynchronize, (Stream S))                        \
  X(StreamQuery, cuStreamQuery, (Stream S))                                    \
  X(EventCreate, cuEventCreate, (Event * E, unsigned Flags))                   \
  X(EventDestroy, cuEventDestroy_v2, (Event E))                                \
  X(EventRecord, cuEventRecord, (Event E, Stream S))                           \
  X(EventSynchronize, cuEventSynchronize, (Event E))                           \
  X(ModuleLoadDataEx, cuModuleLoadDataEx,                                      \
    (Module * M, const void *Image, unsigned Count, int *Options,              \
     void **Values))                                                           \
  X(ModuleUnload, cuModuleUnload, (Module M))                                  \
  X(ModuleGetFunction, cuModuleGetFunction,                                    \
    (Function * F, Module M, const char *Name))                                \
  X(FuncSetAttribute, cuFuncSetAttribute,                                      \
    (Function F, int Attribute, int Value))                                    \
  X(LaunchKernel, cuLaunchKernel,                                              \
    (Function F, unsigned GridX, unsigned GridY, unsigned GridZ,               \
     unsigned BlockX, unsigned BlockY, unsigned BlockZ, unsigned SharedBytes,  \
     Stream S, void **Parameters, void **Extra))                               \
  X(StreamBeginCapture, cuStreamBeginCapture_v2, (Stream S, int Mode))         \
  X(StreamEndCapture, cuStreamEndCapture, (Stream S, Graph * G))               \
  X(GraphDestroy, cuGraphDestroy, (Graph G))                                   \
  X(GraphInstantiate, cuGraphInstantiateWithFlags,                             \
    (GraphExec * Exec, Graph G, unsigned long long Flags))                     \
  X(GraphLaunch, cuGraphLaunch, (GraphExec Exec, Stream S))                    \
  X(GraphExecDestroy, cuGraphExecDestroy, (GraphExec Exec))

/// The functions of a driver that has been loaded.
struct Api {
#define M1_CUDA_MEMBER(Member, Symbol, Parameters)                             \
  Result(*Member) Parameters = nullptr;
  M1_CUDA_FUNCTIONS(M1_CUDA_MEMBER)
#undef M1_CUDA_MEMBER
};

} // namespace m1::cuda

#endif // M1C_RUNTIME_DEVICE_CUDA_CUDAAPI_H
