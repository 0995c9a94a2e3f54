//===- Limits.h - what the emulator accepts in a module ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_LIMITS_H
#define M1C_RUNTIME_EMULATORS_PTX_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace m1::ptx {

// A module may come from a damaged plan: these limits keep the memory and the
// time that parsing takes below about 1 GiB and a few seconds. For comparison,
// the published MiniMax-M1 compiles to 1.4 MB of text with 43 kernels, 34,000
// instructions and 38,000 registers; its largest kernel has 9,100 instructions
// and 10,600 registers.

/// Bytes of a module's text. A token takes 48 bytes, and may be one character.
constexpr size_t MaxTextBytes = 16 << 20;
/// Bytes of a word or string. The ISA asks for at least 1024 in a name.
constexpr size_t MaxWordBytes = 4096;
/// Kernels and functions of a module.
constexpr uint32_t MaxFunctions = 1 << 14;
/// Instructions of a module, with the targets of indirect branches and the
/// parameters of calls. An instruction takes 200 bytes.
constexpr uint64_t MaxInstructions = 1 << 18;
/// Registers and predicates of a module, and of a kernel with all functions.
/// Each warp of a thread block has 256 bytes for a register.
constexpr uint64_t MaxRegisters = 1 << 18, MaxKernelRegisters = 1 << 16;
/// Bytes of constant operands, which take 256 bytes each.
constexpr uint64_t MaxConstantBytes = 1 << 28;
/// Global and constant variables of a module: each is a mapping of its own, and
/// Linux allows a process 65,530. Their bytes, which are memory of the host.
constexpr uint64_t MaxVariables = 1 << 14, MaxVariableBytes = 64 << 20;
/// The largest alignment of a variable. Global memory is allocated, and local
/// memory begins, at a multiple of it, shared memory at a multiple of 1024.
constexpr uint64_t MaxAlignment = 256;
/// Bytes of a kernel's parameters (CUDA C++ Programming Guide, since CUDA
/// 12.1).
constexpr uint64_t MaxParameterBytes = 32764;
/// Bytes of local memory per thread, with the parameters of functions. Devices
/// have 512 KiB; here a thread block of 1024 threads takes twice 1024 times as
/// much on each thread of the host.
constexpr uint64_t MaxLocalBytes = 64 << 10;
/// Operands of an instruction, and elements of one of them: more than the
/// largest instructions have, and than a function has parameters.
constexpr size_t MaxOperands = 256;
/// Labels in a list of an indirect branch's targets.
constexpr size_t MaxTargets = 4096;
/// Nested braces in a function: each name is looked up from the innermost on.
constexpr size_t MaxScopes = 64;
/// Threads of a thread block along an axis.
constexpr uint32_t MaxThreadsOfBlock = 1024;

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_LIMITS_H
