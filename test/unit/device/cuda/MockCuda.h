//===- MockCuda.h - a mock CUDA driver library ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_DEVICE_CUDA_MOCKCUDA_H
#define M1C_TEST_UNIT_DEVICE_CUDA_MOCKCUDA_H

#include <cstddef>
#include <map>
#include <string>

namespace m1::test {

/// Controls the library MockCuda.cpp, which exports this as `mockCuda`. It
/// implements the CUDA driver's functions on host memory, with the kernels of
/// Kernels.c.
struct MockCuda {
  int Version = 12040, Devices = 1, Major = 8, Minor = 6, SharedBytes = 101376;
  size_t FreeBytes = 1 << 20;
  /// Injected errors: by function, the result of its next call.
  std::map<std::string, int> Failures;
  std::string JitLog; ///< of a cuModuleLoadDataEx that fails

  std::map<std::string, int> Calls; ///< by name of the function
  /// Live objects.
  int Memory = 0, HostMemory = 0, Streams = 0, Events = 0, Modules = 0,
      Graphs = 0, Contexts = 0;
  int DynamicShared = 0; ///< as cuFuncSetAttribute set it last
  std::string Ptx;       ///< as the last module was loaded
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_DEVICE_CUDA_MOCKCUDA_H
