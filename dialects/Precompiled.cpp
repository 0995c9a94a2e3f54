//===- Precompiled.cpp - the precompiled headers' translation unit --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The headers that most files of the compiler include are compiled once, here;
// see m1c_use_mlir() in cmake/M1C.cmake. Nothing else belongs in this file.
