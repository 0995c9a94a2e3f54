//===- Image.cpp - machine code from a plan -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/Image.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace m1;
using namespace m1::cpu;

absl::StatusOr<std::unique_ptr<Image>> Image::load(std::span<const uint8_t> Elf,
                                                   const std::string &Where) {
  std::unique_ptr<Image> Result(new Image);
  Result->Where = Where;
  auto Failed = [&](const char *Why) {
    return makeError(Where, ": cannot load the kernels: ", Why);
  };
  // dlopen needs a file: use an anonymous one in memory.
  Result->Descriptor = ::memfd_create("m1-kernels", MFD_CLOEXEC);
  if (Result->Descriptor < 0)
    return Failed(std::strerror(errno));
  size_t Done = 0;
  while (Done < Elf.size()) {
    ssize_t Count =
        ::write(Result->Descriptor, Elf.data() + Done, Elf.size() - Done);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return Failed(std::strerror(errno));
    Done += Count;
  }
  // For a path that it has seen, dlopen returns what it loaded then. So the
  // descriptor, whose number is in the path, stays open as long as the image.
  std::string Path = concat("/proc/self/fd/", Result->Descriptor);
  Result->Handle = ::dlopen(Path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!Result->Handle)
    return Failed(::dlerror());
  return Result;
}

Image::~Image() {
  if (Handle)
    ::dlclose(Handle);
  if (Descriptor >= 0)
    ::close(Descriptor);
}

absl::StatusOr<KernelFunction> Image::find(const std::string &Symbol) const {
  void *Address = ::dlsym(Handle, Symbol.c_str());
  if (!Address)
    return makeError(Where, ": the image has no kernel '", Symbol, "'");
  return reinterpret_cast<KernelFunction>(Address);
}
