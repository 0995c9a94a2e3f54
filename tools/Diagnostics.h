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
#include "llvm/Support/WithColor.h"

namespace m1 {

/// Makes `Context` write each error and each of its notes to stderr in one
/// line, "file:line:column: error: message" without the source and the
/// operation, or "program: error: message" without a source location.
inline void printDiagnosticsBriefly(mlir::MLIRContext &Context,
                                    llvm::StringRef Program) {
  auto Print = [Program](mlir::Diagnostic &Of) {
    std::string Where = Program.str();
    if (auto At = Of.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
      Where = (At.getFilename().getValue() + ":" + llvm::Twine(At.getLine()) +
               ":" + llvm::Twine(At.getColumn()))
                  .str();
    bool IsNote = Of.getSeverity() == mlir::DiagnosticSeverity::Note;
    (IsNote ? llvm::WithColor::note(llvm::errs(), Where)
            : llvm::WithColor::error(llvm::errs(), Where))
        << Of.str() << '\n';
  };
  Context.printOpOnDiagnostic(false);
  Context.getDiagEngine().registerHandler([Print](mlir::Diagnostic &D) {
    if (D.getSeverity() != mlir::DiagnosticSeverity::Error)
      return mlir::failure(); // MLIR prints it
    Print(D);
    for (mlir::Diagnostic &Note : D.getNotes())
      Print(Note);
    return mlir::success();
  });
}

} // namespace m1

#endif // M1C_TOOLS_DIAGNOSTICS_H
