//===- FunctionSyntax.h - how ops that are functions are written -*- C++
//-*-===//
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

/// Reads `@name(arguments) { body }`, as `func.func` is written.
template <typename FunctionOp>
mlir::ParseResult parseFunction(mlir::OpAsmParser &Parser,
                                mlir::OperationState &Result) {
  auto FunctionType = [](mlir::Builder &B, llvm::ArrayRef<mlir::Type> Arguments,
                         llvm::ArrayRef<mlir::Type> Results,
                         mlir::function_interface_impl::VariadicFlag,
                         std::string &) {
    return B.getFunctionType(Arguments, Results);
  };
  return mlir::function_interface_impl::parseFunctionOp(
      Parser, Result, /*allowVariadic=*/false,
      FunctionOp::getFunctionTypeAttrName(Result.name), FunctionType,
      FunctionOp::getArgAttrsAttrName(Result.name),
      FunctionOp::getResAttrsAttrName(Result.name));
}

template <typename FunctionOp>
void printFunction(FunctionOp Op, mlir::OpAsmPrinter &Printer) {
  mlir::function_interface_impl::printFunctionOp(
      Printer, Op, /*isVariadic=*/false, Op.getFunctionTypeAttrName(),
      Op.getArgAttrsAttrName(), Op.getResAttrsAttrName());
}

} // namespace m1

#endif // M1C_DIALECTS_FUNCTIONSYNTAX_H
