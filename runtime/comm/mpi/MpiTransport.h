//===- MpiTransport.h - ranks that mpirun started ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_MPI_MPITRANSPORT_H
#define M1C_RUNTIME_COMM_MPI_MPITRANSPORT_H

#include "runtime/comm/Transport.h"
#include "runtime/comm/mpi/MpiApi.h"

#include <memory>
#include <string>

namespace m1::mpi {

struct MpiOptions : TransportOptions {
  /// How long a rank that failed stays, so that others can say where they
  /// waited.
  std::chrono::milliseconds Grace = std::chrono::seconds(2);
  /// The largest message; MPI's sizes are of type int.
  uint64_t MessageBytes = uint64_t(1) << 30;
};

/// Loads libm1-mpi.so.
absl::StatusOr<const Api *> loadMpi(const std::string &Library);

/// Starts MPI. Until `finish`, the process's end is a failure: the destructor
/// tells the other ranks, waits up to `Grace` until they have failed too, and
/// then ends the processes of all, this one included, with exit code 1. Report
/// the error first.
/// Ranks that do not start or finish together within the timeout end the
/// process with an error.
absl::StatusOr<std::unique_ptr<Transport>>
createMpiTransport(const Api &Mpi, const MpiOptions &Options);

} // namespace m1::mpi

#endif // M1C_RUNTIME_COMM_MPI_MPITRANSPORT_H
