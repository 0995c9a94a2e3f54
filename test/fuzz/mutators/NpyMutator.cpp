//===- NpyMutator.cpp - mutates a .npy file -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/mutators/Text.h"

using namespace m1::fuzz;

/// Mutates the header and states its new length, or mutates any byte. The
/// header follows "\x93NUMPY", a version of two bytes and a length of two bytes
/// in version 1, otherwise of four.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *Data, size_t Size,
                                          size_t MaxSize, unsigned Seed) {
  std::mt19937 Random(Seed);
  const size_t LengthBytes = Size > 6 && Data[6] == 1 ? 2 : 4;
  const size_t Begin = 8 + LengthBytes;
  size_t Length = 0;
  for (size_t I = LengthBytes; I > 0 && Size >= Begin; --I)
    Length = Length << 8 | Data[8 + I - 1];
  if (Size < Begin || Length > Size - Begin || Random() % 8 == 0)
    return LLVMFuzzerMutate(Data, Size, MaxSize);
  std::string Rest(Data + Begin + Length, Data + Size);
  std::string Header = mutateText({Data + Begin, Data + Begin + Length},
                                  MaxSize - Begin - Rest.size(), Random);
  std::string Result(Data, Data + 8);
  for (size_t I = 0; I < LengthBytes; ++I)
    Result += static_cast<char>(Header.size() >> (8 * I));
  return store(Result + Header + Rest, Data, MaxSize);
}
