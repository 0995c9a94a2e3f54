//===- ToolProcess.h - what the compiler's tools begin with -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_TOOLPROCESS_H
#define M1C_TOOLS_TOOLPROCESS_H

#include "runtime/support/Process.h"
#include "llvm/Support/InitLLVM.h"

namespace m1 {

/// The first object of a main: prepares the process and LLVM. Signals that are
/// ignored stay ignored, although LLVM installs handlers for them.
class ToolProcess {
public:
  ToolProcess(int &Argc, char **&Argv) : Init((prepareProcess(), Argc), Argv) {
    keepIgnoredSignals();
  }

private:
  llvm::InitLLVM Init;
};

} // namespace m1

#endif // M1C_TOOLS_TOOLPROCESS_H
