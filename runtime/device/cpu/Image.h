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

/// An ELF shared object, loaded from memory. A process may have several.
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
  int Descriptor = -1; ///< of the file that the loader reads
  void *Handle = nullptr;
};

} // namespace m1::cpu

#endif // M1C_RUNTIME_DEVICE_CPU_IMAGE_H
