//===- PrintArray.h - arrays as text ----------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_PRINTARRAY_H
#define M1C_TOOLS_M1RUN_PRINTARRAY_H

#include "runtime/weights/Npy.h"

#include <string>

namespace m1::run {

/// The elements as numpy prints them: the shortest digits that tell them apart,
/// 8 after the point at most; columns aligned; lines of at most 75 characters;
/// of more than 1000 elements only the first and last three of each axis.
std::string formatArray(const NpyArray &Array);

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_PRINTARRAY_H
