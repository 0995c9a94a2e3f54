//===- Work.h - what launches cost, as attributes ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A launch may have, for estimates,
//
//   plan.operations   the floating-point operations of its products: terms
//   plan.operand      the element type of the products' operands
//   plan.touched      by operand, the bytes that are read or written where the
//                     operand's extent overstates them: terms
//
// A sum of terms is a list of dictionaries {quantity, factor, ...} with the
// fields of the table Term in runtime/schema/plan.fbs.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_PLAN_IR_WORK_H
#define M1C_DIALECTS_PLAN_IR_WORK_H

#include "dialects/Plan/IR/Plan.h"
#include "mlir/IR/Builders.h"

#include <optional>

namespace m1::plan {

inline constexpr llvm::StringLiteral kOperationsAttr = "plan.operations";
inline constexpr llvm::StringLiteral kOperandAttr = "plan.operand";
inline constexpr llvm::StringLiteral kTouchedAttr = "plan.touched";

/// The quantities, by the numbers that a plan's file gives them.
inline constexpr llvm::StringLiteral kQuantities[] = {"size",
                                                      "keys",
                                                      "single_keys",
                                                      "other_keys",
                                                      "positions",
                                                      "single_positions",
                                                      "other_positions",
                                                      "chosen",
                                                      "closed"};

/// A part of a launch's work: a factor times a quantity.
struct WorkTerm {
  llvm::StringRef Quantity;
  double Factor = 0;
  ExprAttr Size = {}; ///< null for other quantities than "size"
  int64_t Most = 0, Choices = 0, Of = 0;

  mlir::DictionaryAttr attribute(mlir::MLIRContext *Context) const {
    mlir::Builder B(Context);
    mlir::NamedAttrList Fields;
    Fields.set("quantity", B.getStringAttr(Quantity));
    Fields.set("factor", B.getF64FloatAttr(Factor));
    if (Size)
      Fields.set("size", Size);
    auto Set = [&](llvm::StringRef Name, int64_t Value) {
      if (Value != 0)
        Fields.set(Name, B.getI64IntegerAttr(Value));
    };
    Set("most", Most);
    Set("choices", Choices);
    Set("of", Of);
    return Fields.getDictionary(Context);
  }

  /// None if the attribute is no term.
  static std::optional<WorkTerm> of(mlir::Attribute A) {
    auto Fields = llvm::dyn_cast<mlir::DictionaryAttr>(A);
    if (!Fields)
      return std::nullopt;
    auto Quantity = Fields.getAs<mlir::StringAttr>("quantity");
    auto Factor = Fields.getAs<mlir::FloatAttr>("factor");
    auto Size = Fields.getAs<ExprAttr>("size");
    if (!Quantity || !llvm::is_contained(kQuantities, Quantity.getValue()) ||
        !Factor || (Quantity.getValue() == "size" && !Size))
      return std::nullopt;
    auto Get = [&](llvm::StringRef Name) {
      auto Value = Fields.getAs<mlir::IntegerAttr>(Name);
      return Value ? Value.getInt() : 0;
    };
    return WorkTerm{Quantity.getValue(),
                    Factor.getValueAsDouble(),
                    Size,
                    Get("most"),
                    Get("choices"),
                    Get("of")};
  }
};

} // namespace m1::plan

#endif // M1C_DIALECTS_PLAN_IR_WORK_H
