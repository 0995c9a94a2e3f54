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
#include <unordered_map>
#include <vector>

namespace m1::ptx {

class Warp;
struct Instruction;

/// Lanes of a warp.
constexpr unsigned Lanes = 32;
/// One bit per lane; lane 0 is the lowest.
using Mask = uint32_t;
constexpr Mask AllLanes = ~Mask(0);

/// Executes an instruction for the lanes in `Active`, which is not empty. False
/// if the warp stops, at a barrier, at its end or after an error; Warp::Now
/// says which.
using Executor = bool (*)(Warp &W, const Instruction &I, Mask Active);

/// A register or constant of all lanes: 2, 4 or 8 bytes per lane for values of
/// 16, 32 or 64 bits.
struct Operand {
  /// Byte offset of lane 0 in the warp's registers or the module's constants.
  uint32_t Offset = 0;
  /// Number of the mask of lanes in which it was written; constants have number
  /// 0, which is always written.
  uint32_t Number = 0;
  uint8_t Bytes = 0; // per lane; 0: no operand
  bool Constant = false;
};

/// A register of type .pred, one bit per lane.
using Predicate = uint16_t;
/// Predicates that no instruction writes: constants and absent operands.
constexpr Predicate AlwaysFalse = 0, AlwaysTrue = 1, FirstPredicate = 2;

/// State spaces of accesses; `Generic` is resolved by the address.
enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

/// A generic address of shared or local memory is an offset plus one of these;
/// a generic global address is the address itself.
constexpr uint64_t SharedWindow = 0x7100000000000000;
constexpr uint64_t LocalWindow = 0x7200000000000000;
constexpr uint64_t WindowMask = 0xFF00000000000000;

/// Base offsets in shared memory: static variables, after the kibibyte that
/// devices reserve, and, after a gap, the launch's dynamic memory.
constexpr uint32_t StaticSharedBase = 1024, MaxStaticShared = 48 * 1024;
constexpr uint32_t DynamicSharedBase = 64 * 1024;
/// Base offset in local memory.
constexpr uint32_t LocalBase = 256;

constexpr uint32_t NoIndex = std::numeric_limits<uint32_t>::max();

struct Instruction {
  Executor Run = nullptr;
  /// Results, then sources, in the executor's order.
  std::array<Operand, 4> Ops;
  /// More operands, of instructions with register vectors.
  std::vector<Operand> More;
  /// Predicates: results, then sources.
  std::array<Predicate, 4> Preds = {};

  /// Only lanes in which this predicate holds (or does not, if negated) execute
  /// the instruction.
  Predicate Guard = AlwaysTrue;
  bool GuardNegated = false;
  /// Modifiers, encoded per opcode family.
  uint8_t Mode = 0, Mode2 = 0;
  Space In = Space::Generic;
  /// Element size in bytes of a memory access.
  uint8_t ElementBytes = 0;

  /// Address offset, immediate or branch target; offset of a second address.
  int64_t Immediate = 0, Immediate2 = 0;
  /// Of a branch: the instruction where its lanes reconverge, NoIndex if none.
  uint32_t Reconvergence = NoIndex;
  /// Of a call: the function's number.
  uint32_t Callee = NoIndex;
  /// Of an indirect branch: its targets. Of a call: parameter offsets.
  std::vector<uint32_t> List;

  uint32_t Line = 0;
  std::string_view Name; // as written, "ld.global.f32"
};

/// A range in the local memory of a thread or among a kernel's parameters.
struct ParameterSlot {
  std::string Name;
  uint32_t Offset, Bytes, Alignment;
};

/// A kernel (.entry) or a function (.func) of a module.
struct Function {
  std::string Name;
  bool IsKernel = false, IsDefined = false;
  uint32_t Line = 0;
  /// Of kernels: offsets in the launch's argument bytes. Of functions: offsets
  /// in local memory.
  std::vector<ParameterSlot> Parameters, Results;
  std::vector<Instruction> Code;

  /// Registers are numbered through all functions of a module and then each
  /// kernel; these are one past the last numbers in use here.
  uint32_t RegisterBytes = 0, RegisterCount = 1;
  uint32_t PredicateCount = FirstPredicate;
  /// Of kernels: names of the last registers and predicates, those that they
  /// have in addition to the functions'.
  std::vector<std::string> RegisterNames, PredicateNames;

  uint32_t ParameterBytes = 0;
  uint32_t StaticShared = 0; // bytes
  uint32_t LocalBytes = 0;   // end of the offsets used
  /// Special registers that are read, each with the register that holds it.
  std::vector<std::pair<std::string, Operand>> Specials;
  /// .maxntid and .reqntid; 0 if absent.
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
  /// Names of the functions' registers and predicates, by number.
  std::vector<std::string> RegisterNames = {""},
                           PredicateNames = {"false", "true"};
  /// Numbers of functions by name; the names are in `Text`.
  std::unordered_map<std::string_view, uint32_t> FunctionNumbers;

  const Function *findKernel(std::string_view KernelName) const {
    auto Found = FunctionNumbers.find(KernelName);
    if (Found == FunctionNumbers.end() || !Functions[Found->second].IsKernel)
      return nullptr;
    return &Functions[Found->second];
  }
  /// The name of a register or predicate of a function, for errors.
  const std::string &registerName(const Function &Of, uint32_t Number) const {
    return Number < RegisterNames.size()
               ? RegisterNames[Number]
               : Of.RegisterNames[Number - RegisterNames.size()];
  }
  const std::string &predicateName(const Function &Of, Predicate P) const {
    return P < PredicateNames.size()
               ? PredicateNames[P]
               : Of.PredicateNames[P - PredicateNames.size()];
  }
};

/// Whether the emulator has a special register of this name, "%tid.x".
bool isSpecialRegister(std::string_view Name);

/// Parses PTX as LLVM's NVPTX back end emits it. Global variables are allocated
/// in `Memory`; the caller releases them. Errors name the kernel and the line.
absl::Status parseModule(std::string_view Text, std::string_view Name,
                         GlobalMemory &Memory, Module &Out);

/// Finds the reconvergence point of each branch: its immediate post-dominator.
void findReconvergencePoints(Function &F);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_MODULE_H
