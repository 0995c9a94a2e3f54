//===- Profile.cpp - time by kernel ---------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/trace/Profile.h"

#include "runtime/support/Printable.h"

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace m1;

void Profile::record(std::string_view Name, double Seconds, Kind Of) {
  auto Found = Entries.find(Name);
  if (Found == Entries.end())
    Found = Entries.emplace(std::string(Name), Entry()).first;
  Found->second.Seconds += Seconds;
  ++Found->second.Runs;
  Found->second.Of = Of;
}

std::string Profile::table() const {
  std::vector<std::pair<std::string, Entry>> Sorted(Entries.begin(),
                                                    Entries.end());
  std::sort(Sorted.begin(), Sorted.end(), [](const auto &A, const auto &B) {
    return A.second.Seconds > B.second.Seconds;
  });
  double Total = 0;
  Entry Exchanges;
  size_t Width = 6;
  for (auto &[Name, E] : Sorted) {
    Name = printable(Name);
    Total += E.Seconds;
    if (E.Of == Kind::Exchange) {
      Exchanges.Seconds += E.Seconds;
      Exchanges.Runs += E.Runs;
      Width = std::max(Width, std::string_view("exchanges").size());
    }
    Width = std::max(Width, Name.size());
  }
  std::string Result;
  auto line = [&](const char *Name, double Seconds, uint64_t Runs) {
    char Text[96];
    std::snprintf(
        Text, sizeof Text, "  %5.1f %%  %10.3f ms  %8llu x %10.1f us\n",
        Total > 0 ? 100 * Seconds / Total : 0, 1e3 * Seconds,
        static_cast<unsigned long long>(Runs), Runs ? 1e6 * Seconds / Runs : 0);
    Result +=
        Name + std::string(Width - std::string_view(Name).size(), ' ') + Text;
  };
  uint64_t Runs = 0;
  for (const auto &[Name, E] : Sorted) {
    line(Name.c_str(), E.Seconds, E.Runs);
    Runs += E.Runs;
  }
  line("total", Total, Runs);
  if (Exchanges.Runs)
    line("exchanges", Exchanges.Seconds, Exchanges.Runs);
  return Result;
}
