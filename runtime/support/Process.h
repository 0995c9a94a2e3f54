//===- Process.h - what a process needs before anything else ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_PROCESS_H
#define M1C_RUNTIME_SUPPORT_PROCESS_H

namespace m1 {

/// To be called first in every main:
/// - Of the descriptors 0 to 2, those that are closed are opened on /dev/null.
///   Otherwise a file of the program's would get such a number, and messages
///   would be written into it. Reading the closed standard input and writing to
///   the closed standard output still fail; messages for the closed standard
///   error are lost.
/// - A write beyond the limit on the size of files (ulimit -f) fails instead of
///   ending the process.
/// - Notes which signals are ignored, for keepIgnoredSignals.
void prepareProcess();

/// Ignores again what was ignored when `prepareProcess` was called. To be
/// called after a library has installed its handlers: under nohup, SIGHUP is
/// ignored at start and must stay so.
void keepIgnoredSignals();

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_PROCESS_H
