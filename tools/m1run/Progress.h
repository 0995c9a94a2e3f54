//===- Progress.h - progress on stderr --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_TOOLS_M1RUN_PROGRESS_H
#define M1_TOOLS_M1RUN_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace m1::run {

/// Shows how far a long run is: a bar that is redrawn on a terminal, a line now
/// and then elsewhere. All of it goes to stderr.
class Progress {
public:
  Progress(std::string Label, int64_t Total);
  /// Ends the bar's line.
  ~Progress();
  void advance(int64_t Steps);

private:
  void print(double Seconds);

  std::string Label;
  int64_t Total, Done = 0;
  bool OnTerminal, Printed = false;
  std::chrono::steady_clock::time_point Start, Last;
};

/// Makes Ctrl-C set a flag that `interrupted` reads; a second one ends the
/// process at once.
void catchInterrupts();
bool interrupted();

} // namespace m1::run

#endif // M1_TOOLS_M1RUN_PROGRESS_H
