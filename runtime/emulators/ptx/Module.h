//===- Module.h - PTX as the emulator executes it ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_MODULE_H
#define M1C_RUNTIME_EMULATORS_PTX_MODULE_H

#include "runtime/emulators/ptx/Memory.h"
#include "runtime/emulators/ptx/Types.h"

#include <array>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace m1::ptx {

class Warp;
struct Instruction;

/// Lanes of a warp.
constexpr unsigned Lanes = 32;
/// One bit a lane, lane 0 the lowest.
using Mask = uint32_t;
constexpr Mask AllLanes = ~Mask(0);

/// Executes an instruction for the lanes in `Active`, never none of them.
/// False: the warp cannot go on for now (barrier) or for good (end, error);
/// it knows which.
using Executor = bool (*)(Warp &W, const Instruction &I, Mask Active);

/// The lanes of a register or of a constant. A value of 16 bits takes two bytes
/// a lane, one of 32 four, one of 64 eight.
struct Operand {
  /// Of the first lane, in bytes, in the warp's registers or in the module's
  /// constants.
  uint32_t Offset = 0;
  /// Of the mask of lanes in which it was written; constants have number 0,
  /// which counts as written.
  uint32_t Number = 0;
  uint8_t Bytes = 0; // of one lane; 0 where there is no operand
  bool Constant = false;
};

/// A register of type .pred, a bit a lane.
using Predicate = uint16_t;
/// Predicates that no instruction writes: constants, and "no operand".
constexpr Predicate AlwaysFalse = 0, AlwaysTrue = 1, FirstPredicate = 2;

/// State spaces that an access can name; `Generic` finds out by the address.
enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

/// Generic addresses of shared and local memory: offset plus one of these.
/// Global addresses are the same in generic form.
constexpr uint64_t SharedWindow = 0x7100000000000000;
constexpr uint64_t LocalWindow = 0x7200000000000000;
constexpr uint64_t WindowMask = 0xFF00000000000000;

/// Where offsets in shared memory begin: the variables of fixed size, after the
/// kibibyte that devices keep for themselves, and then, behind a gap, the
/// memory whose size the launch tells.
constexpr uint32_t StaticSharedBase = 1024, MaxStaticShared = 48 * 1024;
constexpr uint32_t DynamicSharedBase = 64 * 1024;
/// Where offsets in local memory begin.
constexpr uint32_t LocalBase = 256;

constexpr uint32_t NoIndex = std::numeric_limits<uint32_t>::max();

struct Instruction {
  Executor Run = nullptr;
  /// Results, then sources, in the order in which the executor wants them.
  std::array<Operand, 4> Ops;
  /// Further ones: instructions with vectors of registers.
  std::vector<Operand> More;
  /// Predicates: results, then sources.
  std::array<Predicate, 4> Preds = {};

  /// Executed by lanes in which this predicate holds (or not, if negated).
  Predicate Guard = AlwaysTrue;
  bool GuardNegated = false;
  /// The family's own modifiers.
  uint8_t Mode = 0, Mode2 = 0;
  Space In = Space::Generic;
  /// Bytes of one element and number of elements of an access to memory.
  uint8_t ElementBytes = 0, Elements = 1;

  /// Offset of an address, an immediate, a branch's target, ...; offset of a
  /// second address.
  int64_t Immediate = 0, Immediate2 = 0;
  /// A branch: the instruction where its lanes meet again, NoIndex if nowhere.
  /// A call: the function's number.
  uint32_t Meet = NoIndex;
  /// An indirect branch: its targets. A call: bytes to copy between parameters.
  std::vector<uint32_t> List;

  uint32_t Line = 0;
  std::string_view Name; // as written, "ld.global.f32"
};

/// A range in the local memory of a thread or among a kernel's parameters.
struct ParameterSlot {
  std::string Name;
  uint32_t Offset, Bytes;
};

/// A kernel (.entry) or a function (.func) of a module.
struct Function {
  std::string Name;
  bool IsKernel = false, IsDefined = false;
  uint32_t Line = 0;
  /// Kernels: offsets among the bytes of the launch's arguments. Functions:
  /// offsets in local memory.
  std::vector<ParameterSlot> Parameters, Results;
  std::vector<Instruction> Code;

  /// Registers are numbered through a module's functions and each of its
  /// kernels: these are the ends of the numbers used in here.
  uint32_t RegisterBytes = 0, RegisterCount = 1;
  uint32_t PredicateCount = FirstPredicate;
  /// Name of each register and predicate, for errors.
  std::vector<std::string> RegisterNames, PredicateNames;

  uint32_t ParameterBytes = 0;
  uint32_t StaticShared = 0; // bytes
  uint32_t LocalBytes = 0;   // end of the offsets used
  /// Special registers that the function reads: which, and the register that
  /// holds it.
  std::vector<std::pair<std::string, Operand>> Specials;
  /// .maxntid / .reqntid: 0 where not given.
  std::array<uint32_t, 3> MaxThreads = {}, RequiredThreads = {};
};

struct Module {
  std::string Name;
  std::string Text; // instructions' names point in here
  std::deque<Function> Functions;
  /// Constant operands, each with 32 equal lanes.
  std::vector<uint64_t> Constants;
  /// Addresses of the global variables.
  std::vector<uint64_t> Variables;

  const Function *findKernel(std::string_view KernelName) const {
    for (const Function &F : Functions)
      if (F.IsKernel && F.Name == KernelName)
        return &F;
    return nullptr;
  }
};

/// Reads PTX text as LLVM's NVPTX back end writes it. Global variables are
/// allocated in `Memory`, which the caller releases. Errors name the kernel,
/// the line and what is wrong.
absl::Status parseModule(std::string_view Text, std::string_view Name,
                         GlobalMemory &Memory, Module &Out);

/// Finds where the lanes of each branch meet again: at the instruction that
/// every way from the branch to the function's end passes first (its immediate
/// post-dominator).
void findMeetingPoints(Function &F);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_MODULE_H
