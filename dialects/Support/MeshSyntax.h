//===- MeshSyntax.h - how meshes are written --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_SUPPORT_MESHSYNTAX_H
#define M1C_DIALECTS_SUPPORT_MESHSYNTAX_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include <string>

namespace m1 {

/// Parses the axes of a mesh: `<data = 2, tensor = 4>`.
inline mlir::ParseResult
parseMeshAxes(mlir::AsmParser &Parser,
              llvm::SmallVectorImpl<mlir::StringAttr> &Axes,
              llvm::SmallVectorImpl<int64_t> &Extents) {
  auto ParseAxis = [&]() -> mlir::ParseResult {
    std::string Name;
    if (Parser.parseKeywordOrString(&Name) || Parser.parseEqual() ||
        Parser.parseInteger(Extents.emplace_back()))
      return mlir::failure();
    Axes.push_back(Parser.getBuilder().getStringAttr(Name));
    return mlir::success();
  };
  return Parser.parseCommaSeparatedList(mlir::AsmParser::Delimiter::LessGreater,
                                        ParseAxis);
}

/// Prints what `parseMeshAxes` reads.
inline void printMeshAxes(mlir::AsmPrinter &Printer,
                          llvm::ArrayRef<mlir::StringAttr> Axes,
                          llvm::ArrayRef<int64_t> Extents) {
  Printer << '<';
  llvm::interleaveComma(llvm::zip(Axes, Extents), Printer.getStream(),
                        [&](auto Pair) {
                          auto [Axis, Extent] = Pair;
                          Printer.printKeywordOrString(Axis.getValue());
                          Printer << " = " << Extent;
                        });
  Printer << '>';
}

} // namespace m1

#endif // M1C_DIALECTS_SUPPORT_MESHSYNTAX_H
