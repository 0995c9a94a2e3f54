//===- Npy.cpp - fuzzes .npy files ----------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include "runtime/weights/Npy.h"

using namespace m1;

/// The input is a .npy file. What can be read can be written, and is then read
/// as the same array.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  static const Scratch Directory;
  std::string Path = Directory.write("array.npy", textOf(Input));
  (void)readTokens(Path);
  absl::StatusOr<NpyArray> Array = readNpy(Path);
  if (!Array.ok())
    return false;
  require(elementCount(Array->Shape) == Array->count(),
          "an array has the elements of its shape");
  for (ElementType Type :
       {ElementType::F32, ElementType::BF16, ElementType::F16, ElementType::F64,
        ElementType::I32, ElementType::I64, ElementType::U8}) {
    absl::StatusOr<NpyArray> Converted = convert(*Array, Type, "array");
    require(!Converted.ok() ||
                (Converted->Type == Type && Converted->Shape == Array->Shape &&
                 Converted->count() == Array->count()),
            "conversion keeps the shape");
  }
  if (Array->Type == ElementType::F16)
    return true; // is written as f4
  std::string Copy = Directory.path("copy.npy");
  absl::Status Written =
      writeNpy(Copy, Array->Type, Array->Shape, Array->Data.data());
  require(Written.ok(), "an array that was read can be written");
  absl::StatusOr<NpyArray> Again = readNpy(Copy);
  require(Again.ok() && Again->Type == Array->Type &&
              Again->Shape == Array->Shape && Again->Data == Array->Data,
          "an array is read as it was written");
  return true;
}
