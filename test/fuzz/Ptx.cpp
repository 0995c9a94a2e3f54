//===- Ptx.cpp - fuzzes PTX -----------------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include "runtime/emulators/ptx/Machine.h"
#include "runtime/emulators/ptx/Module.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

namespace {
/// Instructions that a warp may execute, so that an endless loop ends soon.
constexpr uint64_t MaxInstructions = 2000;
/// Kernels of a module that are launched.
constexpr size_t MaxKernels = 4;
/// Kernels with more parameters or threads are only loaded.
constexpr size_t MaxParameters = 64;
constexpr uint64_t MaxThreads = 128;

/// Launches a kernel on two thread blocks. Each parameter is the address of
/// written and unwritten memory, or a small number.
absl::Status launch(Machine &Gpu, uint32_t Module, const Function &Kernel,
                    bool Addresses) {
  constexpr uint64_t BufferBytes = 4096;
  const std::vector<uint64_t> Ones(BufferBytes / 16, 1);
  std::vector<uint64_t> Arguments;
  std::vector<ArgumentExtent> Extents;
  for (size_t I = 0; I < Kernel.Parameters.size(); ++I) {
    if (!Addresses || Kernel.Parameters[I].Bytes < 8) {
      Arguments.push_back(I + 1);
      Extents.push_back({});
      continue;
    }
    M1_ASSIGN_OR_RETURN(uint64_t Buffer, Gpu.allocate(BufferBytes, false));
    M1_RETURN_IF_ERROR(Gpu.write(Buffer, Ones.data(), BufferBytes / 2));
    Arguments.push_back(Buffer);
    Extents.push_back({I % 2 ? ArgumentExtent::Access::Read
                             : ArgumentExtent::Access::ReadWrite,
                       BufferBytes});
  }
  std::array<uint32_t, 3> Block = {32, 1, 1};
  if (Kernel.RequiredThreads[0])
    Block = Kernel.RequiredThreads;
  if (uint64_t(Block[0]) * Block[1] * Block[2] > MaxThreads)
    return absl::OkStatus();
  return Gpu.launch({.Module = Module,
                     .Kernel = Kernel.Name,
                     .Grid = {2, 1, 1},
                     .Block = Block,
                     .SharedBytes = 8192,
                     .Arguments = Arguments,
                     .Extents = Extents});
}
} // namespace

/// The input is the text of a module. Its kernels are launched.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  const std::string_view Text = textOf(Input);
  Module Parsed;
  GlobalMemory Variables;
  absl::Status Status = parseModule(Text, "input", Variables, Parsed);
  Machine::Limits Limits;
  Limits.Instructions = MaxInstructions;
  absl::StatusOr<std::unique_ptr<Machine>> Gpu = Machine::create(1, Limits);
  require(Gpu.ok(), "a machine can be made");
  absl::StatusOr<uint32_t> Loaded = (*Gpu)->load(Text, "input");
  require(Loaded.ok() == Status.ok(), "a module is parsed the same way twice");
  if (!Loaded.ok())
    return false;
  size_t Launched = 0;
  for (const Function &F : Parsed.Functions) {
    if (!F.IsKernel || F.Parameters.size() > MaxParameters)
      continue;
    if (++Launched > MaxKernels)
      break;
    for (bool Addresses : {true, false})
      (void)launch(**Gpu, *Loaded, F, Addresses);
  }
  return true;
}
