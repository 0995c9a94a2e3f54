//===- Diagnostics.h - diagnostics of one line ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_DIAGNOSTICS_H
#define M1C_TOOLS_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/support/Printable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/WithColor.h"

#include <cstdint>
#include <string>
#include <utility>

namespace m1 {

/// The text before and after "error: " of a diagnostic at `Location`:
/// {"file:line:column", ""}, {"file", ""} for a file without lines, otherwise
/// {Program, "name: "} with the name in the location, if it has one.
inline std::pair<std::string, std::string>
diagnosticPrefix(mlir::Location Location, llvm::StringRef Program) {
  if (auto At = Location->findInstanceOf<mlir::FileLineColLoc>()) {
    std::string Where = At.getFilename().str();
    if (At.getLine())
      Where +=
          (":" + llvm::Twine(At.getLine()) + ":" + llvm::Twine(At.getColumn()))
              .str();
    return {Where, ""};
  }
  // Of several names, the last is that of the op which the others come from.
  std::string Name;
  Location->walk([&](mlir::Location Part) {
    if (auto Named = llvm::dyn_cast<mlir::NameLoc>(Part))
      Name = Named.getName().str() + ": ";
    return mlir::WalkResult::advance();
  });
  return {Program.str(), Name};
}

/// Makes `Context` write each error, warning and remark, and each of its notes,
/// to stderr in one line, "file:line:column: error: message" without the source
/// and, unless --mlir-print-op-on-diagnostic asks for it, the operation;
/// without a source location "program: error: message". Names from the source
/// are printable().
inline void printDiagnosticsBriefly(mlir::MLIRContext &Context,
                                    llvm::StringRef Program) {
  const llvm::cl::Option *PrintOp =
      llvm::cl::getRegisteredOptions().lookup("mlir-print-op-on-diagnostic");
  const bool PrintsOps = PrintOp && PrintOp->getNumOccurrences();
  if (!PrintsOps)
    Context.printOpOnDiagnostic(false);
  auto Print = [Program, PrintsOps](mlir::Diagnostic &Of) {
    using llvm::WithColor;
    auto [Where, Name] = diagnosticPrefix(Of.getLocation(), Program);
    Where = printable(Where);
    auto Begin = [&]() -> llvm::raw_ostream & {
      switch (Of.getSeverity()) {
      case mlir::DiagnosticSeverity::Error:
        return WithColor::error(llvm::errs(), Where);
      case mlir::DiagnosticSeverity::Warning:
        return WithColor::warning(llvm::errs(), Where);
      case mlir::DiagnosticSeverity::Remark:
        return WithColor::remark(llvm::errs(), Where);
      case mlir::DiagnosticSeverity::Note:
        break;
      }
      return WithColor::note(llvm::errs(), Where);
    };
    std::string Text = Name + Of.str();
    if (!PrintsOps) {
      Begin() << printable(Text) << '\n';
      return;
    }
    // Operations take several lines and are printed in full.
    llvm::raw_ostream &Out = Begin();
    for (llvm::StringRef Line : llvm::split(Text, '\n'))
      Out << printable(Line, SIZE_MAX) << '\n';
  };
  Context.getDiagEngine().registerHandler([Print](mlir::Diagnostic &D) {
    Print(D);
    for (mlir::Diagnostic &Note : D.getNotes())
      Print(Note);
    return mlir::success();
  });
}

} // namespace m1

#endif // M1C_TOOLS_DIAGNOSTICS_H
