//===- Warp.h - execution of a thread block and its warps -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_WARP_H
#define M1C_RUNTIME_EMULATORS_PTX_WARP_H

#include "runtime/emulators/ptx/Module.h"
#include "runtime/emulators/ptx/Shared.h"

#include <memory>
#include <span>

namespace m1::ptx {

class Block;

/// If extents are given, an argument's address is tagged with the argument's
/// number plus 1, in the bits from AddressBits on. Address arithmetic preserves
/// the tag: it tells which argument an access goes through.
constexpr uint64_t MaxTag = 0xFFF;
inline uint64_t tagged(uint64_t Address, uint64_t Argument) {
  return Address | (Argument + 1) << AddressBits;
}
inline uint64_t untagged(uint64_t Address) {
  return Address & ((uint64_t(1) << AddressBits) - 1);
}
/// The argument's number plus 1; 0 if the address is untagged.
inline uint64_t tagOf(uint64_t Address) {
  return Address >> AddressBits & MaxTag;
}

/// State shared by all thread blocks of a launch.
struct LaunchState {
  const Module &M;
  const Function &Kernel;
  std::array<uint32_t, 3> Grid, BlockSize;
  uint32_t DynamicShared;
  std::vector<std::byte> Parameters;
  /// The extent of each argument at its tagged address; empty: not checked.
  std::vector<Allocation::View> Arguments;
  const GlobalMemory &Memory;
  /// Instructions per warp and thread block.
  uint64_t InstructionLimit;

  /// The memory at an address; empty if there is none.
  Allocation::View viewOf(uint64_t Address) const {
    if (uint64_t Tag = tagOf(Address); Tag && Tag <= Arguments.size())
      return Arguments[Tag - 1];
    const Allocation *Found = Memory.find(Address);
    return Found ? Found->view() : Allocation::View();
  }
  uint32_t threads() const {
    return BlockSize[0] * BlockSize[1] * BlockSize[2];
  }
};

/// 32 threads in lockstep. Divergence is handled with a reconvergence stack: a
/// branch that splits the active lanes leaves an entry with all of them at the
/// reconvergence point and, above it, one entry per path. Paths run in turn up
/// to that point.
class Warp {
public:
  struct Entry {
    const Function *In;
    uint32_t PC;
    /// The entry ends when PC reaches this.
    uint32_t Reconvergence;
    Mask Active;
    /// The lowest entry of a call.
    bool Call;
  };
  enum class State : uint8_t { Ready, AtBarrier, Done, Failed };
  /// A pending cp.async of a lane.
  struct Copy {
    uint32_t Index; // in shared memory
    uint8_t Lane, Bytes;
    uint32_t Group; // groups that the lane had committed before
    std::array<std::byte, 16> Data;
  };

  /// Allocates the registers. `Index`: the warp's number in the thread block.
  Warp(Block &Owner, const LaunchState &Launch, unsigned Index);

  /// Resets the warp for a new thread block.
  void start();
  /// Executes up to `Limit` instructions.
  void run(uint64_t Limit);

  /// Values of an operand in all lanes.
  template <typename T> const T *in(const Operand &O) const {
    return reinterpret_cast<const T *>(Base[O.Constant] + O.Offset);
  }
  template <typename T> T *out(const Operand &O) {
    return reinterpret_cast<T *>(Registers.get() + O.Offset);
  }
  Mask written(const Operand &O) const { return Written[O.Number]; }
  /// Marks a result as written in the active lanes.
  void define(const Operand &O, Mask Active) { Written[O.Number] |= Active; }
  /// The same for a result that is defined in the lanes `Defined` only.
  void define(const Operand &O, Mask Active, Mask Defined) {
    Written[O.Number] = (Written[O.Number] & ~Active) | (Defined & Active);
  }
  /// Fails unless all operands are written in all active lanes.
  template <typename... Os>
  bool ready(const Instruction &I, Mask Active, const Os &...O) {
    if ((Active & ... & written(O)) == Active) [[likely]]
      return true;
    (void)(failIfUnwritten(I, Active, O) || ...);
    return false;
  }
  bool failIfUnwritten(const Instruction &I, Mask Active, const Operand &O);

  /// Reads the member mask of a .sync instruction. It must be equal in all
  /// active lanes and name exactly these, apart from exited ones.
  bool members(const Instruction &I, Mask Active, const Operand &O,
               Mask &Members);

  bool ready(const Instruction &I, Mask Active, Predicate P);
  Mask predicate(Predicate P) const { return Predicates[P]; }
  Mask predicateWritten(Predicate P) const { return PredicatesWritten[P]; }
  void definePredicate(Predicate P, Mask Active, Mask Value) {
    definePredicate(P, Active, Value, Active);
  }
  void definePredicate(Predicate P, Mask Active, Mask Value, Mask Defined) {
    if (P == AlwaysFalse)
      return; // the instruction has no such result
    Predicates[P] = (Predicates[P] & ~Active) | (Value & Active);
    PredicatesWritten[P] =
        (PredicatesWritten[P] & ~Active) | (Defined & Active);
  }

  /// Ends the launch with an error at this instruction; returns false.
  template <typename... Parts>
  bool fail(const Instruction &I, unsigned Lane, const Parts &...P) {
    report(I, Lane, concat(P...));
    return false;
  }
  /// The first lane of a mask.
  static unsigned first(Mask M) { return std::countr_zero(M); }

  // Control flow, for the executors of branches.
  Entry &top() { return Stack.back(); }
  /// Splits the top entry into paths, which together have all of its lanes and
  /// reconverge at `Reconvergence`.
  struct Way {
    uint32_t Target;
    Mask Taken;
  };
  void branch(std::span<const Way> Ways, uint32_t Reconvergence);
  void call(const Function &Callee, Mask Active);
  void returnFrom(Mask Active);
  void exit(Mask Active);

  Block &Owner;
  const LaunchState &Launch;
  const unsigned Index;
  State Now = State::Done;
  /// Lanes that exist, and those of them that have not exited.
  Mask Present = 0, Alive = 0;
  /// Some living lanes do not execute the current instruction.
  bool IsDiverged = false;
  /// The barrier at which the warp waits.
  const Instruction *Barrier = nullptr;
  uint64_t BarrierNumber = 0;
  /// Pending asynchronous copies, and the number of groups each lane has
  /// committed.
  std::vector<Copy> Copies;
  std::array<uint32_t, Lanes> Groups = {};
  /// The memory of the last global access.
  Allocation::View Recent;
  /// Instructions in this thread block.
  uint64_t Executed = 0;
  /// The carry flag of add.cc etc., and the lanes in which it was written.
  Mask Carry = 0, CarryWritten = 0;

private:
  void report(const Instruction &I, unsigned Lane, std::string What);
  void fillSpecials();

  std::vector<Entry> Stack;
  std::unique_ptr<std::byte[]> Registers;
  std::array<const std::byte *, 2> Base;
  std::vector<Mask> Written;
  std::vector<Mask> Predicates, PredicatesWritten;
};

/// The thread block that a host thread currently executes.
class Block {
public:
  explicit Block(const LaunchState &Launch);

  /// Executes the thread block with this index in the grid.
  absl::Status run(std::array<uint32_t, 3> BlockIndex);

  const LaunchState &Launch;
  std::array<uint32_t, 3> Index = {};
  SharedMemory Shared;
  LocalMemory Local;
  /// The first error of any warp.
  absl::Status Error;

private:
  absl::Status releaseBarrier();

  std::vector<std::unique_ptr<Warp>> Warps;
};

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_WARP_H
