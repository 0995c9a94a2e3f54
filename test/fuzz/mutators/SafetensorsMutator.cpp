//===- SafetensorsMutator.cpp - mutates a safetensors file ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/mutators/Text.h"

using namespace m1::fuzz;

/// Mutates the header and states its new length, or mutates any byte.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *Data, size_t Size,
                                          size_t MaxSize, unsigned Seed) {
  std::mt19937 Random(Seed);
  uint64_t Length = 0;
  for (int I = 7; I >= 0 && Size >= 8; --I)
    Length = Length << 8 | Data[I];
  if (Size < 8 || Length > Size - 8 || Random() % 8 == 0)
    return LLVMFuzzerMutate(Data, Size, MaxSize);
  std::string Rest(Data + 8 + Length, Data + Size);
  std::string Header = mutateText({Data + 8, Data + 8 + Length},
                                  MaxSize - 8 - Rest.size(), Random);
  std::string Result;
  for (int I = 0; I < 8; ++I)
    Result += static_cast<char>(Header.size() >> (8 * I));
  return store(Result + Header + Rest, Data, MaxSize);
}
