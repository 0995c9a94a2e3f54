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

/// Where the time of a plan's steps goes.
class Profile {
public:
  void record(std::string_view Name, double Seconds);
  /// One line for each kernel, and for copies, longest first: its share of the
  /// time, the time, the number of runs, the mean time of a run.
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
