//===- m1run-amx.cpp - m1run with AMX, emulated where absent --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// m1run for tests: runs plans for AMX on any CPU and emulates AMX where the CPU
// lacks it.
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/Features.h"
#include "runtime/emulators/amx/Emulator.h"
#include "tools/m1run/Commands.h"

using namespace m1;

int main(int Argc, char **Argv) {
  if (!cpu::requireFeature("amx-bf16", "m1run-amx").ok()) {
    amx::installAmxEmulator();
    cpu::assumeFeature("amx-tile");
    cpu::assumeFeature("amx-bf16");
  }
  return run::main(Argc, Argv);
}
