//===- Progress.cpp - progress on stderr ----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Progress.h"

#include "tools/m1run/Ranks.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

using namespace m1::run;
using Clock = std::chrono::steady_clock;

Progress::Progress(std::string Label, int64_t Total)
    : Label(std::move(Label)), Total(std::max<int64_t>(Total, 1)),
      OnTerminal(::isatty(STDERR_FILENO)), Start(Clock::now()), Last(Start) {}

Progress::~Progress() {
  if (OnTerminal && Printed)
    std::fputc('\n', stderr);
}

void Progress::advance(int64_t Steps) {
  if (!Ranks::get().isRoot())
    return;
  Done += Steps;
  Clock::time_point Now = Clock::now();
  double Interval = OnTerminal ? 0.1 : 10;
  bool Completed = OnTerminal && Printed && Done >= Total;
  if (!Completed &&
      std::chrono::duration<double>(Now - Last).count() < Interval)
    return;
  Last = Now;
  print(std::chrono::duration<double>(Now - Start).count());
}

void Progress::print(double Seconds) {
  Printed = true;
  double Fraction = std::min(1.0, static_cast<double>(Done) / Total);
  double Rate = Done / std::max(Seconds, 1e-9);
  if (!OnTerminal) {
    std::fprintf(stderr, "%s: %lld of %lld, %.1f/s\n", Label.c_str(),
                 static_cast<long long>(Done), static_cast<long long>(Total),
                 Rate);
    return;
  }
  constexpr int Width = 30;
  std::string Bar(static_cast<int>(Fraction * Width), '#');
  Bar.resize(Width, '.');
  std::fprintf(stderr, "\r%s [%s] %3.0f %%, %.1f/s ", Label.c_str(),
               Bar.c_str(), 100 * Fraction, Rate);
  std::fflush(stderr);
}
