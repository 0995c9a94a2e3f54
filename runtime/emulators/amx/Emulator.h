//===- Emulator.h - AMX instructions in software ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A software implementation of the AMX instructions that the compiler emits:
// ldtilecfg, sttilecfg, tilerelease, tilezero, tileloadd, tileloaddt1,
// tilestored and tdpbf16ps. It is for testing on machines without AMX and is
// linked into m1run-amx and tests only.
//
// Source: Intel's Software Developer's Manual, volume 2, the pages of these
// instructions and section 2.10 (their exceptions). Not modelled: segment and
// address-size prefixes, a start row other than 0, and which of several NaNs a
// product propagates.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H
#define M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H

#include <ucontext.h>

namespace m1::amx {

/// Executes the instruction at `Context`'s instruction pointer with `Context`'s
/// registers and the calling thread's tiles, and advances the pointer. Returns
/// false, without effect, if it is none of the above. If AMX would raise an
/// exception, prints one line that names the instruction and the error to
/// stderr and aborts.
bool emulateAmx(ucontext_t &Context);

/// Installs a SIGILL handler that calls emulateAmx(), for all threads of the
/// process. Other illegal instructions kill the process as before. Needs AVX2
/// and FMA, and a CPU without AMX.
void installAmxEmulator();

} // namespace m1::amx

#endif // M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H
