//===- InitFunction.h - the function that runs at load time -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SCHEMA_INITFUNCTION_H
#define M1C_RUNTIME_SCHEMA_INITFUNCTION_H

#include <string_view>

namespace m1::plan {
/// The name of the function that runs once, when the plan is loaded, and packs
/// the parameters.
inline constexpr std::string_view kInitFunction = "init";
} // namespace m1::plan

#endif // M1C_RUNTIME_SCHEMA_INITFUNCTION_H
