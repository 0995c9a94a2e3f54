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
  void record(std::string_view Name, double Seconds);
  /// One line per kernel, and one for copies, by decreasing time: share of the
  /// total, time, number of runs, mean time per run.
  std::string table() const;

private:
  struct Entry {
    double Seconds = 0;
    uint64_t Runs = 0;
  };
  std::map<std::string, Entry, std::less<>> Entries;
};

} // namespace m1

#endif // M1C_RUNTIME_TRACE_PROFILE_H
