//===- Executor.h - runs a plan's functions ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_EXECUTOR_H
#define M1C_RUNTIME_SESSION_EXECUTOR_H

#include "runtime/comm/Communicator.h"
#include "runtime/device/Device.h"
#include "runtime/plan/Traffic.h"
#include "runtime/session/Checks.h"
#include "runtime/session/Extents.h"
#include "runtime/session/HostTensor.h"
#include "runtime/session/Parameters.h"
#include "runtime/trace/Profile.h"

#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// A plan ready to run: kernels loaded, parameters bound, `init` done, states
/// zero-initialised.
class Executor {
public:
  /// Runs the plan's function `init` if it has one. The plan, the device, the
  /// source and the communicator must outlive the executor. With `Trace`, the
  /// time of each step is recorded there. `Ranks` is the rank's communicator if
  /// the plan has a mesh, and null otherwise; all ranks of the mesh create
  /// their executors, and make the same calls.
  static absl::StatusOr<std::unique_ptr<Executor>>
  create(const LoadedPlan &Plan, Device &TheDevice, ParameterSource &Source,
         Profile *Trace = nullptr, Communicator *Ranks = nullptr);
  ~Executor();

  const LoadedPlan &plan() const { return Plan; }

  /// The number of a function. The error lists the functions of the plan,
  /// without `init`, which `create` ran.
  absl::StatusOr<uint32_t> find(std::string_view Name) const;

  /// The values of the plan's symbols that the inputs' shapes determine, for
  /// outputShape, and the rank's coordinates; see Signature.h.
  absl::StatusOr<std::vector<int64_t>>
  bindSymbols(uint32_t Function, std::span<const HostTensor> Inputs) const;

  /// The shape of an output for given symbols.
  std::vector<int64_t> outputShape(uint32_t Function, uint32_t Output,
                                   std::span<const int64_t> Symbols) const;

  /// Runs a function other than `init` and waits for its results. Inputs must
  /// pass the function's checks; outputs must have its element types and
  /// shapes. An output without `Data` is not copied to the host. Repeating a
  /// call with the same shapes allocates no memory on the CPU.
  absl::Status call(uint32_t Function, std::span<const HostTensor> Inputs,
                    std::span<const HostTensor> Outputs);

  /// What the rank has sent in all calls.
  const Traffic &traffic() const { return Sent; }

  /// Copies from and to an arena of the plan, from byte `Offset` on. The range
  /// must lie inside it.
  absl::Status readArena(uint32_t Arena, uint64_t Offset,
                         std::span<std::byte> To);
  absl::Status writeArena(uint32_t Arena, uint64_t Offset,
                          std::span<const std::byte> From);
  /// The same range in place, until the next call; empty if the device does not
  /// use host memory.
  absl::StatusOr<std::span<const std::byte>>
  viewArena(uint32_t Arena, uint64_t Offset, uint64_t Bytes);
  /// Threads of the host that calls use, including the caller.
  unsigned threads() const { return TheDevice.threads(); }

  // The states of a language model are divided into parts, of which part i of
  // each belongs to slot i, or to cache block i (plan::Division). The bytes of
  // a part are those of all states that are divided so, one after the other;
  // only the plan that wrote them can read them. With ranks, they are the
  // rank's own share. An index or a size that is not the plan's is an error.

  /// Bytes of a slot's parts, and of a cache block's; 0 if the plan has no
  /// state that is divided so.
  uint64_t slotBytes() const { return SlotParts.Bytes; }
  uint64_t blockBytes() const { return BlockParts.Bytes; }
  /// Copies all that a slot, or a block, holds to the host and back. `To` and
  /// `From` have slotBytes() or blockBytes() bytes. The copy is complete on
  /// return.
  absl::Status readSlot(int64_t Slot, std::span<std::byte> To);
  absl::Status writeSlot(int64_t Slot, std::span<const std::byte> From);
  absl::Status readBlock(int64_t Block, std::span<std::byte> To);
  absl::Status writeBlock(int64_t Block, std::span<const std::byte> From);
  /// Copies from part to part on the device. Later calls see the copy; it may
  /// not be complete on return.
  absl::Status copySlot(int64_t From, int64_t To);
  absl::Status copyBlock(int64_t From, int64_t To);

private:
  struct Argument;
  struct Operation;
  struct Program;
  struct Recorded;

  /// The states with one division, in the order of the plan's arenas.
  struct StateParts {
    const char *What = ""; ///< "slot" or "block", for errors
    struct Arena {
      uint32_t Index;
      uint64_t PartBytes;
    };
    std::vector<Arena> Arenas;
    int64_t Count = 0;  ///< parts of each
    uint64_t Bytes = 0; ///< of one part of all of them

    absl::Status check(int64_t Part) const;
    absl::Status check(int64_t Part, size_t Given) const;
  };

  Executor(const LoadedPlan &Plan, Device &TheDevice, ParameterSource &Source,
           Profile *Trace, Communicator *Ranks);
  void findStateParts();
  absl::Status read(const StateParts &States, int64_t Part,
                    std::span<std::byte> To);
  absl::Status write(const StateParts &States, int64_t Part,
                     std::span<const std::byte> From);
  absl::Status copy(const StateParts &States, int64_t From, int64_t To);
  absl::Status prepare();
  Argument decode(const plan::Arg &Arg) const;
  Operation decode(const plan::Function &Function, uint32_t Number) const;
  absl::Status bindParameters();
  absl::Status bindParameter(uint32_t Index);
  absl::Status releaseParameter(uint32_t Index);
  absl::Status mapTensors(const Program &P, std::span<const HostTensor> Given,
                          std::span<const HostTensor> Results);
  absl::Status unmapTensors();
  absl::Status runSteps(uint32_t Function);
  absl::Status replaySteps(const Program &P, Recorder &Kept, Recorded &Record);
  /// Runs a step unless its condition says otherwise.
  absl::Status runStep(const Operation &Op);
  absl::Status run(const Operation &Op);
  absl::Status exchange(const Operation &Op);
  absl::Status runTimed(const Operation &Op);
  void count(const Program &P); ///< what a call has sent
  uint64_t resolve(const Argument &Arg) const;

  const LoadedPlan &Plan;
  Device &TheDevice;
  ParameterSource &Source;
  Profile *Trace;
  Communicator *Ranks;
  Traffic Sent;

  std::vector<Device::Address> Arenas;
  std::vector<Device::Address> Parameters; ///< of those that are bound
  std::vector<Program> Programs;
  StateParts SlotParts, BlockParts;

  // State of the current call; members so that a call allocates nothing.
  ElementChecker Elements;
  std::vector<int64_t> Symbols;
  std::vector<Device::Address> Inputs, Outputs;
  std::vector<uint64_t> Values; ///< of a launch's arguments
  std::vector<ArgumentExtent> Extents;

  /// Calls that the device may have recorded, most recent first.
  std::list<Recorded> Recordings;
};

} // namespace m1

#endif // M1C_RUNTIME_SESSION_EXECUTOR_H
