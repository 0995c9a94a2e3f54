//===- Emulator.h - AMX on machines without it ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of Intel's matrix unit that the compiler's code uses, in software:
// ldtilecfg, sttilecfg, tilerelease, tilezero, tileloadd, tileloaddt1,
// tilestored and tdpbf16ps. It is there so that this code is tested on machines
// without the unit, and is linked into tests only.
//
// Source: Intel's Software Developer's Manual, volume 2, the pages of these
// instructions and section 2.10 (their exceptions). Not modelled: segment and
// address-size prefixes, a start row other than 0, and which of several NaNs a
// product passes on.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H
#define M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H

#include <ucontext.h>

namespace m1::amx {

/// Executes the instruction at `Context`'s instruction pointer on the calling
/// thread's own tiles, with `Context`'s registers, and moves the pointer past
/// it. Returns false, having done nothing, where it is none of the above. Where
/// the unit would raise an exception, the process ends by abort() after one
/// line on stderr that names the instruction and what is wrong with it.
bool emulateAmx(ucontext_t &Context);

/// From now on the instructions above work in every thread of this process: a
/// CPU without them raises SIGILL, whose handler calls emulateAmx(). Any other
/// illegal instruction kills the process as before. Needs AVX2 and FMA; not for
/// a CPU that has AMX.
void installAmxEmulator();

} // namespace m1::amx

#endif // M1C_RUNTIME_EMULATORS_AMX_EMULATOR_H
