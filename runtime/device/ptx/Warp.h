//===- Warp.h - a warp and its block while they execute ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_DEVICE_PTX_WARP_H
#define M1_RUNTIME_DEVICE_PTX_WARP_H

#include "runtime/device/ptx/Module.h"
#include "runtime/device/ptx/Shared.h"

#include <memory>
#include <span>

namespace m1::ptx {

class Block;

/// The address of an argument with an extent has the argument's number plus 1
/// in the bits from AddressBits on. Arithmetic on addresses keeps them, so that
/// an access shows through which argument it is made.
constexpr uint64_t MaxTag = 0xFFF;
inline uint64_t tagged(uint64_t Address, uint64_t Argument) {
  return Address | (Argument + 1) << AddressBits;
}
inline uint64_t untagged(uint64_t Address) {
  return Address & ((uint64_t(1) << AddressBits) - 1);
}
/// The argument's number plus 1; 0 of an address without.
inline uint64_t tagOf(uint64_t Address) {
  return Address >> AddressBits & MaxTag;
}

/// What all blocks of a launch share.
struct LaunchState {
  const Module &M;
  const Function &Kernel;
  std::array<uint32_t, 3> Grid, BlockSize;
  uint32_t DynamicShared;
  std::vector<std::byte> Parameters;
  /// What may be touched through each argument, at its tagged address; empty
  /// where no extents are given.
  std::vector<Allocation::View> Arguments;
  const GlobalMemory &Memory;
  /// Instructions that a warp may execute in a block.
  uint64_t InstructionLimit;

  /// The memory that an address leads to; empty if none.
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

/// 32 threads in lockstep. Diverged lanes are kept on a stack (PTX has no
/// notion of it): a branch that splits the active lanes leaves an entry with
/// all of them at the instruction where they meet again, and above it one for
/// each way, which are executed in turn up to there.
class Warp {
public:
  struct Entry {
    const Function *In;
    uint32_t PC;
    /// The entry is over when PC gets here.
    uint32_t Meet;
    Mask Active;
    /// The lowest entry of a call.
    bool Call;
  };
  enum class State : uint8_t { Ready, AtBarrier, Done, Failed };
  /// A cp.async of a lane whose bytes are not visible yet.
  struct Copy {
    uint32_t Place; // in shared memory
    uint8_t Lane, Bytes;
    uint32_t Group; // how many the lane had committed before
    std::array<std::byte, 16> Data;
  };

  /// Memory for the registers; `Index` among the block's warps.
  Warp(Block &Owner, const LaunchState &Launch, unsigned Index);

  /// Makes a new block's warp of it.
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
  /// Notes a result in the active lanes.
  void define(const Operand &O, Mask Active) { Written[O.Number] |= Active; }
  /// Gives a result that may be undefined in some lanes.
  void define(const Operand &O, Mask Active, Mask Defined) {
    Written[O.Number] = (Written[O.Number] & ~Active) | (Defined & Active);
  }
  /// Whether the active lanes of all operands were written; if not, fails.
  template <typename... Os>
  bool ready(const Instruction &I, Mask Active, const Os &...O) {
    if ((Active & ... & written(O)) == Active) [[likely]]
      return true;
    (void)(failIfUnwritten(I, Active, O) || ...);
    return false;
  }
  bool failIfUnwritten(const Instruction &I, Mask Active, const Operand &O);

  /// The membermask of a .sync instruction, which must be the same in all
  /// active lanes and name these and no others that have not exited.
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

  /// Ends the launch with an error at this instruction; false.
  template <typename... Parts>
  bool fail(const Instruction &I, unsigned Lane, const Parts &...P) {
    report(I, Lane, concat(P...));
    return false;
  }
  /// The first lane of a mask.
  static unsigned first(Mask M) { return std::countr_zero(M); }

  // Control flow, for the executors of branches.
  Entry &top() { return Stack.back(); }
  /// Sends lanes of the top entry to other instructions: all of its lanes are
  /// in one of the ways, which meet again at `Meet`.
  struct Way {
    uint32_t Target;
    Mask Taken;
  };
  void branch(std::span<const Way> Ways, uint32_t Meet);
  void call(const Function &Callee, Mask Active);
  void returnFrom(Mask Active);
  void exit(Mask Active);

  Block &Owner;
  const LaunchState &Launch;
  const unsigned Index;
  State Now = State::Done;
  /// Lanes that the block has, and those of them that have not exited.
  Mask Present = 0, Alive = 0;
  /// Some of these do not execute the current instruction.
  bool IsDiverged = false;
  /// Where the warp waits.
  const Instruction *Barrier = nullptr;
  uint64_t BarrierNumber = 0;
  /// Asynchronous copies, and groups of them that each lane has committed.
  std::vector<Copy> Copies;
  std::array<uint32_t, Lanes> Groups = {};
  /// Where the last access to global memory went.
  Allocation::View Recent;
  /// Instructions in this block, and in all blocks' lanes.
  uint64_t Executed = 0, LanesExecuted = 0;
  /// The carry of add.cc and so on, and where it was written.
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

/// One block at a time of those that a host thread executes.
class Block {
public:
  explicit Block(const LaunchState &Launch);

  /// Executes the block with this index in the grid.
  absl::Status run(std::array<uint32_t, 3> BlockIndex);

  const LaunchState &Launch;
  std::array<uint32_t, 3> Index = {};
  SharedMemory Shared;
  LocalMemory Local;
  /// The first error of any warp.
  absl::Status Error;
  /// Instructions that lanes executed in all blocks so far.
  uint64_t executed() const;

private:
  absl::Status meetAtBarrier();

  std::vector<std::unique_ptr<Warp>> Warps;
};

} // namespace m1::ptx

#endif // M1_RUNTIME_DEVICE_PTX_WARP_H
