//===- Machine.h - an emulated GPU that executes PTX ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_MACHINE_H
#define M1C_RUNTIME_EMULATORS_PTX_MACHINE_H

#include "runtime/support/ArgumentExtent.h"

#include "absl/status/statusor.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace m1::ptx {

/// A GPU emulated on the host. It executes PTX as LLVM's NVPTX back end emits
/// it and detects errors that a device does not report. Loading a module with
/// an unsupported instruction is an error that names it.
///
/// The first failed check ends the launch with an error that names the kernel,
/// the line of the PTX, the thread block and the thread:
///
/// - accesses out of bounds of allocations, of shared memory (variables and the
///   launch's dynamic bytes), local memory and parameters, and misaligned ones;
/// - accesses through an argument's address outside the argument's extent, and
///   stores through a read-only argument;
/// - use of uninitialised registers or memory (mov, selp, slct and cvta
///   propagate the undefined state);
/// - races in shared memory (see SharedMemory in Shared.h) and accesses to the
///   target of an asynchronous copy before it is waited for;
/// - barriers that not all threads of the thread block reach, and warps that
///   run too long;
/// - integer division by zero, and inactive lanes in an instruction that needs
///   them.
///
/// Races between thread blocks in global memory are not detected. Approximate
/// functions are computed in double and rounded, and matrix products are
/// rounded once (Matrix.cpp): results may differ from a device's in the last
/// bits.
///
/// Not thread-safe.
class Machine {
public:
  struct Limits {
    /// Bytes of shared memory that a launch may ask for.
    uint32_t SharedBytes = 227 * 1024;
    /// Instructions per warp and thread block; a launch that exceeds them is
    /// assumed not to terminate.
    uint64_t Instructions = uint64_t(1) << 32;
  };
  /// Thread blocks are executed by `Threads` host threads, at least 1.
  static absl::StatusOr<std::unique_ptr<Machine>> create(unsigned Threads,
                                                         Limits L);
  static absl::StatusOr<std::unique_ptr<Machine>> create(unsigned Threads) {
    return create(Threads, Limits());
  }
  ~Machine();

  /// Parses a module and returns its number. `Name` is for errors.
  absl::StatusOr<uint32_t> load(std::string_view Ptx, std::string_view Name);
  bool hasKernel(uint32_t Module, std::string_view Kernel) const;

  /// Allocates global memory; untouched pages take no host memory. The address
  /// is a multiple of 256 and is never reused. `Written`: zero-initialised;
  /// otherwise reading a byte before it is written is an error.
  absl::StatusOr<uint64_t> allocate(uint64_t Bytes, bool Written);
  absl::Status release(uint64_t Address);

  /// Ranges must lie in one allocation.
  absl::Status write(uint64_t To, const void *From, uint64_t Bytes);
  absl::Status read(void *To, uint64_t From, uint64_t Bytes) const;
  absl::Status copy(uint64_t To, uint64_t From, uint64_t Bytes);

  struct Launch {
    uint32_t Module;
    std::string_view Kernel;
    std::array<uint32_t, 3> Grid, Block;
    /// Bytes of `.extern .shared` memory.
    uint32_t SharedBytes;
    /// 8 bytes per argument; a smaller parameter takes the low ones.
    std::span<const uint64_t> Arguments;
    /// The extent of each argument; empty: not checked.
    std::span<const ArgumentExtent> Extents = {};
  };
  /// Executes a grid to completion. If several thread blocks fail, the error of
  /// the first one is returned.
  absl::Status launch(const Launch &L);

private:
  struct State;
  explicit Machine(std::unique_ptr<State> S);
  std::unique_ptr<State> S;
};

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_MACHINE_H
