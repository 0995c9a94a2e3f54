//===- GuardedLaunch.h - finds accesses outside of arguments ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CPU_GUARDEDLAUNCH_H
#define M1C_RUNTIME_DEVICE_CPU_GUARDEDLAUNCH_H

#include "runtime/device/cpu/Image.h"
#include "runtime/device/cpu/Pages.h"
#include "runtime/support/ArgumentExtent.h"

#include <array>
#include <optional>
#include <vector>

namespace m1::cpu {

/// An access of a kernel that the processor refused.
struct Fault {
  uint64_t Address = 0;
  bool IsWrite = false;
};

/// Some cells of a grid: First <= i < Last, of which x is the fastest index.
struct Cells {
  std::array<int64_t, 3> Grid;
  int64_t First, Last;
};

void runCells(KernelFunction Kernel, const uint64_t *Args, const Cells &Which,
              void *Scratch);

/// As runCells, but an access to memory that is not mapped for it ends the
/// cells and is returned. For kernels: they own nothing that would be lost.
std::optional<Fault> runCellsGuarded(KernelFunction Kernel,
                                     const uint64_t *Args, const Cells &Which,
                                     void *Scratch);

/// Copies of a launch's arguments, each flush with unmapped address space, so
/// that the processor finds accesses past their ends. Memory that no argument
/// writes is protected. Arguments that overlap share a copy of all of them.
///
/// Not found: reads of up to a page in front of an argument, and accesses past
/// the end of one that stay inside another that it overlaps.
class GuardedArguments {
public:
  absl::Status copyIn(std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents);
  /// What the kernel gets in place of the arguments.
  const uint64_t *values() const { return Values.data(); }
  /// Copies back what the kernel may have written. An error if it wrote in
  /// front of an argument.
  absl::Status copyOut() const;
  /// What a fault is about: "writes byte 12 of argument 0, whose extent is 12
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
