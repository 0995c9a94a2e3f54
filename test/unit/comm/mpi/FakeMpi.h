//===- FakeMpi.h - a fake library of MPI ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_MPI_FAKEMPI_H
#define M1C_TEST_UNIT_COMM_MPI_FAKEMPI_H

#include "runtime/comm/mpi/MpiApi.h"

#include <memory>
#include <string>

namespace m1::test {

/// A library of MPI whose ranks are threads.
class FakeMpi {
public:
  struct World;

  explicit FakeMpi(int Size);
  ~FakeMpi();

  /// Makes the calling thread a rank, for `api`.
  void enter(int Rank);
  const mpi::Api &api() const;

  /// Messages larger than this wait for their receiver, as MPI's do; 0: all.
  void setEager(int Bytes);
  /// Call number `Call`, from 0 on, of the function, over all ranks, fails.
  void failAt(const std::string &Function, int Call);

  /// The exit code of the first rank that ended all, or -1.
  int aborted() const;
  /// How many ranks have called Finish.
  int finished() const;
  /// The largest message so far.
  int largestMessage() const;
  /// How many messages had this size.
  int messagesOf(int Bytes) const;

private:
  std::unique_ptr<World> TheWorld;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_MPI_FAKEMPI_H
