//===- MpiApi.h - what the runtime uses of MPI ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of libm1-mpi.so, the only part of the runtime that is linked
// with MPI. It is loaded by processes that mpirun started, so that one rank
// needs no MPI. It contains no decisions: those are in MpiTransport.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_MPI_MPIAPI_H
#define M1C_RUNTIME_COMM_MPI_MPIAPI_H

#include <cstdint>

namespace m1::mpi {

/// A message under way.
struct Request {
  uint64_t Handle;
};

/// Functions return null, or an error's text, which is valid until the next
/// call. All are called by the thread that called `Start`.
struct Api {
  /// Changes with this struct.
  static constexpr uint32_t CurrentVersion = 1;
  static constexpr int AnyRank = -1;

  uint32_t Version;
  /// "Open MPI v4.1.4"; callable before `Start`.
  const char *(*Library)();
  const char *(*Start)(int *Rank, int *Size);

  /// Messages of one channel, 0 or 1, from one rank to another with one tag
  /// arrive in order. A tag is less than 32768.
  const char *(*Send)(int Channel, int To, int Tag, const void *Data, int Bytes,
                      Request *Pending);
  const char *(*Receive)(int Channel, int From, int Tag, void *Data, int Bytes,
                         Request *Pending);
  /// Whether the message is complete; the request is then invalid.
  const char *(*Test)(Request *Pending, bool *IsDone);
  /// Gives up a request that is not complete.
  const char *(*Cancel)(Request *Pending);
  /// Whether a message has arrived that nothing has received; its sender, tag
  /// and size.
  const char *(*Probe)(int Channel, int From, bool *IsThere, int *Sender,
                       int *Tag, int *Bytes);

  /// Waits for all ranks.
  const char *(*Finish)();
  /// Ends the processes of all ranks.
  void (*Abort)(int ExitCode);
};

/// The library's only function.
inline constexpr const char *kEntry = "m1MpiApi";
using Entry = const Api *();

} // namespace m1::mpi

#endif // M1C_RUNTIME_COMM_MPI_MPIAPI_H
