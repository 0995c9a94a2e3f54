//===- Text.h - mutations of text formats --------------------- -*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_FUZZ_MUTATORS_TEXT_H
#define M1C_TEST_FUZZ_MUTATORS_TEXT_H

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

/// libFuzzer's own mutation of bytes, which also takes words from a dictionary.
extern "C" size_t LLVMFuzzerMutate(uint8_t *Data, size_t Size, size_t MaxSize);

namespace m1::fuzz {

/// Changes a text of numbers, words and lines: a number becomes one near a
/// limit, a piece between separators is repeated, removed or moved; or what
/// LLVMFuzzerMutate does.
std::string mutateText(std::string Text, size_t MaxSize, std::mt19937 &Random);

/// Copies a result that fits to `Data`; returns its size.
size_t store(const std::string &Result, uint8_t *Data, size_t MaxSize);

} // namespace m1::fuzz

#endif // M1C_TEST_FUZZ_MUTATORS_TEXT_H
