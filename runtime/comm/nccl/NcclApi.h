//===- NcclApi.h - NCCL's functions -----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of NCCL that the runtime uses, declared here so that the build needs
// neither NCCL nor CUDA. Names, numbers and parameters are those of NVIDIA's
// "NCCL User Guide", version 2.14.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_NCCL_NCCLAPI_H
#define M1C_RUNTIME_COMM_NCCL_NCCLAPI_H

#include <cstddef>
#include <cstdint>

namespace m1::nccl {

using Result = int; // ncclResult_t
using Comm = struct CommOpaque *;
using Stream = void *; // cudaStream_t, the same as the driver's CUstream

// ncclResult_t
inline constexpr Result kSuccess = 0, kInProgress = 7;
// ncclDataType_t
inline constexpr int kBytes = 1;

/// Names a communicator before it exists; one rank makes it, all get it.
struct UniqueId {
  char Bytes[128];
};

/// How a communicator behaves: ncclConfig_t as of 2.14. Later versions have
/// more fields and know by `Size` and `Version` that these are missing.
struct Config {
  size_t Size = sizeof(Config);
  unsigned Magic = 0xcafebeef;
  unsigned Version = 21400;
  int Blocking = 0;
};

/// X(name in Api, name in the library, result, parameters).
#define M1_NCCL_FUNCTIONS(X)                                                   \
  X(GetVersion, ncclGetVersion, Result, (int *Version))                        \
  X(GetErrorString, ncclGetErrorString, const char *, (Result Error))          \
  X(GetUniqueId, ncclGetUniqueId, Result, (UniqueId * Id))                     \
  X(CommInitRankConfig, ncclCommInitRankConfig, Result,                        \
    (Comm * C, int Ranks, UniqueId Id, int Rank, Config *How))                 \
  X(CommGetAsyncError, ncclCommGetAsyncError, Result,                          \
    (Comm C, Result * Error))                                                  \
  X(CommFinalize, ncclCommFinalize, Result, (Comm C))                          \
  X(CommDestroy, ncclCommDestroy, Result, (Comm C))                            \
  X(CommAbort, ncclCommAbort, Result, (Comm C))                                \
  X(GroupStart, ncclGroupStart, Result, ())                                    \
  X(GroupEnd, ncclGroupEnd, Result, ())                                        \
  X(AllGather, ncclAllGather, Result,                                          \
    (const void *Source, void *Destination, size_t Count, int Type, Comm C,    \
     Stream S))                                                                \
  X(Send, ncclSend, Result,                                                    \
    (const void *Source, size_t Count, int Type, int Peer, Comm C, Stream S))  \
  X(Recv, ncclRecv, Result,                                                    \
    (void *Destination, size_t Count, int Type, int Peer, Comm C, Stream S))

/// The functions of a library that has been loaded.
struct Api {
#define M1_NCCL_MEMBER(Member, Symbol, ResultType, Parameters)                 \
  ResultType(*Member) Parameters = nullptr;
  M1_NCCL_FUNCTIONS(M1_NCCL_MEMBER)
#undef M1_NCCL_MEMBER
};

} // namespace m1::nccl

#endif // M1C_RUNTIME_COMM_NCCL_NCCLAPI_H
