//===- Image.h - machine code from a plan -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CPU_IMAGE_H
#define M1C_RUNTIME_DEVICE_CPU_IMAGE_H

#include "runtime/support/Error.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace m1::cpu {

/// A kernel of a CPU plan, called once for each cell of the grid: `Args` holds
/// addresses and integers, `Cell` the cell's x, y and z, `Scratch` memory of
/// the calling thread, aligned to 64 bytes.
using KernelFunction = void (*)(const uint64_t *Args, const int64_t *Cell,
                                void *Scratch);

/// An ELF shared object, loaded from memory.
class Image {
public:
  /// `Where` begins the errors.
  static absl::StatusOr<std::unique_ptr<Image>>
  load(std::span<const uint8_t> Elf, const std::string &Where);
  ~Image();
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;

  absl::StatusOr<KernelFunction> find(const std::string &Symbol) const;

private:
  Image() = default;
  std::string Where;
  /// Of the file in memory. It stays open while the object is loaded: dlopen
  /// takes two files of the same name, which has this number, for the same.
  int Descriptor = -1;
  void *Handle = nullptr;
};

} // namespace m1::cpu

#endif // M1C_RUNTIME_DEVICE_CPU_IMAGE_H
