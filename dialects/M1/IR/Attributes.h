//===- Attributes.h - discardable attributes --------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect's discardable attributes: names and meaning. The dialect verifies
// them wherever they occur.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_ATTRIBUTES_H
#define M1C_DIALECTS_M1_IR_ATTRIBUTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace m1 {

/// The extent of axis 0 of a function's argument or result, as a string: see
/// Dim.
inline constexpr llvm::StringLiteral kDimAttr = "m1.dim";

/// The name of a function's argument or result for its callers.
inline constexpr llvm::StringLiteral kNameAttr = "m1.name";

/// The model that a module computes: a ModelAttr, on the module.
inline constexpr llvm::StringLiteral kModelAttr = "m1.model";

/// The ranks that a module runs on: a MeshAttr, on the module. Without it there
/// is one.
inline constexpr llvm::StringLiteral kMeshAttr = "m1.mesh";

/// The symbol of the tokens of a training batch, whose bound differs from that
/// of the other functions' batches.
inline constexpr llvm::StringLiteral kTrainTokensSymbol = "N";

/// The symbol of the sets of sampling rules of a call, of which there are at
/// most as many as sequences.
inline constexpr llvm::StringLiteral kRulesSymbol = "R";

/// The state that holds the gradient of parameter P is called P with this
/// suffix; m1-differentiate finds it by that name, or declares it.
inline constexpr llvm::StringLiteral kGradientSuffix = ".gradient";

/// A symbolic extent, Symbol + Added: "T", "B+1". Symbols with the same name
/// have the same value in one call of a function.
struct Dim {
  llvm::StringRef Symbol;
  int64_t Added = 0;

  std::string str() const;
};

/// Parses "T" or "B+1": an identifier, and optionally a non-negative number
/// after '+', which the dialect limits to kMaxExtent. Returns std::nullopt for
/// anything else.
std::optional<Dim> parseDim(llvm::StringRef Text);

/// The m1.dim among the attributes of an argument or result; std::nullopt if
/// there is none or `Attributes` is null.
std::optional<Dim> getDim(mlir::DictionaryAttr Attributes);

/// The m1.name among the attributes of an argument or result; null if there is
/// none or `Attributes` is null.
mlir::StringAttr getName(mlir::DictionaryAttr Attributes);

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_ATTRIBUTES_H
