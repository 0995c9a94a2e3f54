//===- Progress.h - progress on stderr --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_PROGRESS_H
#define M1C_TOOLS_M1RUN_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace m1::run {

/// Reports the progress of a long run on stderr: as a bar on a terminal, as a
/// line every 10 seconds elsewhere. Only on the root, that of its own share.
class Progress {
public:
  Progress(std::string Label, int64_t Total);
  /// Ends the line of the bar.
  ~Progress();
  void advance(int64_t Steps);

private:
  void print(double Seconds);

  std::string Label;
  int64_t Total, Done = 0;
  bool OnTerminal, Printed = false;
  std::chrono::steady_clock::time_point Start, Last;
};

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_PROGRESS_H
