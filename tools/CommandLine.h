//===- CommandLine.h - the compiler's tools' command lines ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_COMMANDLINE_H
#define M1C_TOOLS_COMMANDLINE_H

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

namespace m1 {

/// Sets the program's options from its arguments. What is wrong with them is
/// said in one line, where LLVM writes more, and ends the program with 1.
inline void parseCommandLine(int Argc, char **Argv, llvm::StringRef Overview) {
  std::string Errors;
  llvm::raw_string_ostream Stream(Errors);
  if (llvm::cl::ParseCommandLineOptions(Argc, Argv, Overview, &Stream))
    return;
  // Of a value that an option cannot take, LLVM has written a line itself; of
  // an option that there is not, two are here: what is wrong, and a guess at
  // what was meant. Each begins with the program's name.
  llvm::StringRef Program = llvm::sys::path::filename(Argv[0]);
  llvm::StringRef First = llvm::StringRef(Errors).split('\n').first;
  First.consume_front(Program);
  First.consume_front(": ");
  if (!First.empty())
    llvm::WithColor::error(llvm::errs(), Program) << First << '\n';
  std::exit(1);
}

} // namespace m1

#endif // M1C_TOOLS_COMMANDLINE_H
