//===- FunctionSyntax.h - assembly format of function ops -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_FUNCTIONSYNTAX_H
#define M1C_DIALECTS_FUNCTIONSYNTAX_H

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

namespace m1 {

/// Parses `@name(arguments) attributes {...} { body }`, the format of func.func
/// for functions without results. `Arguments` receives the parsed arguments.
template <typename FunctionOp>
mlir::ParseResult
parseFunction(mlir::OpAsmParser &Parser, mlir::OperationState &Result,
              llvm::SmallVectorImpl<mlir::OpAsmParser::Argument> &Arguments) {
  using namespace mlir;
  StringAttr Name;
  bool IsVariadic;
  SmallVector<Type> ResultTypes;
  SmallVector<DictionaryAttr> ResultAttrs;
  if (Parser.parseSymbolName(Name, SymbolTable::getSymbolAttrName(),
                             Result.attributes) ||
      function_interface_impl::parseFunctionSignature(
          Parser, /*allowVariadic=*/false, Arguments, IsVariadic, ResultTypes,
          ResultAttrs) ||
      Parser.parseOptionalAttrDictWithKeyword(Result.attributes))
    return failure();
  Builder &B = Parser.getBuilder();
  auto ArgumentTypes = llvm::map_to_vector(
      Arguments, [](const OpAsmParser::Argument &A) { return A.type; });
  Result.addAttribute(
      FunctionOp::getFunctionTypeAttrName(Result.name),
      TypeAttr::get(B.getFunctionType(ArgumentTypes, ResultTypes)));
  function_interface_impl::addArgAndResultAttrs(
      B, Result, Arguments, ResultAttrs,
      FunctionOp::getArgAttrsAttrName(Result.name),
      FunctionOp::getResAttrsAttrName(Result.name));
  return Parser.parseRegion(*Result.addRegion(), Arguments,
                            /*enableNameShadowing=*/false);
}

/// Prints what parseFunction() reads. Attributes in `Elided` are left out.
template <typename FunctionOp>
void printFunction(FunctionOp Op, mlir::OpAsmPrinter &Printer,
                   llvm::ArrayRef<llvm::StringRef> Elided = {}) {
  using namespace mlir;
  Printer << ' ';
  Printer.printSymbolName(Op.getSymName());
  function_interface_impl::printFunctionSignature(
      Printer, Op, Op.getArgumentTypes(), /*isVariadic=*/false,
      Op.getResultTypes());
  SmallVector<StringRef> Hidden{Op.getFunctionTypeAttrName().getValue(),
                                Op.getArgAttrsAttrName().getValue(),
                                Op.getResAttrsAttrName().getValue()};
  Hidden.append(Elided.begin(), Elided.end());
  function_interface_impl::printFunctionAttributes(Printer, Op, Hidden);
  Printer << ' ';
  Printer.printRegion(Op.getBody(), /*printEntryBlockArgs=*/false);
}

} // namespace m1

#endif // M1C_DIALECTS_FUNCTIONSYNTAX_H
