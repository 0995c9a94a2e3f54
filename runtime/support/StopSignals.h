//===- StopSignals.h - signals that ask a process to end --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SIGINT (Ctrl-C), SIGTERM (kill, job schedulers) and SIGHUP (the terminal is
// closed) ask a process to end. None of them leaves temporary files or a part
// of a group of files that belong together. One that is ignored when the
// process starts stays ignored (nohup).
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_STOPSIGNALS_H
#define M1C_RUNTIME_SUPPORT_STOPSIGNALS_H

namespace m1 {

/// From now on, a stop signal removes this process's temporary files and then
/// does what it did before: by default, it ends the process. Further calls have
/// no effect. The first temporary file calls it.
void installStopHandlers();

/// From now on, the first stop signal has no effect except on `stopSignal`: the
/// program has something to finish and is to end by itself, with exit status
/// 128 + the signal. A second one ends the process at once, unless it arrives
/// within a second of the first: closing a terminal and timeout(1) send two.
void finishOnStopSignal();

/// The first stop signal since `finishOnStopSignal`, or 0.
int stopSignal();

/// While one lives, stop signals wait. One at a time in a process: a thread
/// waits for that of another.
class StopSignalsWait {
public:
  StopSignalsWait();
  /// Lets a signal that waits end the process.
  ~StopSignalsWait();
  StopSignalsWait(const StopSignalsWait &) = delete;
  StopSignalsWait &operator=(const StopSignalsWait &) = delete;
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_STOPSIGNALS_H
