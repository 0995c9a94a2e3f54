//===- GuardedLaunch.h - detects out-of-bounds accesses ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CPU_GUARDEDLAUNCH_H
#define M1C_RUNTIME_DEVICE_CPU_GUARDEDLAUNCH_H

#include "runtime/device/cpu/Image.h"
#include "runtime/support/ArgumentExtent.h"
#include "runtime/support/Pages.h"

#include <array>
#include <optional>
#include <vector>

namespace m1::cpu {

/// A faulting access of a kernel.
struct Fault {
  uint64_t Address = 0;
  bool IsWrite = false;
};

/// Grid cells First <= i < Last in linear order; x varies fastest.
struct Cells {
  std::array<int64_t, 3> Grid;
  int64_t First, Last;
};

void runCells(KernelFunction Kernel, const uint64_t *Args, const Cells &Which,
              void *Scratch);

/// Like runCells, but a memory fault ends the run and is returned. Kernels own
/// no resources that could leak.
std::optional<Fault> runCellsGuarded(KernelFunction Kernel,
                                     const uint64_t *Args, const Cells &Which,
                                     void *Scratch);

/// Copies of a launch's arguments, each of which ends at an inaccessible page:
/// the processor detects accesses past the end. Copies of read-only arguments
/// are write-protected. Overlapping arguments share one copy.
///
/// Not detected: reads less than a page before an argument, and accesses past
/// the end of an argument that stay inside one that overlaps it.
class GuardedArguments {
public:
  absl::Status copyIn(std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents);
  /// The arguments to pass to the kernel.
  const uint64_t *values() const { return Values.data(); }
  /// Copies written arguments back. An error if the kernel wrote before the
  /// start of one.
  absl::Status copyOut() const;
  /// Describes a fault: "writes byte 12 of argument 0, whose extent is 12
  /// bytes".
  std::string describe(const Fault &What) const;

private:
  /// A copy of the memory from Begin to End.
  struct Region {
    uint64_t Begin, End;
    bool Written;
    Pages Copy;

    char *data() const { return Copy.end() - (End - Begin); }
  };
  struct Argument {
    size_t Number;
    uint64_t Address; // of the original
    ArgumentExtent Extent;
    size_t Region;
  };
  std::vector<uint64_t> Values;
  std::vector<Argument> Arguments; ///< that are addresses
  std::vector<Region> Regions;
};

} // namespace m1::cpu

#endif // M1C_RUNTIME_DEVICE_CPU_GUARDEDLAUNCH_H
