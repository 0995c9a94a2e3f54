//===- CreateDevice.cpp - devices by name ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/CreateDevice.h"

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/device/cuda/CudaDriver.h"
#include "runtime/device/gpu/GpuDevice.h"
#include "runtime/device/ptx/PtxDriver.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sched.h>
#include <thread>

using namespace m1;

/// N of "cuda:N"; `Default` for "cuda".
static std::optional<unsigned> cudaOrdinal(std::string_view Name,
                                           unsigned Default) {
  if (!Name.starts_with("cuda"))
    return std::nullopt;
  Name.remove_prefix(4);
  if (Name.empty())
    return Default;
  unsigned Ordinal = 0;
  auto [End, Error] =
      std::from_chars(Name.data() + 1, Name.data() + Name.size(), Ordinal);
  if (Name[0] != ':' || Error != std::errc() ||
      End != Name.data() + Name.size())
    return std::nullopt;
  return Ordinal;
}

/// The number of threads to use if the user asked for `Asked`; 0: one per
/// processor available to the process.
static absl::StatusOr<unsigned> chooseThreads(unsigned Asked) {
  if (Asked > 1024)
    return makeError("--threads ", Asked, ": at most 1024");
  if (Asked > 0)
    return Asked;
  cpu_set_t Set;
  if (::sched_getaffinity(0, sizeof Set, &Set) == 0)
    return std::max(1, CPU_COUNT(&Set));
  return std::max(1u, std::thread::hardware_concurrency());
}

absl::StatusOr<std::unique_ptr<Device>>
m1::createDevice(const LoadedPlan &Plan, const DeviceOptions &Options) {
  std::string_view Name = Options.Name;
  if (Name.empty())
    Name = length(Plan->images()) &&
                   view(Plan->images()->Get(0)->format()) == "ptx"
               ? "cuda"
               : "cpu";
  M1_ASSIGN_OR_RETURN(unsigned Threads, chooseThreads(Options.Threads));
  if (Name == "cpu")
    return createCpuDevice(Threads, Options.Checked);
  GpuOptions Gpu;
  Gpu.Blocking = Options.Blocking;
  if (std::optional<unsigned> Ordinal = cudaOrdinal(Name, Options.Gpu)) {
    if (Options.Checked)
      return makeError("--device ", Name,
                       " cannot check what kernels touch; run the plan on the "
                       "emulated GPU, with --device ptx");
    M1_ASSIGN_OR_RETURN(std::unique_ptr<gpu::Driver> Driver,
                        cuda::createCudaDriver(*Ordinal));
    return createGpuDevice(std::move(Driver), Gpu);
  }
  if (Name == "ptx") {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<gpu::Driver> Driver,
                        ptx::createPtxDriver(Threads));
    return createGpuDevice(std::move(Driver), Gpu);
  }
  return makeError("--device ", Name, ": expected cpu, cuda, cuda:N or ptx");
}
