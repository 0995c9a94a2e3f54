//===- CommandLine.h - the compiler's tools' command lines ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_COMMANDLINE_H
#define M1C_TOOLS_COMMANDLINE_H

#include "runtime/support/Printable.h"
#include "runtime/support/ProjectVersion.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

namespace m1 {

/// Makes --version print the tool's name and the version of the project.
inline void setVersionPrinter(llvm::StringRef Tool) {
  llvm::cl::SetVersionPrinter([Tool = Tool.str()](llvm::raw_ostream &Stream) {
    Stream << Tool << ' ' << kProjectVersion << '\n';
  });
}

/// Hides from --help the options registered so far, which are those of LLVM's
/// libraries, except for LLVM's generic options and those of `Category`.
inline void
hideRegisteredOptions(const llvm::cl::OptionCategory *Category = nullptr) {
  for (auto &Entry : llvm::cl::getRegisteredOptions()) {
    llvm::StringRef Name = Entry.getKey();
    llvm::cl::Option *Option = Entry.getValue();
    if (!llvm::is_contained(Option->Categories, Category) && Name != "help" &&
        Name != "help-hidden" && Name != "help-list" && Name != "version")
      Option->setHiddenFlag(llvm::cl::ReallyHidden);
  }
}

/// Sets the program's options from its arguments. An error, which LLVM would
/// print on several lines, is printed on one and ends the program with 1.
inline void parseCommandLine(int Argc, char **Argv, llvm::StringRef Overview) {
  using llvm::StringRef;
  StringRef Program = llvm::sys::path::filename(Argv[0]);
  setVersionPrinter(Program);
  std::string Errors;
  llvm::raw_string_ostream Stream(Errors);
  if (llvm::cl::ParseCommandLineOptions(Argc, Argv, Overview, &Stream))
    return;
  // A bad value has its own line already. An unknown option has two here: the
  // error, and the nearest known option. Each begins with the program's name.
  auto [Error, More] = StringRef(Errors).split('\n');
  auto WithoutProgram = [&](StringRef Line) {
    Line.consume_front(Program);
    Line.consume_front(": ");
    return Line;
  };
  Error = WithoutProgram(Error);
  StringRef Guess = WithoutProgram(More.split('\n').first).trim();
  if (!Error.empty()) {
    llvm::raw_ostream &Out = llvm::WithColor::error(llvm::errs(), Program);
    if (Error.consume_front("Unknown command line argument ")) {
      Out << "unknown option " << printable(Error.split(".  Try:").first);
      if (Guess.consume_front("Did you mean ") && Guess.consume_back("?"))
        Out << "; the nearest known option is " << Guess;
      Out << " (--help lists all)\n";
    } else {
      Out << printable(Error) << '\n';
    }
  }
  std::exit(1);
}

} // namespace m1

#endif // M1C_TOOLS_COMMANDLINE_H
