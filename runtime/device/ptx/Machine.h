//===- Machine.h - an emulated GPU that executes PTX ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_DEVICE_PTX_MACHINE_H
#define M1_RUNTIME_DEVICE_PTX_MACHINE_H

#include "runtime/support/ArgumentExtent.h"

#include "absl/status/statusor.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace m1::ptx {

/// A GPU emulated on the host: executes PTX as LLVM's NVPTX back end writes it,
/// and finds mistakes that a device does not tell. Instructions that it does
/// not know are refused by name when a module is loaded.
///
/// Each check ends the launch with one error that names the kernel, the line of
/// the PTX, block and thread:
///
/// - accesses outside of allocations, shared memory (the variables and the
///   bytes that the launch gives), local memory and parameters, and misaligned
///   ones;
/// - accesses through an argument's address outside of the argument's extent,
///   and writes through one that may only be read;
/// - use of a register or of memory that nothing wrote (mov, selp, slct and
///   cvta only pass on that it was not);
/// - races in shared memory (see SharedMemory in Shared.h) and of asynchronous
///   copies before they are waited for;
/// - barriers that not all threads of the block reach, warps that run too long;
/// - integer division by zero, lanes missing in an instruction that needs them.
///
/// Races among blocks in global memory are not found. Approximate functions are
/// computed in double and rounded, and products of matrices are rounded once
/// (Matrix.cpp), so results may differ from a device's in the last bits.
///
/// All functions are for one thread at a time.
class Machine {
public:
  struct Limits {
    /// Bytes of shared memory that a launch may ask for.
    uint32_t DynamicShared = 227 * 1024;
    /// Instructions that each warp may execute in a block: a launch with more
    /// is taken for one that never ends.
    uint64_t Instructions = uint64_t(1) << 32;
  };
  /// Blocks are executed by `Threads` host threads, at least 1.
  static absl::StatusOr<std::unique_ptr<Machine>> create(unsigned Threads,
                                                         Limits L);
  static absl::StatusOr<std::unique_ptr<Machine>> create(unsigned Threads) {
    return create(Threads, Limits());
  }
  ~Machine();

  /// Reads a module; its number. `Name` is for errors.
  absl::StatusOr<uint32_t> load(std::string_view Ptx, std::string_view Name);
  bool hasKernel(uint32_t Module, std::string_view Kernel) const;

  /// Global memory, of which untouched pages take no memory of the host. The
  /// address is a multiple of 256 and never used again. `Written`: the bytes
  /// are zero; otherwise reading one before it is written is an error.
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
    /// 8 bytes an argument, of which a smaller parameter takes the low ones.
    std::span<const uint64_t> Arguments;
    /// What the kernel may touch through each argument; empty for everything.
    std::span<const ArgumentExtent> Extents = {};
  };
  /// Executes a grid to its end. Of several blocks' errors, the one of the
  /// first block is returned.
  absl::Status launch(const Launch &L);

  /// Instructions that lanes executed in all launches so far.
  uint64_t executed() const;

private:
  struct State;
  explicit Machine(std::unique_ptr<State> S);
  std::unique_ptr<State> S;
};

} // namespace m1::ptx

#endif // M1_RUNTIME_DEVICE_PTX_MACHINE_H
