//===- Profile.h - time by kernel -------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRACE_PROFILE_H
#define M1C_RUNTIME_TRACE_PROFILE_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace m1 {

/// Execution time by kernel.
class Profile {
public:
  /// Exchanges with other ranks, or all other steps.
  enum class Kind : uint8_t { Kernel, Exchange };

  void record(std::string_view Name, double Seconds, Kind Of = Kind::Kernel);
  /// One line per kernel, one for copies and one for each kind of exchange, by
  /// decreasing time: share of the total, time, number of runs, mean time per
  /// run. If there were exchanges, a last line has their sum: time for the
  /// transfer and for waiting until the other ranks come to it.
  std::string table() const;

private:
  struct Entry {
    double Seconds = 0;
    uint64_t Runs = 0;
    Kind Of = Kind::Kernel;
  };
  std::map<std::string, Entry, std::less<>> Entries;
};

} // namespace m1

#endif // M1C_RUNTIME_TRACE_PROFILE_H
