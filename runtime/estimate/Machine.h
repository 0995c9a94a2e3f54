//===- Machine.h - what a machine can do at most ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ESTIMATE_MACHINE_H
#define M1C_RUNTIME_ESTIMATE_MACHINE_H

#include "runtime/support/DType.h"
#include "runtime/support/Error.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// The way from one rank to another.
struct Link {
  double BytesPerSecond = 0; ///< of one rank, in one direction
  double Latency = 0;        ///< of a message, in seconds
};

/// Peak rates of a machine of equal nodes. Each rank has a device of its own.
/// docs/scaling.md describes the file's keys.
struct Machine {
  std::string Name;
  std::vector<std::string> Sources; ///< where the numbers are from
  int64_t Nodes = 1, RanksPerNode = 1;
  double MemoryBytes = 0;          ///< of a rank
  double MemoryBytesPerSecond = 0; ///< of a rank
  /// Floating-point operations per second of a rank, by the element type of a
  /// product's operands.
  std::map<ElementType, double> OperationsPerSecond;
  /// What a rank's work is spread over: multiprocessors of a GPU, cores of a
  /// CPU. A launch of fewer cells leaves some idle.
  int64_t Units = 1;
  double UnitBytesPerSecond = 0; ///< what one unit can read and write
  double LaunchSeconds = 0;      ///< what each launch or copy adds
  double ExchangeSeconds = 0;    ///< what each exchange adds, in seconds
  Link InsideNode, BetweenNodes;

  int64_t ranks() const { return Nodes * RanksPerNode; }
};

/// Multiplies a rate or a time of the machine, to see what depends on it:
/// "tflops", "memory_bandwidth", "link_bandwidth", "latency" or "launch".
/// "latency" are those of messages and exchanges. An error for other names.
absl::Status scale(Machine &M, const std::string &What, double Factor);

/// Reads a machine's file. Errors are one line with the file, the key, what was
/// found and what was expected; for an unknown key, the nearest known one.
absl::StatusOr<Machine> readMachine(const std::string &Path);
/// The same for a file's contents; `Path` is for messages.
absl::StatusOr<Machine> parseMachine(std::string_view Text,
                                     const std::string &Path);

/// The contents of a file of tools/machines, by its name without the ending.
struct BuiltInMachine {
  std::string_view Name, Text;
};
const std::vector<BuiltInMachine> &builtInMachines();

/// A machine that is built in, if `Name` is the name of one, or that of a file.
absl::StatusOr<Machine> findMachine(const std::string &Name);

} // namespace m1

#endif // M1C_RUNTIME_ESTIMATE_MACHINE_H
