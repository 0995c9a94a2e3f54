//===- Documentation.h - documentation in hovers ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1_LSP_SERVER_DOCUMENTATION_H
#define M1C_TOOLS_M1_LSP_SERVER_DOCUMENTATION_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace m1 {

/// The ODS documentation of an op of this project's dialects, in Markdown;
/// empty for other ops.
llvm::StringRef documentationOf(llvm::StringRef Op);

/// A message of the language server, in JSON, with the op's documentation added
/// if it answers a request to hover over an op.
std::string addDocumentation(llvm::StringRef Message);

/// Copies the output of the language server from descriptor `From` to `To`
/// until it ends, with addDocumentation applied to each message.
void addDocumentation(int From, int To);

} // namespace m1

#endif // M1C_TOOLS_M1_LSP_SERVER_DOCUMENTATION_H
